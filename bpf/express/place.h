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

#define EXPRESS_PRICE 4
#define EXPRESS_SAVED (1 << 20)	/* a gain above this is forgotten */

/* Writes what is known about the packet's device. Returns false if another device has its place, or
 * if the lookup used a key for another record: then the next packet is learned. */
INLINE bool express_learn_device(struct express_device *d, const struct pkt_state *s)
{
	__u16 vlan = express_vlan_of(s->express.flags);
	bool same = !BYTES(__u16, d->mac ^ s->express.mac, 0) && d->vlan == vlan, known;
	bool has_backend = (same && d->has_backend) || s->direction == DIRECTION_REPLY;
	bool is_listener = express_listeners && s->link_role == ROLE_WAN && !has_backend;

	if (!same && s->express.now < d->until)
		return false;
	known = d->mac == s->express.mac && d->vlan == vlan && d->sources == s->sources &&
		d->is_listener == is_listener;
	d->mac = s->express.mac;
	d->vlan = vlan;
	d->until = s->express.now + tick_rate;
	d->key[0] = hash_key0;
	d->key[1] = hash_key1;
	d->first = bpf_get_smp_processor_id() << express_bits;
	d->shift = 64 - 2 - express_bits;	/* MEMO_WAYS is 2^2 */
	d->sources = s->sources;
	d->has_backend = has_backend;
	d->is_listener = is_listener;
	return known;
}

/* Called when an entry takes the line of a former one, or finds no line. To look up and to learn
 * are worth their time if an entry sends several packets while it is valid. So each packet that an
 * entry sent earns 1, and each new entry costs EXPRESS_PRICE. After a loss of EXPRESS_LOSS only
 * half of the buckets are used, and so on down to one of 64. The other packets take the pipeline.
 * Entries that a stranger can cause do not count. */
INLINE void express_weigh(struct express_device *d)
{
	d->spent += EXPRESS_PRICE;
	if (express_gain(d) > EXPRESS_SAVED)
		d->spent = d->hits - EXPRESS_SAVED;
	if (express_gain(d) >= -EXPRESS_LOSS)
		return;
	d->skip = d->skip < 32 ? 2 * d->skip + 1 : d->skip;
	d->spent = d->hits;
}

/* Returns the index of the packet's next hop, which no other displaces while the entry is valid;
 * EXPRESS_HOPS: it has no place. */
INLINE int express_hop_step(struct pkt_state *s)
{
	__u32 slot = s->out, home, out, mtu, macs[3];
	const struct nexthop *hop = bpf_map_lookup_elem(&nexthops, &slot);
	const struct express_work *w = &s->express;
	struct express_cpu *cpu = express_cpu();

	if (!hop || !cpu)
		return EXPRESS_HOPS;
	out = express_out(hop);
	mtu = hop->fib.mtu_result;
	memcpy(macs, hop->fib.dmac, ETH_ALEN);
	memcpy((void *)macs + ETH_ALEN, hop->fib.smac, ETH_ALEN);
	home = w->slot ?: macs[0] ^ macs[1] * 7 ^ out * 31 ^ mtu;
	home = home * 0x9e3779b1 >> 16;
#pragma clang loop unroll(disable)
	for (int i = 0; i < 4; i++) {
		__u32 place = home ^ i;
		struct express_hop *h;
		bool same;

		barrier_var(place);	/* so that the mask stays, which Linux 6.1 needs */
		place &= EXPRESS_HOPS - 1;
		h = &cpu->hop[place];
		same = h->slot == w->slot &&
		       (w->slot || (h->macs[0] == macs[0] && h->macs[1] == macs[1] &&
				    h->macs[2] == macs[2] && h->out == out && h->mtu == mtu));
		/* An entry of a flow may be valid longer than its hop. */
		if (!same && w->now < h->until + (h->slot ? FLOW_STEP_SECONDS * tick_rate : 0))
			continue;
		if (!same || w->slot || h->until < w->fresh)
			h->until = w->fresh;
		memcpy(h->macs, macs, sizeof(macs));
		h->out = out;
		h->mtu = mtu;
		h->slot = w->slot;
		return place;
	}
	return EXPRESS_HOPS;
}
STATE_STEP(with_express, express_hop)

/* Returns whether no valid entry has this line of the memo. */
INLINE bool memo_is_free(const struct memo *e, const struct express_work *w)
{
	return !e->from || !memo_is_good(e, w->now, w->generation);
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
		__u32 line = w->way ^ i;
		struct memo *e;

		barrier_var(line);
		line &= MEMO_WAYS - 1;
		e = &b->way[line];
		if (line & 1 && (w->wide || !ipv4))
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
	struct flow_bucket *b = e->from && e->packets ? flow_bucket(place) : NULL;

	learned_store(&e->from, 0);
	if (b && memo_counts_for(e, read_once(b->line.word[way]))) {
		__sync_fetch_and_add(&b->flow[way].packets[direction], e->packets);
		__sync_fetch_and_add(&b->flow[way].bytes[direction], e->bytes);
	}
	e->packets = e->bytes = 0;
}

/* Frees the lines that memo_line() found. */
INLINE int memo_free_step(struct pkt_state *s)
{
	__u32 bucket = s->express.bucket, line = s->express.line & (MEMO_WAYS - 1);
	struct memo_bucket *b = bpf_map_lookup_elem(&memo, &bucket);

	if (!b)
		return 0;
	memo_end(&b->way[line]);
	if (s->express.wide)
		memo_end(&b->way[line | 1]);
	return 0;
}
STATE_STEP(with_counts, memo_free)
