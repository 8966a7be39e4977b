// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The policy between sites passes, refuses and drops packets like rules with conntrack. The test runs on the host
 * plane.
 */
#include "host/host_fate.h"

/* ---- the policy ---- */

static void ports(void **state)
{
	for (int port = 0; port < 65536; port += port > 57990 && port < 60010 ? 1 : 97)
		assert_int_equal(fate(TA, udp6(A, C, 99, port)), port >= 58000 && port <= 60000 ? SENT : DROP_refused);
	relay_policy()->ports[53 / 64] |= 1ULL << 53;
	assert_int_equal(fate(TA, udp6(A, C, 99, 53)), SENT);
	relay_policy()->ports[58000 / 64] = 0;
	assert_int_equal(fate(TA, udp6(A, C, 99, 58000)), DROP_refused);
}

static void replies(void **state)
{
	assert_int_equal(fate(TC, udp6(C, A, 58000, 40000)), DROP_refused);
	assert_int_equal(fate(TA, udp6(A, C, 40000, 58000)), SENT);
	assert_int_equal(fate(TC, udp6(C, A, 58000, 40000)), SENT);
	assert_int_equal(fate(TC, udp6(C, A, 58000, 40001)), DROP_refused);
	assert_int_equal(fate(TC, udp6(C, A, 58001, 40000)), DROP_refused);
	assert_int_equal(fate(TC, udp6(OVERLAY "c::4", A, 58000, 40000)), DROP_refused);
	assert_int_equal(fate(TC, udp6(C, B, 58000, 40000)), DROP_refused);
	host_jiffies += 179 * tick_rate;
	assert_int_equal(fate(TC, udp6(C, A, 58000, 40000)), SENT);	/* this refreshes the entry */
	host_jiffies += 179 * tick_rate;
	assert_int_equal(fate(TC, udp6(C, A, 58000, 40000)), SENT);
	host_jiffies += 181 * tick_rate;
	assert_int_equal(fate(TC, udp6(C, A, 58000, 40000)), DROP_refused);
}

static __u64 latest(void)
{
	__u64 until = 0;

	for (__u32 i = 0; i < RELAY_BUCKETS * ALLOWED_WAYS; i++) {
		__u32 place = i / ALLOWED_WAYS;
		struct allowed_bucket *bucket = bpf_map_lookup_elem(&allowed, &place);

		if (bucket->way[i % ALLOWED_WAYS].until > until)
			until = bucket->way[i % ALLOWED_WAYS].until;
	}
	return until;
}

/* A fresh entry is not written again; after a second it is */
static void refreshed(void **state)
{
	__u64 first;

	fate(TA, udp6(A, C, 40000, 58000));
	first = latest();
	host_jiffies += tick_rate - 1;
	fate(TA, udp6(A, C, 40000, 58000));
	assert_int_equal(latest(), first);
	host_jiffies += 2;
	fate(TA, udp6(A, C, 40000, 58000));
	assert_int_equal(latest(), first + tick_rate + 1);
}

/* A packet that is not sent is not remembered */
static void not_remembered(void **state)
{
	struct packet6 p = udp6(A, C, 40000, 58000);

	p.ttl = 1;
	fate(TA, p);
	fate(TC, udp6(A, C, 40000, 58000));		/* forged */
	fate(TA, udp6(A, OVERLAY "f::1", 40000, 58000));
	p = udp6(A, C, 40000, 58000);
	p.data[5] = 99;					/* malformed */
	assert_int_equal(fate(TA, p), DROP_invalid);
	host_send_fails = true;
	assert_int_equal(fate(TA, udp6(A, C, 40000, 58000)), DROP_send_failed);
	host_send_fails = false;
	assert_int_equal(fate(TC, udp6(C, A, 58000, 40000)), DROP_refused);
	for (__u32 i = 0; i < RELAY_BUCKETS; i++) {
		struct allowed_bucket *bucket = bpf_map_lookup_elem(&allowed, &i);

		for (int way = 0; way < ALLOWED_WAYS; way++)
			assert_int_equal(bucket->way[way].until, 0);
	}
}

