/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The frame of a step (fuzz_frames.h), as it comes. It begins with an Ethernet header also where its link has none.
 */
#ifndef FUZZ_BUILD_H
#define FUZZ_BUILD_H

#include "fuzz_frames.h"

static void ip_sum(__u8 *ip)
{
	__u32 n = (ip[0] & 15) * 4;

	put16(ip + 10, 0);
	put16(ip + 10, ~frame_fold(frame_sum(ip, n)));
}

/* An error about the last packet, from a router or its destination, with the step's type and code. Returns its
 * length */
static __u32 error_put(const struct step *s)
{
	bool ipv4 = last.seen.family == FAMILY_IPV4;
	__u32 head = ETH_HLEN + (ipv4 ? 20 : 40), n = last.len - ETH_HLEN, most = s->how & SHORT_QUOTE ? last.seen.l4 - ETH_HLEN + 8 : 1200;
	struct addr router = world_addr(ipv4 ? "198.41.0.4" : "2001:db8:99::4");
	__u8 *m = came + head;

	n = n < most ? n : most;
	in.family = last.seen.family;
	in.src = s->whom & 1 ? last.seen.dst : router;
	in.dst = last.seen.src;
	in.payload = n;
	in.n_extra = 0;
	in.frag_off = 0;
	in.bytes = NULL;
	frame_build(&in, came);
	came[ETH_HLEN + (ipv4 ? 9 : 6)] = ipv4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	memset(m, 0, 8);
	m[0] = ipv4 ? (__u8[]){ 3, 11, 12, 5, 4, 3, 0, 8 }[s->what % 8] : (__u8[]){ 1, 2, 3, 4, 0, 128, 129, 135 }[s->what % 8];
	m[1] = s->index[0] % 20;
	put16(m + 6, get16(s->len));
	if (m[0] == (ipv4 ? 12 : 4))
		m[ipv4 ? 4 : 7] = s->index[1], m[6] = 0;
	memcpy(m + 8, last.frame + ETH_HLEN, n);
	if (ipv4)
		ip_sum(came + ETH_HLEN);
	put16(m + 2, ~error_sum(came, head, head + 8 + n) ^ (s->ip % 4 == WRONG ? 0x55 : 0));
	return head + 8 + n;
}

/* A later fragment of the last packet */
static __u32 later_put(const struct step *s)
{
	bool ipv4 = in.family == FAMILY_IPV4;

	in.bytes = payload;
	in.payload = payload_put(s) & (s->ip & MORE ? ~7U : ~0U);
	in.id = s->id;
	ip_heads(s);
	if (ipv4)
		in.frag_off = (in.frag_off & 0xe000) | (1 + s->index[0] * 8U + s->index[1] % 8);
	for (__u32 i = 0; !ipv4 && i + 8 <= in.n_extra; i += 8)
		if (in.extra[i + 7] == s->id && i + 8 == in.n_extra)
			put16(in.extra + i + 2, (1 + s->index[0]) * 8 | !!(s->ip & MORE));
	return frame_build(&in, came);
}

/* Not UDP: any ICMP, or another protocol */
static void transport_put(const struct step *s, __u32 len)
{
	__u32 l4 = ETH_HLEN + (in.family == FAMILY_IPV4 ? 20 : 40) + in.n_extra;
	__u8 *next = came + ETH_HLEN + (in.family == FAMILY_IPV4 ? 9 : 6);

	if (in.n_extra && in.family == FAMILY_IPV6) {
		next = came + ETH_HLEN + 40;
		while (*next != IPPROTO_UDP && next + 8 < came + l4)
			next += 8 + next[1] * 8;
	}
	*next = s->how % KINDS == STRANGE ? s->index[0] : in.family == FAMILY_IPV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	if (l4 + 8 > len)
		return;
	came[l4] = s->who & 128 ? 128 + s->index[0] % 10 : s->index[0] % 5;
	came[l4 + 1] = s->index[1] % 4;
	put16(came + l4 + 4, s->id);
	if (*next == IPPROTO_TCP && l4 + 20 <= len)
		put16(came + l4 + 12, 0x5002 ^ s->index[1]);
	if (in.family == FAMILY_IPV4)
		ip_sum(came + ETH_HLEN);
}

