/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements former_flows.h. The pinned map `flows` had two entries for each flow, one for each
 * direction.
 */
#include <bpf/bpf.h>
#include <unistd.h>
#include "dataplane/former_flows.h"
#include "dataplane/map_info.h"
#include "lib/jiffies.h"

struct former_key {
	struct addr src, dst;
	__be16 sport, dport;
	__u8 family, direction;
	__u16 backend;
};

struct former_flow {
	struct addr src, dst;
	__be16 sport, dport;
	__u16 delta, id;
	/* seen: time of the last packet, since: time of the first answer, both in jiffies. */
	__u64 seen, packets, bytes, since;
	__u32 ifindex;
	__u8 family, armed;
	__u16 backend;
	__u64 timer[2];
};

/* Converts a flow of a former build. key, a: its entry for the original direction; b: its entry for
 * replies. */
static struct flow_entry entry_of(const struct former_key *key, const struct former_flow *a,
				  const struct former_flow *b)
{
	__u64 seen = a->seen > b->seen ? a->seen : b->seen;
	__u64 until = (seen >> learned_shift()) + learned_units(FLOW_TIMEOUT);
	struct flow_entry e = {
		.flow = {
			.client = key->src, .local = key->dst, .own = a->src,
			.client_port = key->sport, .local_port = key->dport,
			.client_family = key->family, .original = DIRECTION_ORIGINAL,
			.number = key->backend, .backend_port = a->dport, .own_port = a->sport,
			.family = a->family, .reply = DIRECTION_REPLY, .delta = a->delta,
			.backend = a->dst, .packets = { a->packets, b->packets },
			.bytes = { a->bytes, b->bytes }, .ifindex = a->ifindex,
			.since = a->since >> learned_shift(), .id = a->id,
		},
		.word = learned_word(1U << 31, LEARNED_LIVE, 0, until),
	};

	return e;
}

void former_flows(const char *instance, flow_each *each, void *data)
{
	int map = pin_get(instance, "flows");
	struct former_key key, *last = NULL, reply;
	struct former_flow a, b;
	struct flow_entry e;

	if (map >= 0 && map_info(map).value_size == sizeof(a))
		for (; !bpf_map_get_next_key(map, last, &key); last = &key) {
			if (key.direction != DIRECTION_ORIGINAL ||
			    bpf_map_lookup_elem(map, &key, &a))
				continue;
			reply = (struct former_key){ a.dst, a.src, a.dport, a.sport, a.family,
						     DIRECTION_REPLY, 0 };
			if (bpf_map_lookup_elem(map, &reply, &b))
				continue;
			e = entry_of(&key, &a, &b);
			each(data, &e);
		}
	if (map >= 0)
		close(map);
}
