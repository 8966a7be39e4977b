/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Finds the places for what learn.h writes: the record of a device, a next hop, and a line of the
 * memo. Ends the entries that had the line before.
 *
 * Reads:  s->express, link_role, sources, out; the map nexthops.
 * Writes: express_cpus; the maps memo, flow_table.
 */
#pragma once

#include "express/express.h"

#define NO_HOP (EXPRESS_HOPS * sizeof(struct express_hop))
#define EXPRESS_PRICE 4
#define EXPRESS_SAVED (1 << 20)	/* a gain above this is forgotten */

/* Sets .free of the packet's device by the list of sources. */
INLINE int express_free_step(struct pkt_state *s)
{
	__u32 sources = s->sources, ifindex = BYTES(__u16, s->express.mac, 0);
	const struct source_hints *h = bpf_map_lookup_elem(&source_hints, &sources);
	struct express_cpu *cpu = express_cpu();
	struct express_device *d;

	if (!h || !cpu)
		return 0;
	d = express_device(cpu, ifindex, s->express.vlan);
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < 64; i++) {	/* 16 hints for each first byte */
		__u64 hints = d->is_listener ? h->ipv4[i] : 0;

		for (__u32 j = 0; j < 4; j++)
			d->free[4 * i + j] = ((hints >> 16 * j & 0xffff) + 1) >> 16;
	}
	return 0;
}
STATE_STEP(express_listeners, express_free)

/* Writes what is known about the packet's device. Returns false if another device has its place, or
 * if the lookup used a key for another record: then the next packet is learned. */
INLINE bool express_learn_device(struct express_device *d, struct pkt_state *s)
{
	__u64 mac = s->express.mac, id = express_id(BYTES(__u16, mac, 0), s->express.vlan);
	bool same = d->id == id, known;
	bool has_backend = (same && d->has_backend) || s->direction == DIRECTION_REPLY;
	bool is_listener = express_listeners && s->link_role == ROLE_WAN && !has_backend;

	if (!same && s->express.now < d->until)
		return false;
	known = d->mac == (d->skip ? ~mac : mac) && same && d->sources == s->sources &&
		d->is_listener == is_listener;
	express_skip(d, mac, d->skip);
	d->id = id;
	d->until = s->express.now + tick_rate;
	d->key[0] = hash_key0;
	d->key[1] = hash_key1;
	d->first = bpf_get_smp_processor_id() << express_bits;
	d->shift = 64 - 8 - express_bits;	/* sizeof(struct memo_bucket) is 2^8 */
	d->has_backend = has_backend;
	d->is_listener = is_listener;
	if (!known || d->generation != s->express.generation)
		express_free(s);
	d->sources = s->sources;
	d->generation = s->express.generation;
	return known;
}

/* Called when an entry takes the line of a former one, or finds no line. To look up and to learn
 * are worth their time if an entry sends several packets while it is valid. So each packet that an
 * entry sent earns 1, and each new entry costs EXPRESS_PRICE. After a loss of EXPRESS_LOSS only
 * half of the buckets are used, and so on down to one of 64. The other packets take the pipeline.
 * Entries that a stranger can cause do not count. */
INLINE void express_weigh(struct express_device *d, __u64 mac)
{
	d->spent += EXPRESS_PRICE;
	if (express_gain(d) > EXPRESS_SAVED)
		d->spent = d->hits - EXPRESS_SAVED;
	if (express_gain(d) >= -EXPRESS_LOSS)
		return;
	express_skip(d, mac, d->skip < 32 ? 2 * d->skip + 1 : d->skip);
	d->spent = d->hits;
}

/* Returns the index of the packet's next hop, which no other displaces while the entry is valid;
 * NO_HOP: it has no place. */