/* The oldest entry gives way: with room for 16, the last ones are known */
static void crowded(void **state)
{
	int known = 0;

	for (int i = 0; i < 1000; i++) {
		fate(TA, udp6(A, C, 1000 + i, 58000));
		host_jiffies++;
		assert_int_equal(fate(TC, udp6(C, A, 58000, 1000 + i)), SENT);
	}
	for (int i = 0; i < 1000; i++)
		known += fate(TC, udp6(C, A, 58000, 1000 + i)) == SENT;
	assert_int_equal(known, 16);
}

static void echoes(void **state)
{
	assert_int_equal(fate(TC, icmp6(C, A, 129, 0, 7)), DROP_invalid);
	assert_int_equal(fate(TA, icmp6(A, C, 128, 0, 7)), SENT);
	assert_int_equal(fate(TC, icmp6(C, A, 129, 0, 7)), SENT);
	assert_int_equal(fate(TC, icmp6(C, A, 129, 1, 7)), DROP_invalid);
	assert_int_equal(fate(TC, icmp6(C, A, 129, 0, 8)), DROP_invalid);
	assert_int_equal(fate(TC, icmp6(OVERLAY "c::4", A, 129, 0, 7)), DROP_invalid);
	assert_int_equal(fate(TA, icmp6(A, C, 129, 0, 7)), DROP_invalid);
	relay_policy()->icmpv6[2] &= ~1ULL;
	assert_int_equal(fate(TA, icmp6(A, C, 128, 0, 9)), DROP_refused);
	assert_int_equal(fate(TC, icmp6(C, A, 129, 0, 9)), DROP_invalid);
	assert_int_equal(fate(TA, icmp6(A, C, 139, 0, 1)), DROP_refused);
	relay_policy()->icmpv6[2] |= 1ULL << (139 - 128);
	assert_int_equal(fate(TA, icmp6(A, C, 139, 0, 1)), SENT);
	assert_int_equal(fate(TC, icmp6(C, A, 140, 0, 1)), SENT);
}

/* Every type without state: conntrack's decision, then the list's */
static void types(void **state)
{
	for (int type = 0; type < 256; type++) {
		int want = type == 128 || (type >= 134 && type <= 136) ? SENT :
			   (type >= 130 && type <= 133) || type == 139 || type == 143 || type == 151 || type == 152 ? DROP_refused : DROP_invalid;

		assert_int_equal(fate(TA, icmp6(A, C, type, 0, 7)), want);
	}
}

/* An edge router's own address is outside of the overlay: it gets answers, and nothing else of ours */
static void edges(void **state)
{
	struct packet6 sent = udp6("fd99::c", A, 40000, 58000), echo = icmp6("fd99::c", A, 128, 0, 7), late;

	for (int asked = 0; asked < 2; asked++) {
		assert_int_equal(fate(TA, udp6(A, "fd99::c", 58000, 40000)), asked ? SENT : UP);
		assert_int_equal(fate(TA, icmp6(A, "fd99::c", 129, 0, 7)), asked ? SENT : UP);
		assert_int_equal(fate(TA, error6(A, &sent)), asked ? SENT : UP);
		assert_int_equal(fate(TA, error6(A, &echo)), asked ? SENT : UP);
		assert_int_equal(fate(TA, udp6(A, "fd99::c", 40000, 58000)), UP);
		assert_int_equal(fate(TA, icmp6(A, "fd99::c", 128, 0, 7)), UP);
		assert_int_equal(fate(TA, icmp6(A, "fd99::c", 135, 0, 7)), UP);
		assert_int_equal(fate(TA, icmp6(A, "fd99::c", 129, 0, 8)), UP);
		assert_int_equal(fate(TA, packet6(A, "fd99::c", IPPROTO_TCP, 20)), UP);
		assert_int_equal(fate(TA, udp6(N, "fd99::c", 58000, 40000)), UP);
		assert_int_equal(fate(TC, udp6(C, "fd99::c", 58000, 40000)), UP);
		late = udp6(A, "fd99::c", 58000, 40000);
		late.ttl = 1;
		assert_int_equal(fate(TA, late), asked ? DROP_time_exceeded : UP);
		fate(TC, sent);
		fate(TC, echo);
	}
}

