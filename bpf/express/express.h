/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The express path: the first step of XDP, and for most packets the only one. The express path
 * repeats what the pipeline decided for the last packet of the same kind. If anything about the
 * packet is unusual, or its entry in the memo is no longer valid, the pipeline runs. After the
 * pipeline, learn.h stores what the pipeline decided.
 *
 * Runs first. enter() (pipeline.h) follows, unless the express path has sent the packet.
 * Reads:  the packet; express_cpus; the maps memo, control, source_hints.
 * Writes: s->express; what send.h writes.
 */
#pragma once

#include "express/send.h"

/* Returns whether a client's packet may have the entry of its listener, if there is one. That is so
 * if the list of sources refuses no address like this one. */
INLINE bool express_is_free(const struct express_device *d, const struct express_key *k, bool ipv4)
{
	__u32 first = BYTES(__u8, k->from, 0), sources = d->sources;
	const struct source_hints *h;

	if (ipv4)
		return d->free[first];
	h = d->is_listener ? bpf_map_lookup_elem(&source_hints, &sources) : NULL;
	return h && source_hints_exclude(h, bpf_be64_to_cpu(k->from), true);
}

/* ---- a packet without an entry ---- */

/* Lets learn.h know the packet, if the pipeline sends it. */
INLINE void express_remember(const void *head, __u64 len, __u64 mac, __u32 vlan, __le32 index,
			     bool ipv4)
{
	struct pkt_state *s = state_find();

	if (!s || s->busy)
		return;
	s->express.mac = mac;
	s->express.generation = express_generation_first();
	s->express.ports = load_word(__u32, head + express_udp_at(ipv4));
	s->express.vlan = vlan;
	s->express.is_data = with_guards && express_is_data(head, len, ipv4);
	s->express.key.index = index;
	s->express.learn = true;
}

/* Makes express_learn() do nothing, because the pipeline does not run for this packet. */
INLINE void express_forget(void)
{
	struct pkt_state *s = state_find();

	if (s)
		s->express.learn = false;
}

#define EXPRESS_LOSS 1024

/* Returns by how much what the device's entries have sent exceeds the price of learning them. */
INLINE __s32 express_gain(const struct express_device *d)
{
	return (__u32)d->hits - d->spent;
}

/* Sets d->skip. While it is not 0, d->mac is the complement of the address, so that other packets
 * need no test for it. */
INLINE void express_skip(struct express_device *d, __u64 mac, __u16 skip)
{
	d->skip = skip;
	d->mac = skip ? ~mac : mac;
}

/* Returns whether the packets of a bucket take the pipeline. A share of the buckets does not, which
 * changes each quarter of a second. All are used again after a gain, and when nothing was learned
 * for a second. */
INLINE bool express_skips(struct express_device *d, __u32 place, __u64 mac)
{
	__u64 now = bpf_jiffies64();

	if (now >= d->until + tick_rate || express_gain(d) >= EXPRESS_LOSS)
		express_skip(d, mac, 0);
	return (place ^ 4 * now / tick_rate) & d->skip;
}

/* ---- the step ---- */

/* Reads a packet, looks it up, and sends it. head is 14 bytes before its IP header, tag is the
 * length of its VLAN tag, and len is the length of the IP packet. Returns the plane's action, or
 * EXPRESS_MISS. */