INLINE int express_hop_step(struct pkt_state *s)
{
	__u32 slot = s->out, home;
	const struct nexthop *hop = bpf_map_lookup_elem(&nexthops, &slot);
	const struct express_work *w = &s->express;
	struct express_cpu *cpu = express_cpu();
	struct express_hop new = { .slot = w->slot };

	if (!hop || !cpu)
		return NO_HOP;
	new.out = express_out(hop);
	new.mtu = hop->fib.mtu_result;
	memcpy(new.macs, hop->fib.dmac, ETH_ALEN);
	memcpy((void *)new.macs + ETH_ALEN, hop->fib.smac, ETH_ALEN);
	home = new.slot ?: new.macs[0] ^ new.macs[1] * 7 ^ new.out * 31 ^ new.mtu;
	home = home * 0x9e3779b1 >> 16;
#pragma clang loop unroll(disable)
	for (int i = 0; i < 4; i++) {
		__u32 place = home ^ i;
		struct express_hop *h;
		bool same;

		barrier_var(place);	/* so that the mask stays, which Linux 6.1 needs */
		place = (place & (EXPRESS_HOPS - 1)) * sizeof(*h);
		h = express_hop_at(cpu, place);
		same = new.slot ? h->slot == new.slot :
				  h->words[0] == new.words[0] && h->words[1] == new.words[1] &&
				  h->words[2] == new.words[2];
		/* An entry of a flow may be valid longer than its hop. */
		if (!same && w->now < h->until + (h->slot ? FLOW_STEP_SECONDS * tick_rate : 0))
			continue;
		new.until = same && !w->slot && h->until > w->fresh ? h->until : w->fresh;
		*h = new;
		return place;
	}
	return NO_HOP;
}
STATE_STEP(with_express, express_hop)

/* Returns whether no valid entry has this line of the memo. An entry for a packet that changes its
 * IP version has the complement of the generation, so that other packets need no test for it. */
INLINE bool memo_is_free(const struct memo *e, const struct express_work *w)
{
	return !e->from || w->now >= e->until ||
	       (e->generation != w->generation && e->generation != ~w->generation);
}

/* Returns the line of the bucket for the entry; MEMO_WAYS: valid entries have all of them. A valid
 * entry is never displaced by another key. If a stranger can have such packets forwarded from any
 * forged source, the entry gets no line but 0 and 1. So strangers cannot fill the others. */
INLINE int memo_line_step(struct pkt_state *s)
{
	struct express_work *w = &s->express;
	bool ipv4 = s->family == FAMILY_IPV4;
	__u32 bucket = w->bucket, found = MEMO_WAYS;
	struct memo_bucket *b = bpf_map_lookup_elem(&memo, &bucket);

	w->former = true;
	if (!b)
		return MEMO_WAYS;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < MEMO_WAYS; i++) {
		struct memo *e;
		__u32 line = (ipv4 ? w->at / sizeof(*e) & 1 : 0) ^ i;

		barrier_var(line);
		line &= MEMO_WAYS - 1;
		e = &b->way[line];
		if (line & 1 && w->wide)
			continue;
		if (memo_matches(e, &b->more[line | 1], &w->key, ipv4, with_blind)) {
			if (!w->wide || e->flags & MEMO_WIDE)
				return line;
			e->from = 0;	/* the packet left with the other IP version */
		}
		if (found == MEMO_WAYS && !(w->open && line & 2) && memo_is_free(e, w) &&
		    (!w->wide || memo_is_free(&b->way[line | 1], w)) &&
		    (!(line & 1) || !(b->way[line & 2].flags & MEMO_WIDE) ||
		     memo_is_free(&b->way[line & 2], w))) {
			found = line;
			w->former = e->from;
		}
	}
	return found;
}
STATE_STEP(with_express, memo_line)

/* Ends an entry, after adding what it has counted to its flow, if that is still there. */
INLINE void memo_end(struct memo *e)
{
	__u32 place = e->place, way = place & (LEARNED_WAYS - 1);
	int direction = total_direction(e->total);
	struct flow_bucket *b = with_counts && e->from && e->packets ? flow_bucket(place) : NULL;

	learned_store(&e->from, 0);
	if (b && memo_counts_for(e, read_once(b->line.word[way]))) {
		__sync_fetch_and_add(&b->flow[way].packets[direction], e->packets);
		__sync_fetch_and_add(&b->flow[way].bytes[direction], e->bytes);
	}
	e->packets = e->bytes = 0;
}
