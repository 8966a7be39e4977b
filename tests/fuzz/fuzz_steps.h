/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Part of fuzz_flows.c: an input's state and steps, and their frames from raw bytes: a client's original, an answer to
 * the last packet, an error about it, or the bytes as they are.
 */
#ifndef FUZZ_STEPS_H
#define FUZZ_STEPS_H

#include "fuzz_must.h"
#include "host/host_flows.h"
#include "host/host_see.h"

#define FRAME_MAX 4000
#define STEPS_MAX 24
#define BYTES_MAX 128

struct state {				/* the head of an input */
	__u8 kernel;			/* enum kernel_bits */
	__u8 ports;			/* number of ports in each pool except one */
	__u8 buckets, share;		/* log2 of the table's buckets; LIVE flows of a source */
};
enum kernel_bits { PROBES = 1, ASKS_ALWAYS = 2, SEND_FAILS = 4, SHARE_USED = 16 };

struct step {				/* then the frame's bytes: at most BYTES_MAX and the rest of the input; others are 0 */
	__u8 how;			/* enum step_kind and enum step_bits */
	__u8 who;			/* service (3 bits), its client (2), its port (2) */
	__u8 time;			/* time that passes before (3 bits), keep the last packet (1); top bit: the service's backend
					 * moves, or moves back */
	__u8 linear, gso;		/* as in fuzz_pipeline.c */
	__u8 at, with;			/* a changed byte behind the Ethernet header; 0: none */
	__u8 len[2];			/* big endian: length of the frame */
};
enum step_kind { RAW, ORIGINAL, ANSWER, ERROR, KINDS };
enum step_bits {
	PLAIN = 4,			/* no options, extension headers or fragments */
	LENGTHS = 8,			/* with right checksums */
	NO_CHECKSUM = 16,
	ON_TC = 32,
	OTHER_LINK = 64,
	SHORT = 128,			/* an error that quotes the minimum */
};

static const struct masq *moved;	/* this service's backend has moved */
static struct {				/* the last packet */
	bool any;
	__u8 frame[FRAME_MAX + HOST_ROOM];
	__u32 len, link;
	struct seen seen;
} last;

static struct addr step_backend(const struct masq *m)
{
	struct addr a = world_addr(m->backend);

	a.b[15] += m == moved;
	return a;
}

static const struct masq *step_masq(const struct step *s)
{
	return &masqs[s->who & 7];
}

static struct addr step_client(const struct step *s)
{
	const struct masq *m = step_masq(s);
	struct addr a = world_addr(m->in == L0 && s->how & OTHER_LINK ? masqs[0].client : m->client);

	a.b[15] += s->who >> 3 & 3;
	return a;
}

static __u32 step_link(const struct step *s)
{
	static const __u32 all[] = { W0, L0, X0, M0 };
	__u32 kind = s->how % KINDS, link = kind == ORIGINAL ? step_masq(s)->in : kind == RAW ? all[s->who >> 5 & 3] : last.link;

	if (!(s->how & OTHER_LINK))
		return link;
	return link == W0 ? L0 : W0;
}

/* Ethernet and IP header; returns whether there is a UDP header, at *ret_l4, or a fragment */
static bool put_ip(__u8 *frame, __u32 len, const struct step *s, __u8 family, struct addr src, struct addr dst, struct seen *seen)
{
	__u8 *ip = frame + ETH_HLEN;
	bool ipv4 = family == FAMILY_IPV4;

	world_mac(frame, step_link(s), 1);
	put16(frame + 12, ipv4 ? ETH_P_IP : ETH_P_IPV6);
	if (s->how & PLAIN) {
		ip[0] = ipv4 ? 0x45 : 0x60;
		ip[ipv4 ? 9 : 6] = IPPROTO_UDP;
		ip[ipv4 ? 8 : 7] |= 2;
		if (ipv4)
			put16(ip + 6, get16(ip + 6) & 0x4000);
	}
	ip[0] = (ip[0] & 0x0f) | (ipv4 ? 0x40 : 0x60);
	memcpy(ip + (ipv4 ? 12 : 8), ipv4 ? &src.b[12] : src.b, ipv4 ? 4 : 16);
	memcpy(ip + (ipv4 ? 16 : 24), ipv4 ? &dst.b[12] : dst.b, ipv4 ? 4 : 16);
	memset(seen, 0, sizeof(*seen));
	if (s->how & LENGTHS)
		put16(ip + (ipv4 ? 2 : 4), len - ETH_HLEN - (ipv4 ? 0 : 40));
	if (ipv4)
		see_ipv4(ip, seen);
	else if (!see_ipv6(frame, len, seen))
		return false;
	if (ipv4 && s->how & LENGTHS && seen->l4 <= len) {
		put16(ip + 10, 0);
		put16(ip + 10, ~frame_fold(frame_sum(ip, seen->l4 - ETH_HLEN)));
	}
	return seen->l4 + 8 <= len;
}