INLINE int express_try(struct pkt *p, struct express_cpu *cpu, __u32 ifindex, const void *eth,
		       void *head, __u32 tag, __u64 len, bool ipv4)
{
	__u64 now, at, mac;
	struct express_key k = { 0 };
	struct express_device *d;
	__u32 place, generation, vlan = 0;
	struct express_hop *hop;
	struct memo_bucket *b;
	struct memo *e;
	int action;

	if (unlikely(!express_read(head, len, ipv4, &k)))
		return EXPRESS_MISS;
	if (uses(p, vlans) && tag)
		vlan = KEY_TAGGED | (bpf_ntohs(load_word(__be16, eth + 14)) & 0xfff);
	if (uses_blind(p) && express_is_data(head, len, ipv4))
		k.index = load_word(__le32, head + express_udp_at(ipv4) + 12);
	mac = express_mac(eth, ifindex);
	d = express_device(cpu, ifindex, vlan);
	if (unlikely(uses(p, vlans) && BYTES(__u16, d->id, 6) != vlan))
		goto miss;
	if (uses_listeners(p) && express_is_free(d, &k, ipv4))
		express_complete(&k, d->id, ipv4, true);
	else
		express_complete(&k, d->id, ipv4, false);
	place = memo_place(d, &k, ipv4, &at);
	if (unlikely(d->mac != mac)) {
		if (d->mac != ~mac)
			goto miss;
		if (d->skip & place && express_skips(d, place, mac))
			return EXPRESS_MISS;
	}
	e = memo_find(p, place, at, &k, ipv4, &b);
	if (!e)
		goto miss;
	barrier_var(e);
	now = bpf_jiffies64();
	hop = express_hop_at(cpu, e->hop);
	generation = express_generation();
	if (unlikely(now >= e->until || (uses_flows(p) && now >= hop->until)))
		goto miss;
	if (likely(e->generation == generation))
		action = express_send(p, head, e, NULL, hop, tag, len, now, ipv4);
	else if (uses_flows(p) && e->generation == ~generation)
		action = express_send(p, head, e,
				      (void *)b + ((((void *)e - (void *)b) & 0x80) | 0x40), hop,
				      tag, len, now, ipv4);
	else
		goto miss;
	d->hits += action != EXPRESS_MISS;
	return action;
miss:
	express_remember(head, len, mac, vlan, k.index, ipv4);
	return EXPRESS_MISS;
}

/* Reads a frame, which may have one 802.1Q tag. Returns as express_first(). */
INLINE int express_as(void *ctx, __u32 ifindex, enum express_uses uses)
{
	struct pkt pkt = { .ctx = ctx, .plane = PLANE_XDP, .uses = uses }, *p = &pkt;
	struct express_cpu *cpu = express_cpu();
	int action = EXPRESS_MISS;
	__u32 linear, first, tag = 0;
	__u64 len;
	void *eth, *head;

	if (unlikely(!cpu || ifindex >> 16))
		return EXPRESS_MISS;
	eth = head = plane(p, begin, EXPRESS_HEAD, &linear);
	if (uses(p, vlans) && eth && load_word(__be16, eth + 12) == bpf_htons(ETH_P_8021Q)) {
		tag = sizeof(struct vlan_tag);
		head = at(p, sizeof(struct vlan_tag), EXPRESS_HEAD);
	}
	if (likely(head)) {
		len = linear - (sizeof(struct ethhdr) + tag);
		barrier_var(len);	/* otherwise clang keeps two values */
		first = load_word(__u32, head + 12) & bpf_htonl(0xffffff00);
		barrier_var(first);
		if (likely(first == HEAD_IPV4))
			action = express_try(p, cpu, ifindex, eth, head, tag, len, true);
		else if ((first & bpf_htonl(0xfffff000)) == HEAD_IPV6)
			action = express_try(p, cpu, ifindex, eth, head, tag, len, false);
	}
	if (unlikely(action == EXPRESS_MISS)) {
		cpu = express_cpu();	/* needs no place on the stack until here */
		if (cpu)
			cpu->misses++;
	}
	return action;
}

/* Returns the plane's action for a packet that it has sent. Returns EXPRESS_MISS, and leaves the
 * packet unchanged, if the pipeline must handle it. In that case run() of pipeline.h continues.
 * ifindex: the device that received the packet. The code exists once for each value of
 * express_uses, and the verifier removes all copies but one. So a hit reads no switches. */
INLINE int express_first(void *ctx, __u32 ifindex)
{
	enum express_uses uses = express_uses;

	return uses == USES_ADDRESSES ? express_as(ctx, ifindex, USES_ADDRESSES) :
	       uses == USES_FLOWS ? express_as(ctx, ifindex, USES_FLOWS) :
	       uses == USES_BLIND ? express_as(ctx, ifindex, USES_BLIND) :
				    express_as(ctx, ifindex, USES_ALL);
}
