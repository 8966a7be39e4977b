/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Clients and backends of host_guard.h's services talking: what is sent is held against the whole packet that must leave, and what
 * is not says why.
 */
#ifndef HOST_HANDSHAKES_H
#define HOST_HANDSHAKES_H

#include "host_guard.h"

/* Counts each reason, over all services */
static void reasons_now(__u64 counts[REASON_MAX])
{
	memset(counts, 0, REASON_MAX * sizeof(*counts));
	for (__u32 i = 0; i < reasons.n; i++)
		counts[((struct reason_key *)reasons.entries[i].key)->reason] += *(__u64 *)reasons.entries[i].value;
}

static struct addr client_addr(void)
{
	struct addr a = world_addr(at_service->client);

	a.w[3] = htonl(ntohl(a.w[3]) + client_number);
	return a;
}

/* Makes `in` this message from the client */
static void client_comes(const struct guard_message *m)
{
	memset(&in, 0, sizeof(in));
	world_mac(in.dmac, W0, 1);
	world_mac(in.smac, W0, 0xee);
	in.family = world_family(at_service->client);
	in.ttl = 64;
	in.src = client_addr();
	in.dst = world_addr(at_service->local);
	in.sport = client_port;
	in.dport = at_service->port;
	in.payload = message_len(m);
	in.bytes = m->bytes;
}

/* Returns the backend that got `in` unchanged, from the client's or a pool's address */
static int got_by(void)
{
	bool masquerade = at_service->flags & SERVICE_MASQUERADE;
	struct seen s;
	__u32 n;

	assert_true(see(left, ran.packet.len, &s));
	for (n = 0; n < BACKENDS; n++) {
		struct addr a = nth_backend(at_service, n);

		if (addr_same(&a, &s.dst))
			break;
	}
	assert_uint_in_range(n, 0, BACKENDS - 1);
	out = in;
	world_mac(out.dmac, L0, 10);
	world_mac(out.smac, L0, 1);
	out.family = world_family(at_service->backend);
	out.ttl--;
	out.dst = s.dst;
	out.dport = 51820;
	if (masquerade) {
		out.src = ours = s.src;
		out.sport = shown_port = s.sport;
		assert_false(addr_same(&in.src, &out.src));
		if (out.family != in.family && out.family == FAMILY_IPV4)
			ipv4_of_ipv6(&out);
	}
	return n;
}

/* Runs `in`; returns the number of the backend that got it, PASSED_UP, or the negative reason */
static int becomes(void)
{
	__u64 before[REASON_MAX], after[REASON_MAX];
	__u32 len = frame_build(&in, came);
	int n;

	reasons_now(before);
	ran = way_run(plane, W0, came, len, len, left);
	reasons_now(after);
	assert_true(ways_sums_hold());
	if (ran.verdict != HOST_SENT) {
		assert_false(ran.touched && (ran.verdict == HOST_PASS || at_service->id < 4));	/* room for the other family */
		assert_int_equal(ran.packet.egress, 0);
		for (int r = 0; r < REASON_MAX; r++)
			if (after[r] != before[r]) {
				assert_int_equal(ran.verdict, reason_is_drop(-r) ? HOST_DROP : HOST_PASS);
				assert_int_equal(after[r], before[r] + 1);
				return -r;
			}
		return PASSED_UP;
	}
	assert_memory_equal(before, after, sizeof(before));
	n = got_by();
	sent_rightly(L0);
	return n;
}

static int sends(const struct guard_message *m)
{
	client_comes(m);
	return becomes();
}

/* The n-th backend sends to the client's address as it knows it; returns whether the client got it */
static bool backend_sends(__u32 n, const struct guard_message *m)
{
	bool masquerade = at_service->flags & SERVICE_MASQUERADE;
	struct addr client = client_addr();
	__u32 len;

	memset(&in, 0, sizeof(in));
	world_mac(in.dmac, L0, 1);
	world_mac(in.smac, L0, 0xee);
	in.family = world_family(at_service->backend);
	in.ttl = 64;
	in.src = nth_backend(at_service, n);
	in.sport = 51820;
	in.dst = masquerade ? ours : client;
	in.dport = masquerade ? shown_port : client_port;
	in.payload = message_len(m);
	in.bytes = m->bytes;
	len = frame_build(&in, came);
	ran = way_run(plane, L0, came, len, len, left);
	if (ran.verdict != HOST_SENT)
		return false;
	out = in;
	world_mac(out.dmac, W0, 254);
	world_mac(out.smac, W0, 1);
	out.family = world_family(at_service->client);
	out.ttl--;
	out.src = world_addr(at_service->local);
	out.sport = at_service->port;
	out.dst = client;
	out.dport = client_port;
	if (out.family != in.family && out.family == FAMILY_IPV4)
		out.id = htons(bpf_get_prandom_u32());
	sent_rightly(W0);
	return true;
}

/* The n-th backend has begun a handshake with this index, and waits for the response */
static inline void backend_waits(__u32 n, __u32 index)
{
	struct pkt_state *s = state_find();

	learned_key(s)->index = (struct index_key){ .index = htole32(index), .id = at_service->id };
	learned_value(s, LEARNED_LIVE, SESSION_SECONDS)->answered.backend = n;
	assert_true(indices_store(s));
}

/* Does a whole handshake with the n-th backend by the n-th key */
static inline void shakes(__u32 n, __u32 client_index, __u32 backend_index)
{
	struct guard_message m = message(MESSAGE_INITIATION, client_index, 0);

	m.key = n;
	message_make(&m);
	assert_int_equal(sends(&m), n);
	m = message(MESSAGE_RESPONSE, backend_index, client_index);
	assert_true(backend_sends(n, &m));
}

static inline int sends_data(__u32 receiver)
{
	struct guard_message m = message(MESSAGE_DATA, 0, receiver);

	return sends(&m);
}

static inline int sends_initiation(__u32 key)
{
	struct guard_message m = initiation_for(key);

	return sends(&m);
}

static inline void seconds(__u32 n)
{
	host_jiffies += n * tick_rate;
}

/* A sum over everything remembered about handshakes, which a dropped or forged message must not change */
static inline __u64 remembered(void)
{
	struct host_map *maps[] = { &answered, &indices, &replays, &handshakes, &flow_table, &flow_index };
	__u64 h = 0;

	for (int i = 0; i < 6; i++)
		h = host_map_sum(h, maps[i]);
	for (int i = 0; i < 6; i++)
		for (__u32 j = 0; maps[i]->entries && j < maps[i]->n; j++) {
			for (__u32 k = 0; k < maps[i]->key_size; k++)
				h = (h ^ ((__u8 *)maps[i]->entries[j].key)[k]) * 0x100000001b3;
			for (__u32 k = 0; k < maps[i]->value_size; k++)
				h = (h ^ ((__u8 *)maps[i]->entries[j].value)[k]) * 0x100000001b3;
		}
	return h;
}

#endif
