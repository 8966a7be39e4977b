/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Services with a guard on the host plane: dnat and masquerade, both families, each before BACKENDS hosts.
 */
#ifndef HOST_GUARDED_H
#define HOST_GUARDED_H

#include "host_flows.h"

#define BACKENDS 3
#define KEYS 64				/* number of keys; the n-th is the n-th backend's, if there is one */

struct guarded {
	const char *name;
	__u16 id, flags;
	const char *client, *local, *backend;	/* the first one; the others follow */
	__u16 port;
};

static const struct guarded guarded[] = {
	{ "dnat 4", 0, 0, "192.0.2.9", "203.0.113.1", "192.168.1.10", 51820 },
	{ "dnat 6", 1, 0, "2001:db8:9::9", "2001:db8:1::1", "2001:db8:2::10", 51820 },
	{ "masquerade 44", 2, SERVICE_MASQUERADE, "192.0.2.9", "203.0.113.1", "192.168.1.20", 52000 },
	{ "masquerade 66", 3, SERVICE_MASQUERADE | SERVICE_TO_IPV6, "2001:db8:9::9", "2001:db8:1::1", "2001:db8:2::20", 52000 },
	{ "masquerade 46", 4, SERVICE_MASQUERADE | SERVICE_TO_IPV6, "192.0.2.9", "203.0.113.1", "2001:db8:2::30", 53000 },
	{ "masquerade 64", 5, SERVICE_MASQUERADE, "2001:db8:9::9", "2001:db8:1::1", "192.168.1.60", 54000 },
};
#define GUARDED (sizeof(guarded) / sizeof(guarded[0]))

static void key_bytes(__u32 n, __u8 key[32])
{
	for (int i = 0; i < 32; i++)
		key[i] = n * 37 + i * 11 + 1;
}

static inline struct guard *guard_at(__u32 id)
{
	return bpf_map_lookup_elem(&guards, &id);
}

static inline struct health *health_at(__u32 id, __u32 backend)
{
	__u32 place = id * GUARD_BACKENDS_MAX + backend;

	return bpf_map_lookup_elem(&health, &place);
}

static struct addr nth_backend(const struct guarded *g, __u32 n)
{
	struct addr a = world_addr(g->backend);

	a.b[15] += n;
	return a;
}

/* Writes rows from `first` on: n keys from the m-th on. If there are several backends, each key is its backend's */
static inline void keys_written(__u32 first, __u32 m, __u32 n, bool backends)
{
	for (__u32 i = 0; i < n; i++) {
		struct guard_key row = { .backend = backends ? m + i : 0 };
		__u8 label[40] = "mac1----", key[32];
		__u32 place = first + i;

		key_bytes(m + i, label + 8);
		blake2s(key, 32, NULL, 0, label, sizeof(label));
		blake2s_key(row.mac1, key, 32, MAC_LEN);
		bpf_map_update_elem(&guard_keys, &place, &row, BPF_ANY);
	}
}

/* Sets these flags for all services, with limits that do not matter */
static inline void guards_ask(__u32 flags, __u32 n_keys)
{
	keys_written(16, 0, n_keys, flags & GUARD_BACKENDS);
	for (__u32 id = 0; id < GUARDED; id++) {
		struct guard *g = guard_at(id);

		*g = (struct guard){ .flags = GUARD_ON | flags, .keys = GUARD_KEYS_WORD(16, n_keys) };
		for (__u32 i = 0; i < MESSAGES; i++)
			g->header[i] = htole32(i + 1);
		g->source_each = g->service_each = 1;
		g->source_burst = g->service_burst = 1ULL << 40;
	}
}

static inline void guards_listen(void)
{
	world_n_entries = 0;
	for (size_t i = 0; i < GUARDED; i++)
		for (__u32 n = 0; n < BACKENDS; n++) {
			const struct guarded *g = &guarded[i];
			size_t place = world_n_entries;
			char backend[64];

			inet_ntop(strchr(g->backend, ':') ? AF_INET6 : AF_INET,
				  &nth_backend(g, n).b[strchr(g->backend, ':') ? 0 : 12], backend, sizeof(backend));
			world_listen(g->id, W0, g->local, g->port, backend, 51820, 2 + 2 * (i * BACKENDS + n),
				     g->flags | n << SERVICE_BACKEND_SHIFT);
			world_entries[place].key.word += table_backend(n);
			if (g->flags & SERVICE_MASQUERADE)
				world_entries[place + 1].service.flags = SERVICE_MASQUERADE | SERVICE_FLOWS | n << SERVICE_BACKEND_SHIFT;
		}
	world_commit();
}

static inline void guards_reset(void)
{
	struct { struct host_map *map; __u32 max; } maps[] = {
		{ &guards, WORLD_SERVICES }, { &guard_keys, 512 }, { &guard_state, WORLD_SERVICES }, { &budgets, 1 },
		{ &guard_sources, 256 }, { &answered, 8 }, { &indices, 8 }, { &replays, REPLAY_ROWS },
		{ &handshakes, HANDSHAKE_PLACES }, { &health, WORLD_SERVICES * GUARD_BACKENDS_MAX }, { &failed, FAILED_PLACES }, { &challenged, 2 },
		{ &cookies, 1 },
	};

	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++)
		host_map_reset(maps[i].map, maps[i].max);
}

static inline void guarded_setup(__u32 flags, __u32 n_keys)
{
	flows_setup();
	guards_reset();
	guards_listen();
	guards_ask(flags, n_keys);
	world_knows(WAY_GUARDS);
	host_map_reset(&event_watch, 1);
}

#endif
