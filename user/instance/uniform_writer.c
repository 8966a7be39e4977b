/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements uniform_writer.h.
 */
#include <unistd.h>
#include "dataplane/control.h"
#include "dataplane/dataplane_uniform.h"
#include "dataplane/map_info.h"
#include "dataplane/pins.h"
#include "instance/uniform_writer.h"
#include "lib/hash.h"
#include "plan/uniform.h"

/* Returns the hash of everything that the map's contents depend on, and of the map's id. */
static __u64 hash_of(const struct host *h, __u32 map)
{
	__u64 hash = hash_bytes(HASH_START, &map, sizeof(map));

	for (size_t i = 0; i < h->n_links; i++) {
		__u32 link[] = { h->links[i].ifindex, h->links[i].ethernet };

		hash = hash_bytes(hash, link, sizeof(link));
	}
	if (h->n_rules)
		hash = hash_bytes(hash, h->rules, h->n_rules * sizeof(*h->rules));
	return h->n_routes ? hash_bytes(hash, h->routes, h->n_routes * sizeof(*h->routes)) : hash;
}

/* Ends the work. done false: the map does not agree with the routes. */
static void end_work(struct uniform_writer *w, bool done)
{
	if (!w->work)
		return;
	uniform_end(w->work);
	w->work = NULL;
	close(w->map);
	close(w->control);
	if (!done)
		w->hash = 0;
}

void uniform_writer_begin(struct uniform_writer *w, const char *instance, const struct host *h)
{
	int map = pin_get(instance, "uniform"), control = pin_get(instance, "control");
	__u64 hash = map < 0 ? 0 : hash_of(h, map_info(map).id);

	if (map >= 0 && control >= 0 && hash != w->hash) {
		end_work(w, false);
		*w = (struct uniform_writer){
			.hash = hash, .work = uniform_begin(h), .map = map, .control = control,
		};
		if (w->work)
			return;
		w->hash = 0;
	}
	if (map >= 0)
		close(map);
	if (control >= 0)
		close(control);
}

bool uniform_writer_next(struct uniform_writer *w)
{
	__u32 block;

	if (!w->work)
		return false;
	if (uniform_next(w->work, &block)) {
		if (!dataplane_uniform(w->map, w->control, uniform_of(w->work), block,
				       &w->written))
			return true;
		end_work(w, false);
		return false;
	}
	if (w->written)
		dataplane_uniform_written(w->control);
	end_work(w, true);
	return false;
}