static void errors(void **state)
{
	struct packet6 sent = udp6(A, C, 40000, 58000), reply = udp6(C, A, 58000, 40000), other = udp6(A, C, 40001, 58000);
	struct packet6 echo = icmp6(A, C, 128, 0, 7), answer = icmp6(C, A, 129, 0, 7), e, quoted;

	assert_int_equal(fate(TC, error6(C, &sent)), DROP_invalid);
	assert_int_equal(fate(TC, error6(C, &echo)), DROP_invalid);
	fate(TA, sent);
	fate(TA, echo);
	for (int type = 0; type < 128; type++) {
		e = error6(C, &sent);
		e.data[0] = type;
		assert_int_equal(fate(TC, e), SENT);
	}
	assert_int_equal(fate(TC, error6("fd99::c", &sent)), SENT);	/* by C's edge router */
	assert_int_equal(fate(NN, error6(N, &sent)), DROP_invalid);	/* by a third site */
	assert_int_equal(fate(NN, error6(N, &echo)), DROP_invalid);
	assert_int_equal(fate(TC, error6(C, &echo)), SENT);
	assert_int_equal(fate(TA, error6(A, &reply)), SENT);
	assert_int_equal(fate(TA, error6(A, &answer)), SENT);
	assert_int_equal(fate(TC, error6(C, &other)), DROP_invalid);
	e = error6(C, &sent);				/* for another host than the sender */
	e.dst = B;
	assert_int_equal(fate(TC, e), DROP_invalid);
	e = error6(C, &sent);
	e.data[8] = 0x40;
	assert_int_equal(fate(TC, e), DROP_invalid);
	for (e = error6(C, &sent); e.n; e.n--)
		assert_int_equal(fate(TC, e), e.n >= 8 + 40 + 4 ? SENT : DROP_invalid);
	for (e = error6(C, &echo); e.n; e.n--)
		assert_int_equal(fate(TC, e), e.n >= 8 + 40 + 8 ? SENT : DROP_invalid);
	quoted = sent;					/* behind extension headers, and as a first fragment */
	packet6_extend(&quoted, IPPROTO_FRAGMENT, 1, 0, 1);
	packet6_extend(&quoted, IPPROTO_DSTOPTS, 2, 1, 12);
	assert_int_equal(fate(TC, error6(C, &quoted)), SENT);
	quoted = sent;
	packet6_extend(&quoted, IPPROTO_FRAGMENT, 1, 5, 0);
	assert_int_equal(fate(TC, error6(C, &quoted)), DROP_invalid);
	quoted = icmp6(A, C, 135, 0, 7);
	fate(TA, quoted);
	assert_int_equal(fate(TC, error6(C, &quoted)), DROP_invalid);
	e = error6(C, &sent);
	e.ttl = 1;
	assert_int_equal(fate(TC, e), DROP_time_exceeded);
}

static void other_protocols(void **state)
{
	for (int flags = 0; flags < 256; flags++) {
		struct packet6 p = packet6(A, C, IPPROTO_TCP, 20);
		int plain = flags & 0x17;

		p.data[12] = 0x50;
		p.data[13] = flags;
		assert_int_equal(fate(TA, p), plain == 2 || plain == 16 ? DROP_refused : DROP_invalid);
		p.data[12] = 0x60;
		assert_int_equal(fate(TA, p), DROP_invalid);
	}
	for (int next = 0; next < 256; next++) {
		bool header = next == IPPROTO_HOPOPTS || next == IPPROTO_DSTOPTS || next == IPPROTO_ROUTING || next == IPPROTO_FRAGMENT;
		bool known = header || next == IPPROTO_TCP || next == IPPROTO_UDP || next == IPPROTO_ICMPV6 || next == IPPROTO_NONE;

		assert_int_equal(fate(TA, packet6(A, C, next, 0)), known ? DROP_invalid : DROP_refused);
	}
}

/* n: bytes behind the TCP header, which has `words` words */
static struct packet6 tcp6(const char *src, const char *dst, __u16 sport, __u16 dport, int flags, __u32 words, __u32 n)
{
	struct packet6 p = packet6(src, dst, IPPROTO_TCP, words * 4 + n);

	put16(p.data, sport);
	put16(p.data + 2, dport);
	p.data[12] = words << 4;
	p.data[13] = flags;
	return p;
}

