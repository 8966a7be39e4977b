/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements the functions followed_devices_…() of plan.h.
 */
#include <errno.h>
#include <string.h>
#include "lib/hash.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "plan/plan.h"
#include "plan/site_names.h"

int followed_devices_read(const struct config *c, struct followed_device **ret, size_t *ret_n)
{
	struct followed_device *list = xcalloc(c->follow.n_wireguard + 1, sizeof(*list));
	size_t n = 0;

	for (size_t i = 0; i < c->follow.n_wireguard; i++) {
		struct followed_device *f = &list[n];
		int rc;

		strcpy(f->device, c->follow.wireguard[i].name);
		rc = wg_read(f->device, &f->wireguard);
		/* There are findings about these. */
		if (rc == -EOPNOTSUPP || rc == -ENODEV)
			continue;
		if (rc) {
			log_error("interface %s: cannot read its peers: %s", f->device,
				  strerror(-rc));
			followed_devices_free(list, n);
			return rc;
		}
		wg_names_read(f->device, &f->names);
		n++;
	}
	*ret = list;
	*ret_n = n;
	return 0;
}

void followed_devices_free(struct followed_device *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		wg_free(&list[i].wireguard);
		wg_names_free(&list[i].names);
	}
	free(list);
}

/* Returns a hash of the device's peers. It is a sum of hashes, so that the order of peers and of
 * their AllowedIPs does not matter. */
static __u64 device_hash(const char *device, const struct wg_device *d)
{
	__u64 sum = 0;

	for (size_t i = 0; i < d->n_peers; i++) {
		const struct wg_peer *p = &d->peers[i];
		__u64 of_peer = hash_bytes(HASH_START, device, strlen(device)), h;

		of_peer = hash_bytes(of_peer, &p->key, sizeof(p->key));
		sum += of_peer;
		for (size_t j = 0; j < p->n_allowed; j++) {
			h = hash_bytes(of_peer, &p->allowed[j].addr, sizeof(p->allowed[j].addr));
			sum += hash_bytes(hash_bytes(h, &p->allowed[j].family, 1),
					  &p->allowed[j].len, 1);
		}
	}
	return sum;
}

__u64 followed_devices_hash(const struct config *c)
{
	__u64 sum = 1;

	for (size_t i = 0; i < c->follow.n_wireguard; i++) {
		struct wg_device d;

		if (wg_read(c->follow.wireguard[i].name, &d))
			continue;
		sum += device_hash(c->follow.wireguard[i].name, &d);
		wg_free(&d);
	}
	return sum;
}

/* ---- names of the blind relay's sites ---- */

bool site_names_read(const struct config *c, struct wg_names *ret)
{
	struct wg_name *own = xcalloc(c->n_peers + 1, sizeof(*own));
	bool in_file;
	size_t n = 0;

	wg_names_read(c->blind.device, ret);
	in_file = ret->n;
	for (size_t i = 0; i < c->n_peers; i++) {
		if (wg_key_is_none(&c->peers[i].key))
			continue;
		own[n].key = c->peers[i].key;
		strcpy(own[n++].name, c->peers[i].name);
	}
	wg_names_prefer(ret, own, n);
	free(own);
	return in_file;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct site_name *)a)->name, ((const struct site_name *)b)->name);
}

void site_names_sort(struct site_name *list, size_t n)
{
	if (n)
		qsort(list, n, sizeof(*list), by_name);
}

bool site_names_have(const struct site_name *sorted, size_t n, const char *name)
{
	struct site_name key = { 0 };

	strcpy(key.name, name);
	return sorted && bsearch(&key, sorted, n, sizeof(key), by_name);
}
