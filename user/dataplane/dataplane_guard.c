/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements the part of dataplane.h for the guard: sets the sizes of its maps, makes keys and
 * guards match a plan, and reads them. The keys of a service are consecutive elements of a map, a
 * row. A new row is written to unused elements before struct guard refers to it, so each message is
 * checked against either the old or the new keys.
 */
#include <bpf/bpf.h>
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "dataplane/dataplane.h"
#include "dataplane/dataplane_programs.h"
#include "lib/memory.h"
#include "lib/log.h"
#include "dataplane/map_info.h"
#include "dataplane/table.h"

#define ROOM_KEYS 256
/* Room for this many times the keys in use, because rows of different lengths leave gaps. */
#define KEYS_SPARE 8
/* Minimum sizes of maps, in entries. */
#define ROOM_SOURCES 65536
#define ROOM_ANSWERED 262144
#define ROOM_INDICES 131072
#define ROOM_CHALLENGED 65536

static __u32 keys_room(size_t n)
{
	__u32 room = ROOM_KEYS;

	while (room < KEYS_SPARE * n)
		room *= 2;
	return room;
}

/* Without any guard each map gets one entry, because no map can be empty. */
void dataplane_size_guard(const struct dataplane *dp, struct load_settings *set,
			  const struct plan *p, __u32 services)
{
	bool on = p->guarded;

	dataplane_size_map(dp, set, MAP_guards, on ? services : 1);
	dataplane_size_map(dp, set, MAP_guard_keys, on ? keys_room(p->n_keys) : 1);
	dataplane_size_map(dp, set, MAP_public_keys, on ? keys_room(p->n_keys) : 1);
	dataplane_size_map(dp, set, MAP_guard_state, on ? services : 1);
	dataplane_size_learned(dp, set, MAP_guard_sources, on ? ROOM_SOURCES : 1);
	dataplane_size_learned(dp, set, MAP_answered, on ? ROOM_ANSWERED : 1);
	dataplane_size_learned(dp, set, MAP_indices, on ? ROOM_INDICES : 1);
	dataplane_size_map(dp, set, MAP_replays, on ? REPLAY_ROWS : 1);
	dataplane_size_map(dp, set, MAP_handshakes, on ? HANDSHAKE_PLACES : 1);
	dataplane_size_learned(dp, set, MAP_challenged, on ? ROOM_CHALLENGED : 1);
	/* libbpf rounds the size of a ring buffer up to a page. */
	dataplane_size_map(dp, set, MAP_challenges,
			   p->challenges ? CHALLENGES_BYTES : sysconf(_SC_PAGESIZE));
	dataplane_size_map(dp, set, MAP_health, on ? services * GUARD_BACKENDS_MAX : 1);
	dataplane_size_map(dp, set, MAP_backend_names, on ? services * GUARD_BACKENDS_MAX : 1);
	dataplane_size_map(dp, set, MAP_failed, on || p->notify ? FAILED_PLACES : 1);
}

/* ---- keys ---- */

static bool same_row(const struct dataplane *dp, __u32 word, const struct plan_guard *g)
{
	bool same = GUARD_KEYS_N(word) == g->n_keys;

	for (__u32 i = 0; i < g->n_keys && same; i++) {
		__u32 place = GUARD_KEYS_FIRST(word) + i;
		struct guard_key key;
		struct public_key public;

		same = !bpf_map_lookup_elem(map_fd(dp, MAP_guard_keys), &place, &key) &&
		       !memcmp(&key, &g->keys[i].key, sizeof(key)) &&
		       !bpf_map_lookup_elem(map_fd(dp, MAP_public_keys), &place, &public) &&
		       !memcmp(&public, &g->keys[i].public, sizeof(public));
	}
	return same;
}

static void mark_row(bool *used, __u32 room, __u32 word)
{
	for (__u32 i = 0; i < GUARD_KEYS_N(word) && GUARD_KEYS_FIRST(word) + i < room; i++)
		used[GUARD_KEYS_FIRST(word) + i] = true;
}

/* Returns the first of n consecutive unused elements, or `room` if there are none. */
static __u32 free_row(const bool *used, __u32 room, __u32 n)
{
	__u32 run = 0, i = 0;

	for (; i < room && run < n; i++)
		run = used[i] ? 0 : run + 1;
	return run < n ? room : i - n;
}