/* Connections to listed ports begin, are answered, and are remembered as long as those of UDP */
static void connections(void **state)
{
	enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };
	struct packet6 syn = tcp6(A, C, 40000, 22, SYN, 5, 0);

	relay_policy()->tcp_ports[22 / 64] |= 1ULL << 22;
	assert_int_equal(fate(TC, tcp6(C, A, 22, 40000, SYN | ACK, 5, 0)), DROP_invalid);
	assert_int_equal(fate(TC, tcp6(C, A, 22, 40000, ACK, 5, 0)), DROP_refused);
	assert_int_equal(fate(TA, tcp6(A, C, 40000, 22, FIN | ACK, 5, 0)), DROP_invalid);
	assert_int_equal(fate(TC, error6(C, &syn)), DROP_invalid);
	assert_int_equal(fate(TA, syn), SENT);
	assert_int_equal(fate(TC, error6(C, &syn)), SENT);
	assert_int_equal(fate(TC, tcp6(C, A, 22, 40000, SYN | ACK, 6, 0)), SENT);
	assert_int_equal(fate(TA, tcp6(A, C, 40000, 22, ACK | PSH, 8, 99)), SENT);
	assert_int_equal(fate(TC, tcp6(C, A, 22, 40000, ACK, 5, 1)), SENT);
	for (int flags = 0; flags < 256; flags++) {
		int plain = flags & (FIN | SYN | RST | ACK);
		bool valid = plain == SYN || plain == RST || plain == ACK || plain == (ACK | FIN) || plain == (ACK | SYN) || plain == (ACK | RST);

		assert_int_equal(fate(TA, tcp6(A, C, 40000, 22, flags, 5, 0)), valid ? SENT : DROP_invalid);
		assert_int_equal(fate(TC, tcp6(C, A, 22, 40000, flags, 5, 0)), valid ? SENT : DROP_invalid);
	}
	assert_int_equal(fate(TC, tcp6(C, A, 22, 40001, ACK, 5, 0)), DROP_refused);
	assert_int_equal(fate(TC, tcp6(C, B, 22, 40000, ACK, 5, 0)), DROP_refused);
	assert_int_equal(fate(TC, tcp6(C, A, 40000, 23, SYN, 5, 0)), DROP_refused);
	assert_int_equal(fate(TC, udp6(C, A, 22, 40000)), DROP_refused);
	assert_int_equal(fate(TA, udp6(A, C, 40000, 22)), DROP_refused);
	host_jiffies += 179 * tick_rate;
	assert_int_equal(fate(TC, tcp6(C, A, 22, 40000, ACK, 5, 0)), SENT);
	host_jiffies += 181 * tick_rate;
	assert_int_equal(fate(TC, tcp6(C, A, 22, 40000, ACK, 5, 0)), DROP_refused);
	assert_int_equal(fate(TA, tcp6(A, C, 40000, 22, ACK, 5, 0)), SENT);
	assert_int_equal(fate(TC, tcp6(C, A, 22, 40000, FIN | ACK, 5, 0)), SENT);
}

/* A GSO packet fits if its longest segment does, with the TCP header that it has */
static void tcp_segments(void **state)
{
	relay_policy()->tcp_ports[22 / 64] |= 1ULL << 22;
	for (__u32 words = 5; words <= 15; words++)
		for (__u32 more = 0; more < 2; more++) {
			fate_segs = 2;
			fate_size = 1380 - 40 - words * 4 + more;
			assert_int_equal(fate(TA, tcp6(A, C, 40000, 22, 16, words, fate_size + 1)), more ? DROP_packet_too_big : SENT);
		}
	fate_segs = fate_size = 0;
}

static void silence(void **state)
{
	struct packet6 p = udp6(N, O, 1, 22);

	assert_int_equal(fate_by(PLANE_XDP, NN, &p), UP);		/* tc answers */
	relay_policy()->reject = REJECT_SILENTLY;
	assert_int_equal(fate_by(PLANE_XDP, NN, &p), DROP_refused);
	relay_policy()->reject = REJECT_ADDRESS;
	world_link(NN, ROLE_LAN, LINK_XDP_SENDS | LINK_PEERS, 1500, 0);	/* no tc there */
	assert_int_equal(fate_by(PLANE_XDP, NN, &p), DROP_refused);
}

