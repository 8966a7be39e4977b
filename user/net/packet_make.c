/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements packet_make.h: writes the payload first, then the headers from the inside out.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <string.h>
#include "blake2s.h"
#include "net/packet_make.h"

#define IDENT 0x5767
#define TTL 64

static size_t header_len(const struct packet_wish *w)
{
	return w->to.family == FAMILY_IPV4 ? sizeof(struct iphdr)
					   : sizeof(struct ip6_hdr) + (w->fragment ? 8 : 0);
}

static size_t payload_len(const struct packet_wish *w)
{
	static const size_t lens[] = { 0, INITIATION_LEN, RESPONSE_LEN, COOKIE_LEN, DATA_LEN };

	if (w->payload)
		return w->n_payload;
	return w->size ? w->size - header_len(w) - sizeof(struct udphdr) : lens[w->message] ?: 32;
}

static void put_message(const struct packet_wish *w, __u8 *at, size_t len)
{
	size_t mac1 = w->message == MESSAGE_INITIATION ? INITIATION_LEN - 2 * MAC_LEN
						       : RESPONSE_LEN - 2 * MAC_LEN;
	__u8 label[32];

	if (w->payload) {
		memcpy(at, w->payload, len);
		return;
	}
	memset(at, 0, len);
	if (!w->message || len < 8)
		return;
	at[0] = w->message;
	for (int i = 0; i < 4; i++)
		at[4 + i] = w->index >> 8 * i;
	if (w->message > MESSAGE_RESPONSE || !w->has_key || len < mac1 + MAC_LEN)
		return;
	blake2s_label(label, "mac1----", w->key);
	blake2s(at + mac1, MAC_LEN, label, sizeof(label), at, mac1);
}

static void put_udp(const struct packet_wish *w, __u8 *at, size_t payload)
{
	size_t len = sizeof(struct udphdr) + payload;
	struct udphdr udp = { .source = w->sport, .dest = w->dport, .len = htons(len) };
	__u32 sum;

	put_message(w, at + sizeof(udp), payload);
	memcpy(at, &udp, sizeof(udp));
	sum = checksum_add(checksum_add(IPPROTO_UDP + len, &w->from.addr, 16), &w->to.addr, 16);
	udp.check = checksum_fold(checksum_add(sum, at, len)) ?: 0xffff;
	memcpy(at, &udp, sizeof(udp));
}

static void put_ipv4(const struct packet_wish *w, __u8 *at, size_t len)
{
	struct iphdr ip = { .version = 4, .ihl = 5, .tot_len = htons(sizeof(ip) + len),
			    .id = htons(IDENT), .ttl = w->ttl,
			    .protocol = IPPROTO_UDP };

	ip.frag_off = htons((w->df ? IP_DF : 0) | (w->more ? IP_MF : 0) | w->offset / 8);
	memcpy(&ip.saddr, w->from.addr.b + 12, 4);
	memcpy(&ip.daddr, w->to.addr.b + 12, 4);
	ip.check = checksum_fold(checksum_add(0, &ip, sizeof(ip)));
	memcpy(at, &ip, sizeof(ip));
}

static void put_ipv6(const struct packet_wish *w, __u8 *at, size_t len)
{
	size_t extra = w->fragment ? 8 : 0;
	struct ip6_hdr ip = { .ip6_flow = htonl(6 << 28), .ip6_plen = htons(len + extra),
			      .ip6_hlim = w->ttl,
			      .ip6_nxt = extra ? IPPROTO_FRAGMENT : IPPROTO_UDP };
	const __be16 head[4] = { htons(IPPROTO_UDP << 8), htons(w->offset | w->more), 0,
				 htons(IDENT) };

	memcpy(&ip.ip6_src, w->from.addr.b, 16);
	memcpy(&ip.ip6_dst, w->to.addr.b, 16);
	memcpy(at, &ip, sizeof(ip));
	memcpy(at + sizeof(ip), head, extra);
}

static __u8 *put_ethernet(const struct packet_wish *w, __u8 *at)
{
	memcpy(at, w->mac, 12);
	at += 12;
	for (__u32 i = 0; i < w->n_vlans; i++, at += 4)
		memcpy(at, (__u8[]){ 0x81, 0, w->vlan[i] >> 8, w->vlan[i] & 0xff }, 4);
	memcpy(at, w->to.family == FAMILY_IPV4 ? (__u8[]){ 8, 0 } : (__u8[]){ 0x86, 0xdd }, 2);
	return at + 2;
}

/* Makes a packet. For a fragment it writes the whole datagram first, and then moves the part at
 * w->offset to behind the IP header. */
int packet_make(const struct packet_wish *w, __u8 *frame, size_t max)
{
	size_t header = header_len(w), payload, len, room;
	__u8 *at = put_ethernet(w, frame);

	room = max - (at - frame) - header;
	if (w->size && w->size < header + sizeof(struct udphdr))
		return -EINVAL;
	payload = payload_len(w);
	len = sizeof(struct udphdr) + payload;
	if (len > room || w->offset >= len)
		return -EINVAL;
	put_udp(w, at + header, payload);
	memmove(at + header, at + header + w->offset, len - w->offset);
	len -= w->offset;
	if (w->more)
		len = len < 16 ? 8 : len / 16 * 8;
	if (w->to.family == FAMILY_IPV4)
		put_ipv4(w, at, len);
	else
		put_ipv6(w, at, len);
	return at + header + len - frame;
}

int udp_frame(__u8 *frame, const struct addr *src, __be16 sport, const struct addr *dst,
	      __be16 dport, const void *payload, size_t n)
{
	bool ipv4 = IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)dst->b);
	__u8 family = ipv4 ? FAMILY_IPV4 : FAMILY_IPV6;
	struct packet_wish w = {
		.from = { *src, family }, .to = { *dst, family }, .sport = sport, .dport = dport,
		.payload = payload, .n_payload = n, .ttl = TTL, .df = true,
	};

	return packet_make(&w, frame, UDP_FRAME_HEADERS + n);
}
