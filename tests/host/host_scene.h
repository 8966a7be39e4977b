/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A firewall in host_world.h's network, and its frames. A frame has a description, from which it is built with fully
 * computed checksums. So the pipeline's output can be compared with a description.
 */
#ifndef HOST_SCENE_H
#define HOST_SCENE_H

#include "host_world.h"

static void scene_links(void)
{
	static const char *const none[] = { NULL };
	static const char *const wan[] = { "192.168.0.0/16", "10.0.0.0/8", "198.18.0.0/15", "203.0.113.1/32", "2001:db8:2::/48",
					   "2001:db8:1::1/128", NULL };
	__u32 all = LINK_XDP_SENDS | LINK_XDP_SENDS_FRAGS | LINK_TC;

	world_link(W0, ROLE_WAN, all | LINK_LISTENS | LINK_REPLIES, 1500, 0);
	world_link(X0, ROLE_WAN, (all & ~LINK_XDP_SENDS_FRAGS) | LINK_LISTENS | LINK_REPLIES, 1500, 0);
	world_link(L0, ROLE_LAN, all | LINK_LISTENS, 1500, 1);
	world_link(M0, ROLE_LAN, LINK_TC, 1300, 1);
	world_link(T0, ROLE_TUNNEL, LINK_TC | LINK_L3, 1420, 1);
	world_link(G0, ROLE_WAN, LINK_GENERIC | LINK_LISTENS | LINK_REPLIES, 1500, 0);
	world_sources(0, wan);
	world_sources(1, none);
}

static void scene_routes(void)
{
	world_route("203.0.113.1/32", 0, 0, 0, NULL)->answer = BPF_FIB_LKUP_RET_NOT_FWDED;
	world_route("2001:db8:1::1/128", 0, 0, 0, NULL)->answer = BPF_FIB_LKUP_RET_NOT_FWDED;
	world_route("198.51.100.1/32", 0, 0, 0, NULL)->answer = BPF_FIB_LKUP_RET_NOT_FWDED;
	world_route("0.0.0.0/0", X0, 1500, 254, "198.51.100.254")->src = world_addr("198.51.100.1");
	memset(&host_routes[host_n_routes - 1].src_mask, 0xff, 16);
	world_route("192.168.1.99/32", L0, 0, 99, NULL)->answer = BPF_FIB_LKUP_RET_NO_NEIGH;
	world_route("192.168.1.0/24", L0, 1500, 10, NULL);
	world_route("192.168.2.0/24", M0, 1300, 10, NULL);
	world_route("192.168.9.0/24", 0, 0, 0, NULL)->answer = BPF_FIB_LKUP_RET_BLACKHOLE;
	world_route("10.9.0.0/24", T0, 1420, 2, NULL);
	world_route("198.18.0.0/15", L0, 1500, 30, "192.168.1.30");
	world_route("203.0.113.0/24", W0, 1500, 77, NULL);
	world_route("2001:db8:2::/48", L0, 1500, 10, NULL);
	world_route("2001:db8:77::/48", 4000, 1500, 1, NULL);
	world_route("0.0.0.0/0", W0, 1500, 254, "203.0.113.254");
	world_route("::/0", W0, 1500, 254, "2001:db8:1::fe");
}

static void scene_services(void)
{
	world_listen(0, W0, "203.0.113.1", 51820, "192.168.1.10", 51820, 2, 0);
	world_listen(0, W0, "2001:db8:2::10", 51820, "2001:db8:2::10", 51820, 4, 0);
	world_listen(1, W0, "203.0.113.1", 443, "192.168.1.10", 51821, 2, SERVICE_CHOICE);
	world_listen(1, W0, "203.0.113.1", 4500, "192.168.1.10", 51821, 2, SERVICE_CHOICE);
	world_listen(1, X0, "198.51.100.1", 443, "192.168.1.10", 51821, 6, SERVICE_CHOICE);
	world_listen(2, W0, "2001:db8:1::1", 51820, "2001:db8:2::20", 51821, 8, 0);
	world_listen(3, W0, "203.0.113.1", 52000, "192.168.2.10", 51820, 10, 0);
	world_listen(4, W0, "203.0.113.1", 53000, "10.9.0.2", 51820, 12, 0);
	world_listen(5, W0, "203.0.113.1", 54000, "192.168.1.99", 51820, 14, 0);
	world_listen(6, W0, "203.0.113.1", 55000, "192.168.9.9", 51820, 16, 0);
	world_listen(7, W0, "198.18.0.30", 51820, "198.18.0.30", 51820, 18, 0);
	world_listen(8, G0, "203.0.113.129", 51820, "192.168.2.20", 51820, 20, 0);
	world_commit();
}

static inline void scene_setup(void)
{
	world_clear();
	scene_links();
	scene_routes();
	scene_services();
	host_jiffies = 1 << 20;
}