/* ---- extension headers and fragments ---- */

static void extensions(void **state)
{
	static const struct { __u8 type, units, third, fourth; bool passes; } all[] = {
		{ IPPROTO_HOPOPTS, 1, 1, 4, true }, { IPPROTO_DSTOPTS, 1, 1, 4, true }, { IPPROTO_DSTOPTS, 12, 1, 4, true },
		{ IPPROTO_ROUTING, 3, 0, 0, true }, { IPPROTO_ROUTING, 3, 0, 1, false }, { IPPROTO_ROUTING, 3, 4, 2, false },
		{ IPPROTO_FRAGMENT, 1, 0, 0, true },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct packet6 good = udp6(A, C, 40000, 58000), bad = udp6(A, C, 40000, 22), tcp = packet6(A, C, IPPROTO_TCP, 20);
		struct packet6 echo = icmp6(A, C, 128, 0, 7), stray = icmp6(A, C, 129, 0, 77);

		tcp.data[12] = 0x50;
		tcp.data[13] = 2;
		for (int n = 1; n < 10; n++) {
			bool passes = all[i].passes && n <= 8 && (all[i].type != IPPROTO_FRAGMENT || n < 9);

			packet6_extend(&good, all[i].type, all[i].units, all[i].third, all[i].fourth);
			packet6_extend(&bad, all[i].type, all[i].units, all[i].third, all[i].fourth);
			packet6_extend(&tcp, all[i].type, all[i].units, all[i].third, all[i].fourth);
			packet6_extend(&echo, all[i].type, all[i].units, all[i].third, all[i].fourth);
			packet6_extend(&stray, all[i].type, all[i].units, all[i].third, all[i].fourth);
			assert_int_equal(fate(TA, good), passes ? SENT : DROP_invalid);
			assert_int_equal(fate(TA, bad), passes ? DROP_refused : DROP_invalid);
			assert_int_equal(fate(TA, tcp), passes ? DROP_refused : DROP_invalid);
			assert_int_equal(fate(TA, echo), passes ? SENT : DROP_invalid);
			assert_int_equal(fate(TA, stray), DROP_invalid);
		}
	}
}

/* Headers that reach behind the packet, into the rest of the frame */
static void padded(void **state)
{
	struct packet6 p = udp6(A, C, 40000, 58000);
	static __u8 frame[4096];
	__u32 len;

	packet6_extend(&p, IPPROTO_DSTOPTS, 4, 1, 4);
	p.data[0] = 47;
	len = packet6_build(&p, TA, frame);
	assert_int_equal(fate_of(PLANE_TC, TA, frame, len, len), DROP_refused);
	put16(frame + 4, 31);
	assert_int_equal(fate_of(PLANE_TC, TA, frame, len, len), DROP_invalid);
}

/* Padding behind the packet is no message header either, and no quote of an error */
static void padded_message(void **state)
{
	struct packet6 sent = udp6(A, C, 40000, 58000), tcp = packet6(A, C, IPPROTO_TCP, 20);
	struct { struct packet6 p; __u32 link, needs; int fate; } all[] = {
		{ icmp6(A, C, 128, 0, 7), TA, 8, SENT }, { error6(C, &sent), TC, 8 + 40 + 4, SENT }, { tcp, TA, 20, DROP_refused },
	};
	static __u8 frame[4096];

	fate(TA, sent);
	all[2].p.data[12] = 0x50;
	all[2].p.data[13] = 2;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		__u32 len = packet6_build(&all[i].p, all[i].link, frame);

		for (__u32 n = 0; n <= all[i].needs; n++) {
			put16(frame + 4, n);
			assert_int_equal(fate_of(PLANE_TC, all[i].link, frame, len, len), n < all[i].needs ? DROP_invalid : all[i].fate);
		}
	}
}