static int write_row(const struct dataplane *dp, struct plan_guard *g, bool *used, __u32 room)
{
	__u32 first = free_row(used, room, g->n_keys);
	int rc = first < room ? 0 : -ENOSPC;

	if (rc)
		return rc;
	g->guard.keys = GUARD_KEYS_WORD(first, g->n_keys);
	mark_row(used, room, g->guard.keys);
	for (__u32 i = 0; i < g->n_keys && !rc; i++) {
		__u32 place = first + i;

		rc = bpf_map_update_elem(map_fd(dp, MAP_guard_keys), &place, &g->keys[i].key,
					 BPF_ANY) ?:
		     bpf_map_update_elem(map_fd(dp, MAP_public_keys), &place, &g->keys[i].public,
					 BPF_ANY);
	}
	return rc;
}

int dataplane_keys_write(const struct dataplane *dp, struct plan *p, int *changes)
{
	__u32 room = dataplane_entries(dp, MAP_guard_keys);
	bool *used = xcalloc(room + 1, sizeof(*used)), waited = false;
	struct guard *now = NULL;
	size_t n = 0;
	int rc = dataplane_guards(dp, &now, &n);

	for (size_t id = 0; id < n && !rc; id++)
		mark_row(used, room, now[id].keys);
	for (size_t id = 0; id < p->n_guards && !rc; id++) {
		struct plan_guard *g = &p->guards[id];

		if (!g->guard.flags)
			continue;
		if (id < n && now[id].flags && same_row(dp, now[id].keys, g)) {
			g->guard.keys = now[id].keys;
			continue;
		}
		if (!waited)
			/* Wait for programs that still read a row which the last change freed. */
			table_grace();
		waited = true;
		*changes += g->n_keys;
		rc = write_row(dp, g, used, room);
	}
	if (rc == -ENOSPC)
		log_error("all services have %zu public keys, and the limit is %u: remove some", p->n_keys, room);
	free(used);
	free(now);
	return rc;
}

/* ---- guards ---- */

/* Changes a guard that programs read meanwhile. The flags are set last in a new guard, and cleared
 * first in a removed one. A single store replaces its keys. */
static void write_guard(struct guard *to, const struct guard *from)
{
	if (!from->flags)
		__atomic_store_n(&to->flags, 0, __ATOMIC_SEQ_CST);
	memcpy(to->header, from->header, sizeof(*to) - offsetof(struct guard, header));
	__atomic_store_n(&to->keys, from->keys, __ATOMIC_SEQ_CST);
	__atomic_store_n(&to->flags, from->flags, __ATOMIC_SEQ_CST);
}

static int write_guards(const struct dataplane *dp, const struct plan *p, int *changes)
{
	static const struct guard none;
	size_t n = dataplane_entries(dp, MAP_guards), size = n * sizeof(struct guard);
	struct guard *guards = map_memory(map_fd(dp, MAP_guards), size, PROT_READ | PROT_WRITE);

	if (!guards)
		return -errno;
	for (size_t id = 0; id < n; id++) {
		const struct guard *g = id < p->n_guards ? &p->guards[id].guard : &none;

		if (!memcmp(&guards[id], g, sizeof(*g)))
			continue;
		++*changes;
		write_guard(&guards[id], g);
	}
	munmap(guards, size);
	return 0;
}

int dataplane_guards_write(const struct dataplane *dp, const struct plan *p, int *changes)
{
	static const struct backend_name none;
	struct backend_name *now = NULL;
	size_t n = 0;
	int rc = write_guards(dp, p, changes) ?: dataplane_backend_names(dp, &now, &n);

	for (__u32 at = 0; at < n && !rc; at++) {
		__u32 id = at / GUARD_BACKENDS_MAX;
		const struct backend_name *name =
			id < p->n_guards && p->guards[id].names ?
			&p->guards[id].names[at % GUARD_BACKENDS_MAX] : &none;

		if (!memcmp(&now[at], name, sizeof(*name)))
			continue;
		++*changes;
		/* The health counters are those of the backend that had this number before. */
		rc = dataplane_clear(dp, MAP_health, at, 1) ?:
		     bpf_map_update_elem(map_fd(dp, MAP_backend_names), &at, name, BPF_ANY);
	}
	free(now);
	return rc;
}

/* ---- reading ---- */

int dataplane_backend_names(const struct dataplane *dp, struct backend_name **ret, size_t *ret_n)
{
	return dataplane_array(dp, MAP_backend_names, sizeof(**ret), ret, ret_n);
}

