/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Frames read the plain way, for tests that hold what came against what left: an IP packet with UDP in it, or a fragment of one; and an ICMP
 * error with what it quotes.
 */
#ifndef HOST_SEE_H
#define HOST_SEE_H

#include "host_ways.h"

struct seen {				/* an IP packet with UDP in it, parsed in a simple way */
	__u32 l4, len;			/* l4: offset in the frame; len: of the IP packet */
	bool ip_valid, udp_valid, has_checksum, first, later;
	__u32 word;			/* position of offset and more-follows in the frame; 0: none */
	__u16 sum;			/* over the present bytes; rewriting does not change it */
	__u8 ttl, tos, family;
	bool more, more_than_udp;	/* fragments follow; IPv6: it has headers besides UDP's and a fragment header */
	__u32 offset, id;		/* a fragment's */
	struct addr src, dst;
	__u16 sport, dport;		/* unless it is a later fragment */
};

static inline struct addr see_addr(const __u8 *ip, bool destination)
{
	__be32 a;

	if (ip[0] >> 4 == 6)
		return addr_load(ip + 8 + 16 * destination);
	memcpy(&a, ip + 12 + 4 * destination, sizeof(a));
	return addr_from4(a);
}

/* Skips extension headers up to UDP, or up to the payload of a later fragment */
static inline bool see_ipv6(const __u8 *frame, __u32 len, struct seen *s)
{
	__u8 next = frame[ETH_HLEN + 6];

	s->l4 = ETH_HLEN + 40;
	s->len = 40 + get16(frame + ETH_HLEN + 4);
	s->ttl = frame[ETH_HLEN + 7];
	s->tos = get16(frame + ETH_HLEN) >> 4;
	s->ip_valid = true;
	while (next != IPPROTO_UDP) {
		const __u8 *h = frame + s->l4;

		if (s->l4 + 8 > len)
			return false;
		if (next == IPPROTO_FRAGMENT) {
			s->word = h + 2 - frame;
			s->offset = get16(h + 2) & 0xfff8;
			s->more = h[3] & 1;
			s->id = get16(h + 4) << 16 | get16(h + 6);
			s->later = s->offset;
			s->first = s->more && !s->later;
		} else {
			s->more_than_udp = true;
		}
		s->l4 += next == IPPROTO_FRAGMENT ? 8 : 8 + h[1] * 8;
		next = h[0];
		if (s->later)
			break;
	}
	return true;
}

static inline void see_ipv4(const __u8 *ip, struct seen *s)
{
	s->l4 = ETH_HLEN + (ip[0] & 15) * 4;
	s->len = get16(ip + 2);
	s->ttl = ip[8];
	s->tos = ip[1];
	s->word = ETH_HLEN + 6;
	s->offset = (get16(ip + 6) & 0x1fff) * 8;
	s->more = ip[6] & 0x20;
	s->id = get16(ip + 4);
	s->later = s->offset;
	s->first = s->more && !s->later;
	s->ip_valid = frame_fold(frame_sum(ip, s->l4 - ETH_HLEN)) == 0xffff;
}

/* Returns the sum of a datagram or its first bytes, with the pseudo header; 0 if its checksum is right */
static inline __u16 see_sum(const __u8 *ip, const __u8 *udp, __u32 n)
{
	bool ipv4 = ip[0] >> 4 == 4;
	__u32 sum = frame_sum(ipv4 ? ip + 12 : ip + 8, ipv4 ? 8 : 32) + IPPROTO_UDP + n;

	return frame_fold(frame_fold(sum) + frame_fold(frame_sum(udp, n))) % 0xffff;
}

static inline bool see(const __u8 *frame, __u32 len, struct seen *s)
{
	const __u8 *ip = frame + ETH_HLEN, *udp;
	bool ipv4 = frame[12] == 8;
	__u32 n;

	memset(s, 0, sizeof(*s));
	if (ipv4)
		see_ipv4(ip, s);
	else if (!see_ipv6(frame, len, s))
		return false;
	s->family = ipv4 ? FAMILY_IPV4 : FAMILY_IPV6;
	s->src = see_addr(ip, false);
	s->dst = see_addr(ip, true);
	if (s->later)
		return true;
	if (s->l4 + 8 > len)
		return false;
	udp = frame + s->l4;
	n = get16(udp + 4);
	s->sport = get16(udp);
	s->dport = get16(udp + 2);
	s->has_checksum = udp[6] || udp[7];
	if (s->first)
		n = s->len - (s->l4 - ETH_HLEN);
	if (s->l4 + n > len)
		return false;
	s->sum = see_sum(ip, udp, n);
	s->udp_valid = s->has_checksum && !s->sum;
	return true;
}

/* ---- ICMP errors ---- */

/* Returns the sum of the message from at to end; 0xffff if its checksum is right */
static inline __u16 error_sum(const __u8 *frame, __u32 at, __u32 end)
{
	bool ipv4 = frame[12] == 8;
	__u32 pseudo = ipv4 ? 0 : frame_fold(frame_sum(frame + ETH_HLEN + 8, 32)) + IPPROTO_ICMPV6 + end - at;

	return frame_fold(frame_fold(pseudo) + frame_fold(frame_sum(frame + at, end - at)));
}

struct seen_error {
	__u32 at, quoted, udp, end;	/* offsets in the frame: message, quoted IP header, the header behind that, end */
	__u8 ttl, type, code;
	bool ipv4, ip_valid, sum_valid, quoted_valid;	/* checksums */
	struct addr from, to, src, dst;	/* src and dst are those of the quoted packet */
	__u16 sport, dport;
};

static inline bool is_error(const __u8 *frame)
{
	return frame[12] == 8 ? frame[ETH_HLEN + 9] == IPPROTO_ICMP : frame[ETH_HLEN + 6] == IPPROTO_ICMPV6;
}

static inline bool see_error(const __u8 *frame, __u32 len, struct seen_error *e)
{
	const __u8 *ip = frame + ETH_HLEN;

	e->ipv4 = frame[12] == 8;
	e->at = ETH_HLEN + (e->ipv4 ? (ip[0] & 15) * 4 : 40);
	e->end = ETH_HLEN + (e->ipv4 ? get16(ip + 2) : 40 + get16(ip + 4));
	e->quoted = e->at + 8;
	if (e->end > len || e->quoted + (e->ipv4 ? 20 : 40) > e->end)
		return false;
	e->udp = e->quoted + (e->ipv4 ? (frame[e->quoted] & 15) * 4 : 40);
	if (!e->ipv4 && frame[e->quoted + 6] == IPPROTO_FRAGMENT)
		e->udp += 8;
	if (e->udp + 8 > e->end)
		return false;
	e->ttl = ip[e->ipv4 ? 8 : 7];
	e->type = frame[e->at];
	e->code = frame[e->at + 1];
	e->ip_valid = !e->ipv4 || frame_fold(frame_sum(ip, e->at - ETH_HLEN)) == 0xffff;
	e->quoted_valid = !e->ipv4 || frame_fold(frame_sum(frame + e->quoted, e->udp - e->quoted)) == 0xffff;
	e->sum_valid = error_sum(frame, e->at, e->end) == 0xffff;
	e->from = see_addr(ip, false);
	e->to = see_addr(ip, true);
	e->src = see_addr(frame + e->quoted, false);
	e->dst = see_addr(frame + e->quoted, true);
	e->sport = get16(frame + e->udp);
	e->dport = get16(frame + e->udp + 2);
	return true;
}

#endif