static void fragments(void **state)
{
	struct packet6 first = udp6(A, C, 40000, 58000), refused = udp6(A, C, 40000, 22), rest = packet6(A, C, IPPROTO_UDP, 16);
	struct packet6 echo = icmp6(A, C, 128, 0, 9), other;

	packet6_udp(first.data, 40000, 58000, 56);
	packet6_udp(refused.data, 40000, 22, 56);
	assert_int_equal(fate(TA, fragment6(rest, 40, false, 1)), DROP_invalid);
	assert_int_equal(fate(TA, fragment6(first, 0, true, 1)), SENT);
	assert_int_equal(fate(TA, fragment6(rest, 40, false, 1)), SENT);
	assert_int_equal(fate(TA, fragment6(rest, 40, false, 2)), DROP_invalid);
	assert_int_equal(fate(TA, fragment6(rest, 32, false, 1)), DROP_invalid);	/* overlaps the first */
	assert_int_equal(fate(TA, fragment6(rest, 40, true, 1)), SENT);
	other = fragment6(rest, 40, false, 1);
	other.src = OVERLAY "a::2";
	assert_int_equal(fate(TA, other), DROP_invalid);
	assert_int_equal(fate(TA, fragment6(refused, 0, true, 3)), DROP_refused);
	assert_int_equal(fate(TA, fragment6(rest, 40, false, 3)), DROP_invalid);
	assert_int_equal(fate(TA, fragment6(refused, 0, true, 1)), DROP_refused);	/* and it takes no other entry's place */
	assert_int_equal(fate(TA, fragment6(rest, 40, false, 1)), SENT);
	assert_int_equal(fate(TA, fragment6(echo, 0, true, 4)), SENT);
	rest.next = IPPROTO_ICMPV6;
	assert_int_equal(fate(TA, fragment6(rest, 24, false, 4)), SENT);
	assert_int_equal(fate(TC, icmp6(C, A, 129, 0, 9)), SENT);
	first.n = 4;
	for (first.n = 0; first.n < 8; first.n++)
		assert_int_equal(fate(TA, fragment6(first, 0, true, 5)), DROP_invalid);
	first.n = 17;					/* only the last one may end anywhere */
	assert_int_equal(fate(TA, fragment6(first, 0, true, 6)), DROP_invalid);
	host_jiffies += 2 * tick_rate + 1;
	assert_int_equal(fate(TA, fragment6(rest, 24, false, 4)), DROP_invalid);
}

/* XDP leaves the first fragment to tc, and may see the rest before tc sends the first */
static void overtaking(void **state)
{
	struct packet6 first = udp6(N, A, 40000, 58000), rest = packet6(N, A, IPPROTO_UDP, 16);

	packet6_udp(first.data, 40000, 58000, 56);
	first = fragment6(first, 0, true, 1);
	rest = fragment6(rest, 40, false, 1);
	assert_int_equal(fate_by(PLANE_XDP, NN, &first), UP);
	assert_int_equal(fate_by(PLANE_XDP, NN, &rest), UP);
	assert_int_equal(fate_by(PLANE_TC, NN, &first), SENT);
	assert_int_equal(fate_by(PLANE_TC, NN, &rest), SENT);
	host_jiffies += 2 * tick_rate + 1;
	assert_int_equal(fate_by(PLANE_XDP, NN, &rest), UP);
	assert_int_equal(fate_by(PLANE_TC, NN, &rest), DROP_invalid);
	world_link(NN, ROLE_LAN, LINK_XDP_SENDS | LINK_PEERS, 1500, 0);	/* no tc there */
	assert_int_equal(fate_by(PLANE_XDP, NN, &rest), DROP_invalid);
}

/* The event of a packet without ports names none, rather than the ports of an earlier packet */
static void event_without_ports(void **state)
{
	struct packet6 whole = udp6(A, C, 40000, 58000), truncated = whole;
	__u32 zero = 0, n = host_n_events;

	*(__u64 *)bpf_map_lookup_elem(&event_watch, &zero) = ~0ULL;
	truncated.n = 2;
	assert_int_equal(fate(TA, whole), SENT);
	assert_int_equal(fate(TA, truncated), DROP_invalid);
	assert_int_equal(host_n_events, n + 1);
	assert_int_equal(host_event.reason, DROP_invalid);
	assert_int_equal(host_event.sport, 0);
	assert_int_equal(host_event.dport, 0);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(ports), T(replies), T(refreshed), T(not_remembered), T(crowded), T(echoes), T(types), T(edges), T(errors), T(other_protocols), T(connections), T(tcp_segments), T(silence),
		T(extensions), T(padded), T(padded_message), T(fragments), T(overtaking), T(event_without_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
