/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The allowed differences between the planes of run_planes.c: random identifications, MACs that the kernel writes
 * later, and our own ICMP errors, which only tc sends. Each rule says what must be there instead.
 */
#ifndef RUN_RULES_H
#define RUN_RULES_H

#include "host/host_plane.h"
#include "fuzz/mutate.h"

struct end {				/* the result of a packet */
	int verdict;
	__u32 len, n_clones, clones_size;
	__u8 b[FRAME_MAX + 256], clones[8000];
};

/* Sets IPv4's identification to a fixed value */
static inline void no_ident(struct end *e)
{
	__u8 *ip = e->b + ETH_HLEN;

	if (be16_at(e->b + 12) != ETH_P_IP || sum_of(ip, (ip[0] & 15) * 4, 0) != 0xffff)
		return;				/* a wrong checksum must remain visible */
	memcpy(ip + 4, "\4", 2);
	sum_ipv4(ip);
}

/* The identification is random in packets from IPv6 and in answers; the host plane always uses 4 */
static inline void same_ident(struct end *random, const struct end *host)
{
	if (random->len >= ETH_HLEN + 20 && host->len == random->len && be16_at(host->b + 12) == ETH_P_IP && !memcmp(host->b + ETH_HLEN + 4, "\4", 2))
		no_ident(random);
}

/* The kernel's neighbour output still has to write these MACs, so the packet has its own */
static inline void same_macs(struct end *a, const struct end *b, const struct frame *f)
{
	if (a->verdict == PLANE_SENT && a->len >= 12 && !memcmp(a->b, f->b, 12))
		memcpy(a->b, b->b, 12);
}

/* Whether the part behind the IP header sums up to zero */
static inline bool sums_to_nothing(const struct frame *f, const struct parts *p)
{
	const __u8 *ip = f->b + ETH_HLEN;
	__u32 sum = p->ipv4 ? 0 : sum_of(ip + 8, 32, f->len - p->l4 + p->protocol);

	return sum_of(f->b + p->l4, f->len - p->l4, sum) == 0xffff;
}

/* A partial checksum in a quote is completed when the answer leaves, over all present bytes; then the answer's own
 * checksum is right */
static inline void complete(struct frame *error, const struct parts *p, const struct frame *f, const struct parts *came)
{
	const __u8 *udp = f->b + came->l4;
	__u32 upper = p->l4 + 8 + came->l4 - ETH_HLEN, sum;

	if (!came->l4 || came->protocol != IPPROTO_UDP || came->fragment || upper + 8 > error->len)
		return;
	sum = sum_of(f->b + ETH_HLEN + (came->ipv4 ? 12 : 8), came->ipv4 ? 8 : 32, be16_at(udp + 4) + IPPROTO_UDP);
	/* A complete checksum that equals a partial one by chance. The data path sums up all bytes that are there, also
	 * those behind the datagram. */
	if (came->l4 + be16_at(udp + 4) <= f->len && sum_of(udp, f->len - came->l4, sum) == 0xffff)
		return;
	if (sum == be16_at(udp + 6))
		put_be16(error->b + upper + 6, ~sum_of(error->b + upper, error->len - upper, 0));
}

/* The host plane leaves some packets to the kernel, and tc may send an ICMP error about them: too long, or an
 * expired TTL. The error must go to the sender, on the link of arrival, quote the packet as it came, and have right
 * checksums. tests/packet/packet_icmp.py checks the rest. */
static inline bool is_told(const struct end *sent, const struct end *host, const struct frame *f)
{
	struct frame error = { .len = sent->len };
	struct parts p, came;
	const __u8 *icmp, *ip = error.b + ETH_HLEN;
	__u32 n, at;

	if (sent->verdict != PLANE_SENT || host->verdict != PLANE_PASSED || sent->len > FRAME_MAX)
		return false;
	memcpy(error.b, sent->b, sent->len);
	if (!parts_of(&error, &p) || !parts_of(f, &came) || p.ipv4 != came.ipv4 || !p.l4 || p.protocol != (p.ipv4 ? IPPROTO_ICMP : IPPROTO_ICMPV6))
		return false;
	icmp = error.b + p.l4;
	n = error.len - p.l4 - 8;
	at = ETH_HLEN + (p.ipv4 ? 12 : 8);
	if (n > f->len - ETH_HLEN || n < 28 || memcmp(icmp + 8, f->b + ETH_HLEN, n))
		return false;
	complete(&error, &p, f, &came);
	return (p.ipv4 ? icmp[0] == 3 || icmp[0] == 11 : icmp[0] == 2 || icmp[0] == 3) && !memcmp(error.b, f->b + 6, 6) && !memcmp(error.b + 6, f->b, 6) &&
	       !memcmp(ip + (p.ipv4 ? 16 : 24), f->b + at, p.ipv4 ? 4 : 16) &&
	       sums_to_nothing(&error, &p) && (!p.ipv4 || sum_of(ip, 20, 0) == 0xffff);
}

#endif
