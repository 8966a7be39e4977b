/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dataplane/control.h"
#include "dataplane/dataplane_uniform.h"
#include "dataplane/map_info.h"
#include "dataplane/pins.h"
#include "instance/uniform_writer.h"
#include "lib/fd.h"
#include "lib/hash.h"

/* Returns the hash of everything that the map's contents depend on, and of the map's id. */
static __u64 hash_of(const struct host *h, __u32 map)
{
	__u64 hash = hash_bytes(HASH_START, &map, sizeof(map));

	for (size_t i = 0; i < h->n_links; i++) {
		__u32 link[] = { h->links[i].ifindex, h->links[i].ethernet };

		hash = hash_bytes(hash, link, sizeof(link));
	}
	hash = hash_bytes(hash, h->rules, h->n_rules * sizeof(*h->rules));
	return hash_bytes(hash, h->routes, h->n_routes * sizeof(*h->routes));
}

__u64 uniform_hash(const char *instance, const struct host *h)
{
	__u32 map = pin_map_id(instance, "uniform");

	return map ? hash_of(h, map) : 0;
}

/* Returns whether the map has all blocks now. */
static bool write_blocks(int map, int control, struct uniform_work *work)
{
	bool written = false;
	__u32 block;

	while (uniform_next(work, &block))
		if (dataplane_uniform(map, control, uniform_of(work), block, &written))
			return false;
	if (written)
		control_forget(control, true, true);
	return true;
}

__u64 uniform_write(const char *instance)
{
	int map = pin_get(instance, "uniform"), control = pin_get(instance, "control");
	struct uniform_work *work;
	struct host h = { 0 };
	__u64 hash = 0;

	if (map >= 0 && control >= 0 && !host_read(&h)) {
		work = uniform_begin(&h);
		if (write_blocks(map, control, work))
			hash = hash_of(&h, map_info(map).id);
		uniform_end(work);
	}
	host_free(&h);
	fd_close(map);
	fd_close(control);
	return hash;
}
