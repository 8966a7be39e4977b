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

/* Returns whether a client's packet may have the entry of its listener. That is so if the list of
 * sources refuses no address like this one. */
INLINE bool express_is_free(__u32 sources, const struct express_key *k, bool ipv4)
{
	const struct source_hints *h = bpf_map_lookup_elem(&source_hints, &sources);
	__u64 top = ipv4 ? bpf_ntohl(BYTES(__be32, k->from, 0)) : bpf_be64_to_cpu(k->from);

	return h && source_hints_exclude(h, top, !ipv4);
}

/* ---- a packet without an entry ---- */

/* Lets learn.h know the packet, if the pipeline sends it. */
INLINE void express_remember(const void *head, __u32 len, __u64 mac, __u32 flags, __le32 index,
			     bool ipv4)
{
	struct pkt_state *s = state_find();

	if (!s || s->busy)
		return;
	s->express.mac = mac;
	s->express.generation = express_generation_first();
	s->express.ports = load_word(__u32, head + express_udp_at(ipv4));
	s->express.flags = flags;
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

/* Returns whether the packets of a bucket take the pipeline. A share of the buckets does not, which
 * changes each quarter of a second. All are used again after a gain, and when nothing was learned
 * for a second. */
INLINE bool express_skips(struct express_device *d, __u32 place)
{
	__u64 now = bpf_jiffies64();

	if (now >= d->until + tick_rate || express_gain(d) >= EXPRESS_LOSS)
		d->skip = 0;
	return (place ^ 4 * now / tick_rate) & d->skip;
}

/* ---- the step ---- */

/* Reads a packet, looks it up, and sends it. head is 14 bytes before its IP header, tag is the
 * length of its VLAN tag, and frame is the length from head on. Returns the plane's action, or
 * EXPRESS_MISS. */
INLINE int express_try(struct pkt *p, struct express_cpu *cpu, __u32 ifindex, const void *eth,
		       void *head, __u32 tag, __u32 frame, bool ipv4)
{
	__u32 flags = ipv4 ? 0 : KEY_IPV6, len = frame - sizeof(struct ethhdr);
	__u64 now, mac = express_mac(eth, ifindex);
	struct express_key k = { 0 };
	struct express_device *d;
	struct memo_more *more;
	struct express_hop *hop;
	__u32 place, way;
	struct memo *e;
	int action;

	if (unlikely(!express_read(head, frame, ipv4, &k)))
		return EXPRESS_MISS;
	if (uses(p, vlans) && tag)
		flags |= KEY_TAGGED | (bpf_ntohs(load_word(__be16, eth + 14)) & 0xfff);
	if (uses_blind(p) && load_word(__be16, head + express_udp_at(ipv4) + 2) == blind_port) {
		if (unlikely(!express_is_data(head, len, ipv4)))
			return EXPRESS_MISS;
		k.index = load_word(__le32, head + express_udp_at(ipv4) + 12);
	}
	d = express_device(cpu, ifindex, flags);
	barrier_var(d);
	if (unlikely(d->mac != mac || (uses(p, vlans) && d->vlan != express_vlan_of(flags))))
		goto miss;
	if (p->uses != USES_FLOWS && p->uses != USES_BLIND && d->is_listener &&
	    express_is_free(d->sources, &k, ipv4))
		flags |= KEY_LISTENER;
	express_complete(&k, ifindex, flags, ipv4);
	place = memo_place(d, &k, ipv4, &way);
	if (unlikely(place & d->skip) && express_skips(d, place))
		return EXPRESS_MISS;
	e = memo_find(p, place, way, &k, ipv4, &more);
	if (!e)
		goto miss;
	barrier_var(e);
	if (!ipv4) {
		barrier_var(more);
	}
	hop = &cpu->hop[e->hop & (EXPRESS_HOPS - 1)];
	barrier_var(hop);
	now = bpf_jiffies64();
	if (unlikely(!memo_is_good(e, now, express_generation()) || now >= hop->until ||
		     (uses_counts(p) && e->bytes >> 31)))
		goto miss;
	action = express_send(p, head, e, more, hop, tag, len, now, ipv4);
	d->hits += action != EXPRESS_MISS;
	return action;
miss:
	express_remember(head, len, mac, flags, k.index, ipv4);
	return EXPRESS_MISS;
}

/* Reads a frame, which may have one 802.1Q tag. Returns as express_first(). */
INLINE int express_frame(struct pkt *p, struct express_cpu *cpu, __u32 ifindex)
{
	__u32 frame = plane(p, linear), first, tag = 0;
	void *eth = at(p, 0, EXPRESS_HEAD), *head = eth;

	if (unlikely(!eth))
		return EXPRESS_MISS;
	if (uses(p, vlans) && load_word(__be16, eth + 12) == bpf_htons(ETH_P_8021Q)) {
		tag = sizeof(struct vlan_tag);
		head = at(p, sizeof(struct vlan_tag), EXPRESS_HEAD);
		if (!head)
			return EXPRESS_MISS;
	}
	first = load_word(__u32, head + 12);
	if (likely((first & bpf_htonl(0xffffff00)) == HEAD_IPV4))
		return express_try(p, cpu, ifindex, eth, head, tag, frame - tag, true);
	if ((first & bpf_htonl(0xfffff000)) == HEAD_IPV6)
		return express_try(p, cpu, ifindex, eth, head, tag, frame - tag, false);
	return EXPRESS_MISS;
}

INLINE int express_as(void *ctx, __u32 ifindex, enum express_uses uses)
{
	struct pkt p = { .ctx = ctx, .plane = PLANE_XDP, .uses = uses };
	struct express_cpu *cpu = express_cpu();
	int action;

	if (unlikely(!cpu || ifindex >> 16))
		return EXPRESS_MISS;
	barrier_var(cpu);
	action = express_frame(&p, cpu, ifindex);
	if (unlikely(action == EXPRESS_MISS))
		cpu->misses++;
	return action;
}

/* Returns the plane's action for a packet that it has sent. Returns EXPRESS_MISS, and leaves the
 * packet unchanged, if the pipeline must handle it. In that case run() of pipeline.h continues.
 * ifindex: the device that received the packet. The code exists once for each value of
 * express_uses, and the verifier removes all copies but one. So a hit reads no switches. */
INLINE int express_first(void *ctx, __u32 ifindex)
{
	switch (express_uses) {
	case USES_ADDRESSES:
		return express_as(ctx, ifindex, USES_ADDRESSES);
	case USES_FLOWS:
		return express_as(ctx, ifindex, USES_FLOWS);
	case USES_BLIND:
		return express_as(ctx, ifindex, USES_BLIND);
	default:
		return express_as(ctx, ifindex, USES_ALL);
	}
}