static void put_udp(__u8 *frame, __u32 len, const struct step *s, __u16 sport, __u16 dport, const struct seen *seen)
{
	__u8 *udp = frame + seen->l4;
	__u32 n = len - seen->l4;
	__u16 sum;

	if (seen->later)
		return;
	put16(udp, sport);
	put16(udp + 2, dport);
	if (s->how & LENGTHS && !seen->more)
		put16(udp + 4, n);
	if (!(s->how & (LENGTHS | NO_CHECKSUM)))
		return;
	put16(udp + 6, 0);
	sum = see_sum(frame + ETH_HLEN, udp, n);
	if (!(s->how & NO_CHECKSUM))
		put16(udp + 6, (__u16)~sum ?: 0xffff);
}

static void put_datagram(__u8 *frame, __u32 len, const struct step *s)
{
	const struct masq *m = step_masq(s);
	struct addr client = step_client(s), local = world_addr(m->local);
	struct seen seen;

	if (s->how % KINDS == ORIGINAL) {
		if (put_ip(frame, len, s, world_family(m->local), client, local, &seen))
			put_udp(frame, len, s, CLIENT_PORT + (s->who >> 5 & 3), m->port, &seen);
	} else if (put_ip(frame, len, s, last.seen.family, last.seen.dst, last.seen.src, &seen)) {
		put_udp(frame, len, s, last.seen.dport, last.seen.sport, &seen);
	}
}

/* An error about the last packet, from a router. Type, code and the word behind come from the bytes. Returns the
 * frame's length */
static __u32 put_error(__u8 *frame, __u32 len, const struct step *s)
{
	bool ipv4 = last.seen.family == FAMILY_IPV4;
	__u32 head = ETH_HLEN + (ipv4 ? 20 : 40), n = last.len - ETH_HLEN, most = s->how & SHORT ? last.seen.l4 - ETH_HLEN + 8 : 600;
	struct addr from = world_addr(ipv4 ? "198.41.0.4" : "2001:db8:99::4");
	struct step plain = *s;
	struct seen seen;

	n = n < most ? n : most;
	if (len < head + 8)
		len = head + 8;
	memcpy(frame + head + 8, last.frame + ETH_HLEN, n);
	len = head + 8 + n;
	plain.how |= PLAIN | LENGTHS;
	put_ip(frame, len, &plain, last.seen.family, from, last.seen.src, &seen);
	frame[ETH_HLEN + (ipv4 ? 9 : 6)] = ipv4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	if (ipv4) {
		put16(frame + ETH_HLEN + 10, 0);
		put16(frame + ETH_HLEN + 10, ~frame_fold(frame_sum(frame + ETH_HLEN, 20)));
	}
	put16(frame + head + 2, 0);
	put16(frame + head + 2, ~error_sum(frame, head, len));
	return len;
}

/* Makes the frame of a step from its bytes, in a buffer of FRAME_MAX; returns its length */
static __u32 step_frame(const struct step *s, __u8 *frame, const __u8 *bytes, __u32 n)
{
	__u32 kind = s->how % KINDS, len = get16(s->len) % FRAME_MAX;

	memset(frame, 0, FRAME_MAX);
	memcpy(frame, bytes, n);
	if (kind == RAW || (kind >= ANSWER && !last.any) || len < ETH_HLEN + 20)
		return len;
	if (kind == ERROR)
		len = put_error(frame, len, s);
	else
		put_datagram(frame, len, s);
	if (s->at && ETH_HLEN + s->at < len)
		frame[ETH_HLEN + s->at] ^= s->with;
	return len;
}

#endif