static __u32 fresh_put(const struct step *s)
{
	__u32 len;

	in.bytes = payload;
	in.payload = payload_put(s);
	in.id = s->id;
	if (s->ip & MORE) {
		in.payload &= ~7U;
		in.udp_len = (s->index[0] % 8) * 64;
	}
	ip_heads(s);
	if (in.family == FAMILY_IPV4 && s->ip & MORE)
		in.n_extra = 0;
	len = frame_build(&in, came);
	if (s->what % 8 == ICMP || s->how % KINDS == STRANGE)
		transport_put(s, len);
	return len;
}

/* Puts one or two tags behind the MACs, or a tag without a VLAN */
static __u32 tags_put(const struct step *s, __u32 len)
{
	static const __u8 bytes[][8] = { { 0x81, 0, 0, VLAN_PLAIN }, { 0x88, 0xa8, 0, VLAN_OUTER, 0x81, 0, 0, VLAN_PLAIN }, { 0x81, 0, 0xe0, 0 } };
	__u32 kind = s->heads >> 6, n = kind == 2 ? 8 : 4;

	if (!kind)
		return len;
	memmove(came + 12 + n, came + 12, len - 12);
	memcpy(came + 12, bytes[kind - 1], n);
	world_mac(came, kind == 1 ? V0 : kind == 2 ? Q0 : came_link, 1);
	came_link = kind == 3 ? came_link : W0;
	return len + n;
}

static __u32 answer_ends(void)
{
	in.family = last.seen.family;
	in.src = last.seen.dst;
	in.dst = last.seen.src;
	in.sport = last.seen.dport;
	in.dport = last.seen.sport;
	return last.link;
}

static void frame_begin(const struct step *s)
{
	__u32 kind = s->how % KINDS;

	if (kind == LATER && in.family) {
		in.n_extra = in.padding = 0;
	} else {
		memset(&in, 0, offsetof(struct frame, extra));
		in.udp_len = in.ip_len = 0;
		came_link = (kind == ANSWER || kind == ERROR) && last.any ? answer_ends() : ip_ends(s);
	}
	in.ttl = s->ttl ?: 64;
	in.tos = s->ip & TOS ? 0x2b : 0;
	in.checksum = s->ip & SUM_BITS;
	in.padding = s->ip & PADDED ? 5 : 0;
	in.ip_len = s->ip & WRONG_LEN ? s->index[1] - 128 : 0;
	in.udp_len = s->ip & ODD_LEN ? s->index[0] - 128 : 0;
	if (s->how & OTHER_LINK)
		came_link = (__u32[]){ W0, L0, X0, M0, T0, G0, TA, NN }[s->who >> 5];
	if (s->how & BY_PORT && came_link == L0)
		came_link = B0;
	world_mac(in.dmac, came_link == B0 ? L0 : came_link, 1);
	world_mac(in.smac, came_link, 0xee);
}

/* Writes the step's frame to `came`; returns its length. The frame of a RAW step is bytes */
static __u32 frame_put(const struct step *s, const __u8 *bytes, __u32 n)
{
	static const __u32 all[] = { W0, L0, X0, M0, T0, G0, TA, TC, NN, NO, NW, V0, B0, 77 };
	__u32 kind = s->how % KINDS, len;

	if (kind == RAW) {
		came_link = all[s->what / 8 % (sizeof(all) / sizeof(*all))];
		memcpy(came, bytes, n);
		return n;
	}
	if (kind == AGAIN && came_len) {
		came_link = s->how & OTHER_LINK ? all[s->what / 8 % (sizeof(all) / sizeof(*all))] : came_link;
		return came_len;
	}
	frame_begin(s);
	len = kind == ERROR && last.any ? error_put(s) : kind == LATER && in.family ? later_put(s) : fresh_put(s);
	len = tags_put(s, len);
	for (int i = 0; i < 2; i++)
		if (s->at[i] && 12U + s->at[i] <= len)
			came[11 + s->at[i]] ^= s->with[i];
	return len;
}

#endif
