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
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_INNER_MAP);
	__u32 pages = n / PAGE + 1;
	char page[PAGE];
	int rc = 0, map = bpf_map_create(BPF_MAP_TYPE_ARRAY, "config_text", sizeof(__u32), PAGE, pages, &opts);

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

int config_text_holder(int like)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .inner_map_fd = like);
	int map = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, CONFIG_PIN, sizeof(__u32), sizeof(__u32), 1, &opts);

	return map < 0 ? -errno : map;
}

int config_text_put(int holder, int text)
{
	__u32 zero = 0;

	return bpf_map_update_elem(holder, &zero, &text, BPF_ANY) ? -errno : 0;
}

__u32 config_text_id(const char *instance)
{
	int holder = pin_get(instance, CONFIG_PIN);
	__u32 zero = 0, id = 0;

	if (holder < 0)
		return 0;
	if (bpf_map_lookup_elem(holder, &zero, &id))
		id = 0;
	close(holder);
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
	int map, rc;

	do {
		__u32 id = config_text_id(instance);

		if (!id)
			return -ENOENT;
		map = bpf_map_get_fd_by_id(id);
		rc = map < 0 ? -errno : 0;
	} while (rc == -ENOENT);		/* another command has replaced it */
	if (rc)
		return rc;
	rc = read_pages(map, ret);
	close(map);
	return rc;
}
