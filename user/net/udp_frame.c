/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements udp_frame.h.
 */
#include <net/ethernet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <string.h>
#include "lib/checksum.h"
#include "net/udp_frame.h"

#define TTL 64

static size_t put_ipv4(__u8 *at, const struct addr *src, const struct addr *dst, size_t len)
{
	struct iphdr ip = { .version = 4, .ihl = 5, .tot_len = htons(sizeof(ip) + len),
			    .frag_off = htons(IP_DF), .ttl = TTL,
			    .protocol = IPPROTO_UDP };

	memcpy(&ip.saddr, src->b + 12, sizeof(ip.saddr));
	memcpy(&ip.daddr, dst->b + 12, sizeof(ip.daddr));
	ip.check = checksum_fold(checksum_add(0, &ip, sizeof(ip)));
	memcpy(at, &ip, sizeof(ip));
	return sizeof(ip);
}

static size_t put_ipv6(__u8 *at, const struct addr *src, const struct addr *dst, size_t len)
{
	struct ip6_hdr ip = { .ip6_flow = htonl(6 << 28), .ip6_plen = htons(len),
			      .ip6_nxt = IPPROTO_UDP, .ip6_hlim = TTL };

	memcpy(&ip.ip6_src, src->b, sizeof(ip.ip6_src));
	memcpy(&ip.ip6_dst, dst->b, sizeof(ip.ip6_dst));
	memcpy(at, &ip, sizeof(ip));
	return sizeof(ip);
}

/* IPv4 addresses may be summed in their 16 bytes too: ::ffff: of both adds 0xffff twice, which
 * changes no ones' complement sum. */
int udp_frame(__u8 *frame, const struct addr *src, __be16 sport, const struct addr *dst,
	      __be16 dport, const void *payload, size_t n)
{
	bool ipv4 = IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)dst->b);
	struct ether_header eth = { .ether_type = htons(ipv4 ? ETHERTYPE_IP : ETHERTYPE_IPV6) };
	size_t len = sizeof(struct udphdr) + n;
	struct udphdr udp = { .source = sport, .dest = dport, .len = htons(len) };
	__u8 *at = frame + sizeof(eth);
	__u32 sum;

	memcpy(frame, &eth, sizeof(eth));
	at += ipv4 ? put_ipv4(at, src, dst, len) : put_ipv6(at, src, dst, len);
	memcpy(at + sizeof(udp), payload, n);
	memcpy(at, &udp, sizeof(udp));
	sum = checksum_add(checksum_add(IPPROTO_UDP + len, src, sizeof(*src)), dst, sizeof(*dst));
	udp.check = checksum_fold(checksum_add(sum, at, len)) ?: 0xffff;
	memcpy(at, &udp, sizeof(udp));
	return at + len - frame;
}