/* cmocka calls these before and after each test */
static inline int scene_begin(void **state)
{
	scene_setup();
	return 0;
}

static inline int scene_end(void **state)
{
	world_clear();
	return 0;
}

/* ---- frames ---- */

enum frame_checksum { FULL, ZERO, PARTIAL, WRONG };

struct frame {
	__u8 dmac[ETH_ALEN], smac[ETH_ALEN];
	__u8 family, ttl, tos;
	struct addr src, dst;
	__u16 sport, dport;
	__u32 payload, padding;
	enum frame_checksum checksum;
	__u16 id, frag_off;		/* frag_off with its flags, IPv4 */
	__u32 flow;			/* IPv6 */
	__u8 first;			/* type of the first extension header */
	__u32 n_extra;			/* IPv4 options or IPv6 extension headers, as raw bytes */
	__u8 extra[1200];
	int udp_len, ip_len;		/* added to the right lengths */
	__u32 seed;			/* for the payload, */
	const __u8 *bytes;		/* or these bytes */
};

static __u32 frame_sum(const __u8 *b, __u32 n)
{
	__u32 sum = 0;

	for (__u32 i = 0; i < n; i++)
		sum += i & 1 ? b[i] : b[i] << 8;
	return sum;
}

static __u16 frame_fold(__u32 sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void put16(__u8 *to, __u16 x)
{
	to[0] = x >> 8;
	to[1] = x;
}

static inline __u32 get16(const __u8 *b)
{
	return b[0] << 8 | b[1];
}

static void frame_udp(const struct frame *f, __u8 *udp, const __u8 *addrs, __u32 n_addrs)
{
	__u32 len = 8 + f->payload, sum, seed = f->seed;

	put16(udp, f->sport);
	put16(udp + 2, f->dport);
	put16(udp + 4, len + f->udp_len);
	put16(udp + 6, 0);
	for (__u32 i = 8; i < len; i++)
		udp[i] = f->bytes ? f->bytes[i - 8] : (seed = seed * 1103515245 + 12345) >> 16;
	sum = frame_sum(addrs, n_addrs) + IPPROTO_UDP + len;
	if (f->checksum == PARTIAL)
		put16(udp + 6, frame_fold(sum));
	else if (f->checksum != ZERO)
		put16(udp + 6, (__u16)~frame_fold(sum + frame_sum(udp, len)) ?: 0xffff);
	if (f->checksum == WRONG)
		put16(udp + 6, (udp[6] << 8 | udp[7]) ^ 0x5555 ?: 1);
}

static __u32 frame_ipv4(const struct frame *f, __u8 *ip)
{
	__u32 header = 20 + f->n_extra, len = header + 8 + f->payload;

	memset(ip, 0, 20);
	ip[0] = 0x40 | header / 4;
	ip[1] = f->tos;
	put16(ip + 2, len + f->ip_len);
	put16(ip + 4, f->id);
	put16(ip + 6, f->frag_off);
	ip[8] = f->ttl;
	ip[9] = IPPROTO_UDP;
	memcpy(ip + 12, &f->src.b[12], 4);
	memcpy(ip + 16, &f->dst.b[12], 4);
	memcpy(ip + 20, f->extra, f->n_extra);
	put16(ip + 10, ~frame_fold(frame_sum(ip, header)));
	frame_udp(f, ip + header, ip + 12, 8);
	return len;
}

static __u32 frame_ipv6(const struct frame *f, __u8 *ip)
{
	__u32 len = f->n_extra + 8 + f->payload;

	ip[0] = 0x60 | f->tos >> 4;
	ip[1] = f->tos << 4 | (f->flow >> 16 & 15);
	put16(ip + 2, f->flow);
	put16(ip + 4, len + f->ip_len);
	ip[6] = f->n_extra ? f->first : IPPROTO_UDP;
	ip[7] = f->ttl;
	memcpy(ip + 8, &f->src, 16);
	memcpy(ip + 24, &f->dst, 16);
	memcpy(ip + 40, f->extra, f->n_extra);
	frame_udp(f, ip + 40 + f->n_extra, ip + 8, 32);
	return 40 + len;
}

/* Writes it to buf, which is large enough; returns its length */
static inline __u32 frame_build(const struct frame *f, __u8 *buf)
{
	__u32 len;

	memcpy(buf, f->dmac, ETH_ALEN);
	memcpy(buf + 6, f->smac, ETH_ALEN);
	put16(buf + 12, f->family == FAMILY_IPV4 ? ETH_P_IP : ETH_P_IPV6);
	len = ETH_HLEN + (f->family == FAMILY_IPV4 ? frame_ipv4(f, buf + ETH_HLEN) : frame_ipv6(f, buf + ETH_HLEN));
	memset(buf + len, 0xee, f->padding);
	return len + f->padding;
}

#endif
