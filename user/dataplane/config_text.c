/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The text of the configuration that runs, in a pinned map.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "dataplane/config_text.h"
#include "dataplane/map_info.h"
#include "dataplane/pins.h"

#define PAGE 4096			/* bytes of an entry; behind the text there are zeroes */

int config_text_make(const char *text, size_t n)
{
	__u32 pages = n / PAGE + 1;
	char page[PAGE];
	int rc = 0, map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "config_text", sizeof(__u32), PAGE, pages, NULL);

	if (map < 0)
		return -errno;
	for (__u32 i = 0; i < pages && !rc; i++) {
		size_t left = n - (size_t)i * PAGE;

		memset(page, 0, sizeof(page));
		memcpy(page, text + (size_t)i * PAGE, left < PAGE ? left : PAGE);
		rc = bpf_map_update_elem(map, &i, page, BPF_ANY) ? -errno : 0;
	}
	if (rc)
		close(map);
	return rc ?: map;
}

__u32 config_text_id(const char *instance)
{
	int map = pin_get(instance, CONFIG_PIN);
	__u32 id = map_info(map).id;

	if (map >= 0)
		close(map);
	return id;
}

static int read_pages(int map, char **ret)
{
	__u32 pages = map_info(map).max_entries;
	char *text = malloc((size_t)pages * PAGE + 1);

	if (!text)
		return -ENOMEM;
	text[(size_t)pages * PAGE] = '\0';
	for (__u32 i = 0; i < pages; i++) {
		if (bpf_map_lookup_elem(map, &i, text + (size_t)i * PAGE)) {
			int rc = -errno;

			free(text);
			return rc;
		}
	}
	*ret = text;
	return 0;
}

int config_text_read(const char *instance, char **ret)
{
	int map = pin_get(instance, CONFIG_PIN), rc = map < 0 ? map : read_pages(map, ret);

	if (map >= 0)
		close(map);
	return rc;
}
