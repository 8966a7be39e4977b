/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Checks the packets that leave the host plane in a fuzz target. Fragments (all but the last are clones) are
 * reassembled and compared with the original packet. Also ICMP errors.
 */
#ifndef FUZZ_GONE_H
#define FUZZ_GONE_H

#include "fuzz_must.h"
#include "host/host_see.h"

#define GONE_MAX 16000

static struct {
	__u32 n, end;			/* number of fragments, and where in the datagram the next one begins */
	struct seen first, seen;	/* the first and the last one */
	bool wrong;			/* a header's checksum */
	__u8 data[GONE_MAX];		/* the bytes behind their IP headers */
} gone;

static void goes(const struct host_packet *packet, __u32 egress)
{
	struct seen s;
	__u32 n;

	MUST(see(packet->data, packet->len, &s) && egress);
	n = s.len - (s.l4 - ETH_HLEN);
	MUST(ETH_HLEN + s.len <= packet->len);
	if (!gone.n++) {
		gone.first = s;
		gone.end = s.offset;
	} else {
		MUST(gone.seen.more && s.offset == gone.end && s.ttl == gone.seen.ttl && s.id == gone.seen.id);
		MUST(addr_same(&s.src, &gone.seen.src) && addr_same(&s.dst, &gone.seen.dst) && s.family == gone.seen.family);
	}
	MUST(gone.end - gone.first.offset + n <= sizeof(gone.data));
	memcpy(&gone.data[gone.end - gone.first.offset], packet->data + s.l4, n);
	gone.wrong |= !s.ip_valid;
	gone.end += n;
	gone.seen = s;
}

static void check_family(const struct seen *b, const struct seen *a)
{
	if (a->family == b->family) {
		MUST(gone.n > 1 || (a->l4 == b->l4 && a->len == b->len && a->id == b->id));
		return;
	}
	if (a->family == FAMILY_IPV4) {
		MUST(a->l4 == ETH_HLEN + 20 && gone.n == 1);
		MUST(!(b->more || b->later) || a->id == (b->id & 0xffff));
	} else {
		MUST(!a->more_than_udp && (a->more || a->later || a->l4 == ETH_HLEN + 40));
		MUST(!(a->more || a->later) || a->id == b->id);
	}
}

/* The packet that left must be the one that came, as *ret_seen, except for addresses, ports and TTL */
static void check_gone(const __u8 *before, __u32 len, struct seen *ret_seen)
{
	struct seen b, *a = &gone.first;
	__u32 n;

	MUST(see(before, len, &b) && ETH_HLEN + b.len <= len);
	*ret_seen = b;
	n = b.len - (b.l4 - ETH_HLEN);
	MUST(gone.n && a->offset == b.offset && gone.seen.more == b.more && gone.end == b.offset + n);
	MUST(!gone.wrong || (!b.ip_valid && a->family == b.family));
	MUST(b.ttl > 1 && a->ttl == b.ttl - 1 && a->tos == b.tos);
	check_family(&b, a);
	if (b.later) {
		MUST(!memcmp(gone.data, before + b.l4, n));
	} else {
		__u8 head[40], *udp = gone.data;
		bool ipv4 = a->family == FAMILY_IPV4;
		__u32 summed = b.more ? n : get16(before + b.l4 + 4);

		head[0] = ipv4 ? 0x40 : 0x60;
		memcpy(head + (ipv4 ? 12 : 8), ipv4 ? &a->src.b[12] : a->src.b, ipv4 ? 4 : 16);
		memcpy(head + (ipv4 ? 16 : 24), ipv4 ? &a->dst.b[12] : a->dst.b, ipv4 ? 4 : 16);
		MUST(!memcmp(udp + 4, before + b.l4 + 4, 2) && !memcmp(udp + 8, before + b.l4 + 8, n - 8));
		MUST(!b.has_checksum || (get16(udp + 6) && see_sum(head, udp, summed) == b.sum));
		if (!b.has_checksum && b.family == FAMILY_IPV4 && !ipv4)
			MUST(get16(udp + 6) && !see_sum(head, udp, summed));
		else if (!b.has_checksum)
			MUST(!get16(udp + 6));
	}
}

/* Checks a sent error, for any receiver in either family */
static void check_gone_error(const __u8 *before, __u32 len, const __u8 *after, __u32 after_len, struct seen_error *ret_b, struct seen_error *ret_a)
{
	struct seen_error b, a;
	bool nat64;

	MUST(see_error(before, len, &b) && see_error(after, after_len, &a));
	nat64 = a.ipv4 != b.ipv4;
	MUST(b.ttl > 1 && a.ttl == b.ttl - 1);
	MUST(a.ip_valid || (!nat64 && !b.ip_valid));
	MUST(a.quoted_valid || (!nat64 && !b.quoted_valid));
	MUST(a.sum_valid || !b.sum_valid);
	MUST(a.ipv4 ? a.type == 3 || a.type == 11 || a.type == 12 : a.type >= 1 && a.type <= 4);
	MUST(nat64 || (a.type == b.type && a.code == b.code));
	MUST(a.end - a.udp == b.end - b.udp && !memcmp(after + a.udp + 8, before + b.udp + 8, b.end - b.udp - 8));
	*ret_b = b;
	*ret_a = a;
}

#endif
