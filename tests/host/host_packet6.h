/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * IPv6 packets for the relay of host_relay.h, byte by byte.
 */
#ifndef HOST_PACKET6_H
#define HOST_PACKET6_H

#include "host_relay.h"

struct packet6 {
	const char *src, *dst;
	__u8 next, ttl;
	__u32 n;			/* bytes behind the IPv6 header */
	__u8 data[2048];
};

static inline bool relay_bare(__u32 ifindex)
{
	return ifindex == TA || ifindex == TC;
}

/* Writes it to buf, as it arrives by this link; returns its length */
static inline __u32 packet6_build(const struct packet6 *p, __u32 ifindex, __u8 *buf)
{
	struct addr src = world_addr(p->src), dst = world_addr(p->dst);
	__u8 *ip = buf;

	if (!relay_bare(ifindex)) {
		world_mac(buf, ifindex, 1);
		world_mac(buf + 6, ifindex, 0xee);
		put16(buf + 12, ETH_P_IPV6);
		ip += ETH_HLEN;
	}
	memset(ip, 0, 40);
	ip[0] = 0x60;
	put16(ip + 4, p->n);
	ip[6] = p->next;
	ip[7] = p->ttl;
	memcpy(ip + 8, &src, 16);
	memcpy(ip + 24, &dst, 16);
	memcpy(ip + 40, p->data, p->n);
	return ip + 40 + p->n - buf;
}

static inline struct packet6 packet6(const char *src, const char *dst, __u8 next, __u32 n)
{
	return (struct packet6){ .src = src, .dst = dst, .next = next, .ttl = 64, .n = n };
}

static inline void packet6_udp(__u8 *to, __u16 sport, __u16 dport, __u32 n)
{
	put16(to, sport);
	put16(to + 2, dport);
	put16(to + 4, n);
	put16(to + 6, 0x1234);
}

static inline struct packet6 udp6(const char *src, const char *dst, __u16 sport, __u16 dport)
{
	struct packet6 p = packet6(src, dst, IPPROTO_UDP, 40);

	packet6_udp(p.data, sport, dport, p.n);
	return p;
}

static inline struct packet6 icmp6(const char *src, const char *dst, __u8 type, __u8 code, __u16 id)
{
	struct packet6 p = packet6(src, dst, IPPROTO_ICMPV6, 24);

	p.data[0] = type;
	p.data[1] = code;
	put16(p.data + 4, id);
	return p;
}

/* An error of type 1 from src to the sender of the quoted packet */
static inline struct packet6 error6(const char *src, const struct packet6 *about)
{
	struct packet6 p = icmp6(src, about->src, 1, 4, 0);

	p.n = 8 + packet6_build(about, TA, p.data + 8);
	return p;
}

/* Puts a header of 8 * units bytes in front of the rest */
static inline void packet6_extend(struct packet6 *p, __u8 type, __u32 units, __u8 third, __u8 fourth)
{
	memmove(p->data + 8 * units, p->data, p->n);
	memset(p->data, 0, 8 * units);
	p->data[0] = p->next;
	p->data[1] = type == IPPROTO_FRAGMENT ? 0 : units - 1;
	p->data[2] = third;
	p->data[3] = fourth;
	p->n += 8 * units;
	p->next = type;
}

/* Makes a fragment of a datagram */
static inline struct packet6 fragment6(struct packet6 p, __u16 offset, bool more, __u8 id)
{
	packet6_extend(&p, IPPROTO_FRAGMENT, 1, offset >> 8, (offset & 0xf8) | more);
	p.data[7] = id;
	return p;
}

#endif
