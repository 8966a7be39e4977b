/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The ways through the scene, each with a frame that comes and the frame that must leave, and running a frame in a buffer of
 * exactly its size.
 */
#ifndef HOST_WAYS_H
#define HOST_WAYS_H

#include "host_scene.h"

struct way {
	const char *name;
	__u32 in, id;
	enum direction direction;
	const char *client, *local, *backend;
	__u16 port, backend_port;
	__u32 out;
	__u8 next_hop;			/* last byte of its MAC */
};

static const struct way ways[] = {
	{ "dnat ipv4", W0, 0, DIRECTION_ORIGINAL, "192.0.2.9", "203.0.113.1", "192.168.1.10", 51820, 51820, L0, 10 },
	{ "dnat ipv4, reply", L0, 0, DIRECTION_REPLY, "192.0.2.9", "203.0.113.1", "192.168.1.10", 51820, 51820, W0, 254 },
	{ "reply on link", L0, 0, DIRECTION_REPLY, "203.0.113.7", "203.0.113.1", "192.168.1.10", 51820, 51820, W0, 77 },
	{ "direct ipv6", W0, 0, DIRECTION_ORIGINAL, "2001:db8:9::9", "2001:db8:2::10", "2001:db8:2::10", 51820, 51820, L0, 10 },
	{ "direct ipv6, reply", L0, 0, DIRECTION_REPLY, "2001:db8:9::9", "2001:db8:2::10", "2001:db8:2::10", 51820, 51820,
	  W0, 254 },
	{ "other port", W0, 1, DIRECTION_ORIGINAL, "192.0.2.9", "203.0.113.1", "192.168.1.10", 443, 51821, L0, 10 },
	{ "other port, reply", L0, 1, DIRECTION_REPLY, "192.0.2.9", "203.0.113.1", "192.168.1.10", 443, 51821, W0, 254 },
	{ "dnat ipv6", W0, 2, DIRECTION_ORIGINAL, "2001:db8:9::9", "2001:db8:1::1", "2001:db8:2::20", 51820, 51821, L0, 10 },
	{ "dnat ipv6, reply", L0, 2, DIRECTION_REPLY, "2001:db8:9::9", "2001:db8:1::1", "2001:db8:2::20", 51820, 51821, W0, 254 },
	{ "none ipv4", W0, 7, DIRECTION_ORIGINAL, "192.0.2.9", "198.18.0.30", "198.18.0.30", 51820, 51820, L0, 30 },
	{ "none ipv4, reply", L0, 7, DIRECTION_REPLY, "192.0.2.9", "198.18.0.30", "198.18.0.30", 51820, 51820, W0, 254 },
	{ "generic", G0, 8, DIRECTION_ORIGINAL, "192.0.2.9", "203.0.113.129", "192.168.2.20", 51820, 51820, M0, 10 },
};
#define WAYS (sizeof(ways) / sizeof(ways[0]))
#define CLIENT_PORT 40000

/* A frame of this way as it arrives; the caller may change it before way_leaves() */
static inline void way_comes(const struct way *w, struct frame *f)
{
	bool original = w->direction == DIRECTION_ORIGINAL;

	memset(f, 0, sizeof(*f));
	world_mac(f->dmac, w->in, 1);
	world_mac(f->smac, w->in, 0xee);
	f->family = world_family(w->client);
	f->ttl = 64;
	f->payload = 32;
	f->src = world_addr(original ? w->client : w->backend);
	f->dst = world_addr(original ? w->local : w->client);
	f->sport = original ? CLIENT_PORT : w->backend_port;
	f->dport = original ? w->port : CLIENT_PORT;
}

/* ... and as it must leave */
static inline void way_leaves(const struct way *w, const struct frame *in, struct frame *out)
{
	bool original = w->direction == DIRECTION_ORIGINAL;

	*out = *in;
	world_mac(out->dmac, w->out, w->next_hop);
	world_mac(out->smac, w->out, 1);
	out->ttl--;
	if (original) {
		out->dst = world_addr(w->backend);
		out->dport = w->backend_port;
	} else {
		out->src = world_addr(w->local);
		out->sport = w->port;
	}
}

struct ran {
	int verdict;
	bool touched;
	struct host_packet packet;	/* data is no longer valid */
};

/* Runs the first len bytes of frame, of which linear are accessible, in an allocation of len (and two, so that IP
 * headers are aligned as in the kernel). Writes the result to out, if it is not NULL. */
static inline struct ran way_run(enum plane plane, __u32 ifindex, const __u8 *frame, __u32 len, __u32 linear, __u8 *out)
{
	__u32 room = with_flows ? HOST_ROOM : 0;
	__u8 *memory = malloc(len + 2 + room);
	struct ran r = { .packet = { .data = memory + 2, .len = len, .linear = linear } };

	memcpy(memory + 2, frame, len);
	ASAN_POISON_MEMORY_REGION(memory + 2 + len, room);
	r.verdict = world_run(plane, ifindex, &r.packet);
	r.touched = memcmp(memory + 2, frame, len);
	if (out)
		memcpy(out, memory + 2, r.packet.len);
	r.packet.data = NULL;
	free(memory);
	return r;
}

/* ---- one frame after the other ---- */

static __u8 came[70000] __attribute__((unused)), left[70000] __attribute__((unused)), want[70000] __attribute__((unused));
static struct frame in __attribute__((unused)), out __attribute__((unused));

static inline const struct way *way_named(const char *name)
{
	for (size_t i = 0; i < WAYS; i++)
		if (!strcmp(ways[i].name, name))
			return &ways[i];
	abort();
}

static inline struct ran send_in(enum plane plane, __u32 ifindex)
{
	__u32 len = frame_build(&in, came);

	return way_run(plane, ifindex, came, len, len, left);
}

/* Sends twice, because the first packet of a next hop goes through the kernel */
static inline struct ran send_primed(enum plane plane, __u32 ifindex)
{
	send_in(plane, ifindex);
	return send_in(plane, ifindex);
}

static inline struct total way_total(__u32 id, enum direction direction, enum plane plane)
{
	__u32 index = total_index(id, direction, plane);

	return *(struct total *)bpf_map_lookup_elem(&totals, &index);
}

static inline __u64 way_reason(__u32 id, enum direction direction, enum plane plane, enum reason reason)
{
	struct reason_key key = { id, direction, plane, reason };
	__u64 *n = bpf_map_lookup_elem(&reasons, &key);

	return n ? *n : 0;
}

/* Returns the counted direction, and how many packets it received */
static inline enum direction way_counted(__u64 *ret_received)
{
	__u64 n[2] = { 0 };

	for (__u32 id = 0; id < WORLD_SERVICES; id++)
		for (int i = 0; i < 4; i++) {
			struct total t = way_total(id, i & 1, i >> 1);

			n[i & 1] += total_received(&t);
		}
	*ret_received = n[0] + n[1];
	return n[0] ? DIRECTION_ORIGINAL : DIRECTION_REPLY;
}

/* received = forwarded + dropped + passed, everywhere */
static inline bool ways_sums_hold(void)
{
	for (__u32 id = 0; id < WORLD_SERVICES; id++)
		for (int i = 0; i < 4; i++) {
			struct total t = way_total(id, i & 1, i >> 1);
			__u64 refused = 0;

			for (__u32 j = 0; j < reasons.n; j++) {
				const struct reason_key *key = reasons.entries[j].key;

				if (key->id == id && key->direction == (i & 1) && key->plane == i >> 1)
					refused += *(__u64 *)reasons.entries[j].value;
			}
			if (t.refused != refused)
				return false;
		}
	return true;
}

#endif