int dataplane_guards(const struct dataplane *dp, struct guard **ret, size_t *ret_n)
{
	return dataplane_array(dp, MAP_guards, sizeof(**ret), ret, ret_n);
}

bool dataplane_guard(const struct dataplane *dp, __u32 id, struct guard *ret)
{
	return id < dataplane_entries(dp, MAP_guards) &&
	       !bpf_map_lookup_elem(map_fd(dp, MAP_guards), &id, ret) && ret->flags;
}

bool guard_is_amneziawg(const struct guard *g)
{
	bool is = g->flags & GUARD_JUNK;

	for (int i = 0; i < MESSAGES; i++)
		is |= g->header[i] != htole32(i + 1) || g->span[i];
	return is;
}

int dataplane_guard_keys(const struct dataplane *dp, const struct guard *g,
			 struct guard_public **ret, size_t *ret_n)
{
	__u32 first = GUARD_KEYS_FIRST(g->keys), n = GUARD_KEYS_N(g->keys);
	struct guard_public *list = xcalloc(n + 1, sizeof(*list));
	int rc = 0;

	for (__u32 i = 0; i < n && !rc; i++) {
		__u32 place = first + i;
		struct guard_key key;

		if (bpf_map_lookup_elem(map_fd(dp, MAP_guard_keys), &place, &key) ||
		    bpf_map_lookup_elem(map_fd(dp, MAP_public_keys), &place, &list[i].key))
			rc = -errno;
		list[i].backend = key.backend;
	}
	if (rc) {
		free(list);
		return rc;
	}
	*ret = list;
	*ret_n = n;
	return 0;
}

void dataplane_cookies(const struct dataplane *dp, __u64 *ret_replies, __s64 *ret_off)
{
	struct cookies c = { 0 };
	__u32 zero = 0;

	bpf_map_lookup_elem(map_fd(dp, MAP_cookies), &zero, &c);
	explicit_bzero(c.secret, sizeof(c.secret));
	*ret_replies = c.replies;
	*ret_off = 0;
	if (!c.alive)
		*ret_off = c.written ?: 1; /* 1: no daemon has run since `up` */
	else if (c.written + COOKIES_ALIVE_SECONDS < (__u64)time(NULL))
		*ret_off = c.written + COOKIES_ALIVE_SECONDS;
}

int dataplane_health(const struct dataplane *dp, __u32 id, __u32 backend, struct health *ret)
{
	__u32 at = id * GUARD_BACKENDS_MAX + backend;

	return bpf_map_lookup_elem(map_fd(dp, MAP_health), &at, ret) ? -errno : 0;
}

/* ---- rates ---- */

/* Writes a limit that differs, while the programs use it and write the state beside it. */
static void write_rate(struct rate *place, const struct rate *new, int *changes)
{
	for (int kind = 0; kind < RATE_KINDS; kind++) {
		if (place->each[kind] == new->each[kind] && place->burst[kind] == new->burst[kind])
			continue;
		++*changes;
		place->each[kind] = new->each[kind];
		place->burst[kind] = new->burst[kind];
		place->until[kind] = 0;
	}
}

/* Returns the limits for an index of the map, from the plan. peers, numbered: where these parts of
 * the map begin. */
static const struct rate *wanted(const struct plan *p, size_t peers, size_t numbered, size_t i)
{
	static const struct rate none;

	if (p->service_rates && i < rate_index(p->n_services, 0))
		return &p->service_rates[i];
	if (p->peer_rates && i >= peers && i - peers < rate_index(p->relay.n_peers, 0))
		return &p->peer_rates[i - peers];
	if (p->numbered_rates && i >= numbered && i - numbered < rate_index(p->n_numbered, 0))
		return &p->numbered_rates[i - numbered];
	return &none;
}

int dataplane_rates_write(const struct dataplane *dp, const struct plan *p, int *changes)
{
	size_t room = dataplane_entries(dp, MAP_rates), size = room * sizeof(struct rate);
	struct rate *map = map_memory(map_fd(dp, MAP_rates), size, PROT_READ | PROT_WRITE);
	size_t peers = rate_index(dataplane_entries(dp, MAP_names), 0);
	size_t numbered = peers + rate_index(dataplane_entries(dp, MAP_peers), 0);

	if (!map)
		return -errno;
	for (size_t i = 0; i < room; i++)
		write_rate(&map[i], wanted(p, peers, numbered, i), changes);
	munmap(map, size);
	return 0;
}
