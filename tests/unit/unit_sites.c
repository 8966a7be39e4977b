// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Packets between sites get the right owner, leave by the right link, and are counted right. The test runs on the
 * host plane. Also every truncation.
 */
#include "host/host_fate.h"

/* ---- the owner ---- */

static void tunnels(void **state)
{
	assert_int_equal(fate(TA, udp6(A, C, 40000, 58000)), SENT);
	assert_int_equal(gone_by, TC);
	assert_int_equal(fate(TA, udp6(A, B, 40000, 60000)), SENT);
	assert_int_equal(gone_by, TA);		/* hairpin: WireGuard chooses the peer */
	assert_int_equal(fate(TC, udp6(C, B, 40000, 58001)), SENT);
	assert_int_equal(fate(TC, udp6("fd99::c", B, 40000, 58001)), SENT);
	assert_int_equal(fate(TA, udp6(OVERLAY "10:1::9", A, 1, 58001)), -(-PASS_source));
	assert_int_equal(total_of(PEER_A, PEER_RX, true), 2);
	assert_int_equal(total_of(PEER_B, PEER_TX, false), 3);
	assert_int_equal(total_of(PEER_C, PEER_RX, false), 2);
}

static void nics(void **state)
{
	enum plane planes[] = { PLANE_XDP, PLANE_TC };
	struct packet6 p = udp6(N, O, 40000, 58000), q = udp6(O, N, 40000, 58000), t = udp6(N, A, 40000, 58000);

	for (int i = 0; i < 2; i++) {
		/* the first packet to a next hop goes through the kernel */
		assert_int_equal(fate_by(planes[i], NN, &p), i ? SENT : UP);
		assert_int_equal(fate_by(planes[i], NN, &p), SENT);
		assert_int_equal(gone_by, NO);
		assert_int_equal(fate_by(planes[i], NO, &q), i ? SENT : UP);
		assert_int_equal(fate_by(planes[i], NO, &q), SENT);
		assert_int_equal(gone_by, NN);
	}
	assert_int_equal(fate_by(PLANE_XDP, NN, &t), UP);
	assert_int_equal(fate_by(PLANE_TC, NN, &t), SENT);
	assert_int_equal(gone_by, TA);
	assert_int_equal(fate(TA, udp6(A, N, 40000, 58000)), SENT);
	assert_int_equal(gone_by, NN);
	t = udp6(N, OVERLAY "e::99", 40000, 58000);		/* unresolved */
	assert_int_equal(fate_by(PLANE_XDP, NN, &t), UP);
	assert_int_equal(fate_by(PLANE_TC, NN, &t), SENT);
	assert_int_equal(total_of(PEER_N, PEER_RX, true), 5);
}

/* A gateway answers for all of a site, a host on the link only for itself */
static void remembered(void **state)
{
	struct packet6 p = udp6(O, OVERLAY "d::1", 1, 58000), q = udp6(O, OVERLAY "d::2", 1, 58000);
	struct packet6 r = udp6(N, OVERLAY "e::1", 1, 58000), s = udp6(N, OVERLAY "e::2", 1, 58000);
	__u32 asked;

	fate_by(PLANE_TC, NO, &p);
	asked = host_n_questions;
	assert_int_equal(fate_by(PLANE_TC, NO, &q), SENT);
	assert_int_equal(fate(TA, udp6(A, OVERLAY "d::3", 1, 58000)), SENT);
	assert_int_equal(host_n_questions, asked);
	assert_int_equal(host_questions[(asked - 1) % HOST_QUESTIONS].ifindex, NN);
	fate_by(PLANE_TC, NN, &r);
	fate_by(PLANE_TC, NN, &r);
	assert_int_equal(host_n_questions, asked + 1);
	fate_by(PLANE_TC, NN, &s);
	assert_int_equal(host_n_questions, asked + 2);
	world_control()->generation++;
	fate_by(PLANE_TC, NO, &p);
	assert_int_equal(host_n_questions, asked + 3);
	host_jiffies += tick_rate + 1;
	fate_by(PLANE_TC, NO, &p);
	assert_int_equal(host_n_questions, asked + 4);
}

static void sources_refused(void **state)
{
	static const char *const not_as[] = {
		C, N, OVERLAY "f::1", OVERLAY "77::1", "fd99::c", "fd99::b", "2001:db8::1", "::1", "::", "ff02::1", "fe80::1",
		"::ffff:192.0.2.1", OVERLAY "10:1::1", OVERLAY "1::1",
	};

	for (size_t i = 0; i < sizeof(not_as) / sizeof(not_as[0]); i++) {
		assert_int_equal(fate(TA, udp6(not_as[i], C, 58000, 58000)), PASS_source);
		assert_int_equal(fate(TA, icmp6(not_as[i], C, 128, 0, 1)), PASS_source);
	}
	assert_int_equal(total_of(0, PEER_RX, true), 28);		/* two peers there, so it counts for none */
	assert_int_equal(fate(TC, udp6(A, B, 58000, 58000)), PASS_source);
	assert_int_equal(total_of(PEER_C, PEER_RX, true), 1);		/* one peer, so it counts for it */
	assert_int_equal(fate(NN, udp6(O, A, 58000, 58000)), PASS_source);
	assert_int_equal(fate(NW, udp6(A, B, 58000, 58000)), PASS_source);
	assert_int_equal(fate(NW, udp6("2001:db8::1", B, 58000, 58000)), PASS_source);
	assert_int_equal(fate(NW, udp6("2001:db8::1", OVERLAY "1::1", 58000, 58000)), UP);
}

/* wireguard-go gives the kernel several packets as one: each counts */
static void segments_refused(void **state)
{
	fate_segs = 3;
	fate_size = 8;
	assert_int_equal(fate(TC, udp6(A, B, 58000, 58000)), PASS_source);
	fate_segs = fate_size = 0;
	assert_int_equal(total_of(PEER_C, PEER_RX, true), 3);
	assert_int_equal(reason_of(PASS_source), 3);
}

static void destinations(void **state)
{
	assert_int_equal(fate(TA, udp6(A, OVERLAY "77::1", 58000, 58000)), DROP_unrouted);
	assert_int_equal(fate(TA, udp6(A, OVERLAY "f::1", 58000, 58000)), DROP_unrouted);
	assert_int_equal(fate(TA, udp6(A, OVERLAY "a::9", 58000, 58000)), DROP_same_site);
	assert_int_equal(fate(TA, udp6("fd99::a", A, 58000, 58000)), DROP_same_site);
	assert_int_equal(fate(TA, udp6(A, OVERLAY "10:1::5", 58000, 58000)), SENT);
	assert_int_equal(gone_by, TC);
	assert_int_equal(fate(TA, udp6(A, OVERLAY "10:2::5", 58000, 58000)), DROP_same_site);
	assert_int_equal(fate(TA, udp6(A, OVERLAY "1::1", 58000, 58000)), UP);		/* ours */
	assert_int_equal(fate(TA, udp6(A, "fd99::c", 58000, 58000)), UP);			/* no site's */
	assert_int_equal(fate(TA, udp6(A, "2001:db8::1", 58000, 58000)), UP);
	host_n_routes = 0;
	assert_int_equal(fate(TA, udp6(A, N, 58000, 58000)), PASS_local);
	world_route("::/0", 0, 0, 0, NULL)->answer = BPF_FIB_LKUP_RET_UNREACHABLE;
	assert_int_equal(fate(TA, udp6(A, N, 58000, 58000)), DROP_unrouted);
	host_n_routes = 0;
	world_route("::/0", 4000, 1500, 1, NULL);		/* a link that did not exist */
	assert_int_equal(fate(TA, udp6(A, N, 58000, 58000)), DROP_unrouted);
}

/* In an overlay that is not a /48, the table and the trie decide */
static void other_overlays(void **state)
{
	struct table_entry *e = &world_entries[world_n_entries++];

	with_subnets = false;
	with_routes64 = true;
	*e = (struct table_entry){ .key = { world_addr(OVERLAY "a::"), table_word(KEY_ROUTE, FAMILY_IPV6, 0, 0) }, .route = { PEER_A } };
	world_commit();
	relay_prefix(OVERLAY "c::", 62, PEER_C);
	relay_prefix(OVERLAY ":", 48, PEER_B);
	assert_int_equal(fate(TA, udp6(A, C, 1, 58000)), SENT);
	assert_int_equal(gone_by, TC);
	assert_int_equal(fate(TC, udp6(OVERLAY "d::1", A, 1, 58000)), SENT);
	assert_int_equal(fate(TC, udp6(OVERLAY "f::1", OVERLAY "7777::1", 1, 58000)), SENT);
	assert_int_equal(fate(TC, udp6(OVERLAY "b::1", A, 1, 58000)), PASS_source);
}

/* ---- hop limit and MTU are checked before the rules ---- */

static void limits(void **state)
{
	struct packet6 p = udp6(A, C, 40000, 58000), refused = udp6(A, C, 40000, 22);

	for (p.ttl = refused.ttl = 0; p.ttl < 2; p.ttl++, refused.ttl++) {
		assert_int_equal(fate(TA, p), DROP_time_exceeded);
		assert_int_equal(fate(TA, refused), DROP_time_exceeded);
	}
	p = udp6(A, C, 40000, 58000);
	for (p.n = 1338; p.n < 1343; p.n++) {
		packet6_udp(p.data, 40000, 58000, p.n);
		assert_int_equal(fate(TA, p), p.n <= 1340 ? SENT : DROP_packet_too_big);
	}
	p = udp6(N, O, 40000, 58000);
	p.n = 1361;			/* the path has 1400 */
	packet6_udp(p.data, 40000, 58000, p.n);
	assert_int_equal(fate(NN, p), DROP_packet_too_big);
	p.n = 1360;
	packet6_udp(p.data, 40000, 58000, p.n);
	assert_int_equal(fate(NN, p), SENT);
}

/* Truncated anywhere, a packet is not sent while a byte is missing, and not passed up once its addresses are
 * complete */
static void truncations(void **state)
{
	struct packet6 all[] = {
		udp6(A, C, 40000, 58000), icmp6(A, C, 128, 0, 7), icmp6(A, C, 135, 0, 7), fragment6(udp6(A, C, 1, 58000), 0, false, 1),
		error6(A, &(struct packet6){ .src = C, .dst = A, .next = 17, .ttl = 9, .n = 40 }), packet6(A, C, IPPROTO_TCP, 20),
	};
	__u32 links[] = { TA, NN };
	static __u8 frame[4096];

	packet6_extend(&all[2], IPPROTO_HOPOPTS, 3, 1, 4);
	for (size_t i = 0; i < 2 * sizeof(all) / sizeof(all[0]); i++) {
		__u32 link = links[i & 1], ip = relay_bare(link) ? 0 : ETH_HLEN, len;

		all[i / 2].src = link == TA ? A : N;
		len = packet6_build(&all[i / 2], link, frame);
		for (__u32 l = 0; l < len; l++)
			for (int plane = 0; plane < 2; plane++) {
				int came_to = plane || link == NN ? fate_of(plane ? PLANE_TC : PLANE_XDP, link, frame, l, l) : UP;

				assert_int_not_equal(came_to, SENT);
				assert_true(l < ip + 40 || (!plane && link != NN) ? 1 : came_to == DROP_invalid || (!plane && came_to == UP));
			}
	}
}

/* A changed packet that cannot be sent is dropped, even if it is for an edge router's own address */
static void send_failures(void **state)
{
	struct packet6 asks = udp6("fd99::a", C, 40000, 58000), answers = udp6(C, "fd99::a", 58000, 40000);

	assert_int_equal(fate(TA, asks), SENT);
	assert_int_equal(fate(TC, answers), SENT);
	host_send_fails = true;
	assert_int_equal(fate(TA, asks), DROP_send_failed);
	assert_int_equal(fate(TC, answers), DROP_send_failed);
}

/* A limit also holds for the answers to an edge router's own address, and an answer that is too long is reported to its sender */
static void edges_limited(void **state)
{
	struct packet6 asks = udp6("fd99::a", C, 40000, 58000), answers = udp6(C, "fd99::a", 58000, 40000), longer = answers;
	struct rate limit = { .each = { 0, 1ULL << 60 }, .burst = { 0, 1 } };
	__u32 place = rate_index(PEER_A, PEER_TX);

	peer_rates = 0;
	numbered_rates = 2 * PEERS;
	host_map_reset(&rates, 2 * PEERS + 2 * RATE_NUMBERS);
	assert_int_equal(fate(TA, asks), SENT);
	with_rates = true;
	bpf_map_update_elem(&rates, &place, &limit, 0);
	assert_int_equal(fate(TC, answers), SENT);
	assert_int_equal(fate(TC, answers), DROP_rate_limited);
	longer.n = 1421 - 40;
	assert_int_equal(fate(TC, longer), DROP_packet_too_big);
	with_rates = false;
}

/* A site may have several gateways on one link, each for some of its prefixes */
static void gateways(void **state)
{
	struct packet6 p = udp6(O, OVERLAY "d::1", 1, 58000), q = udp6(O, OVERLAY "20::1", 1, 58000);
	__u32 id = PEER_N, asked;
	struct peer *peer = bpf_map_lookup_elem(&peers, &id);

	relay_subnet(0x20, PEER_N);
	world_route(OVERLAY "20::/64", NN, 1500, 0x1d, "fe80::20");
	peer->flags |= PEER_GATEWAYS;
	assert_int_equal(fate_by(PLANE_TC, NO, &p), SENT);
	asked = host_n_questions;
	assert_int_equal(fate_by(PLANE_TC, NO, &q), SENT);
	assert_int_equal(host_n_questions, asked + 1);		/* not the first prefix's gateway */
	assert_int_equal(fate_by(PLANE_TC, NO, &q), SENT);
	assert_int_equal(host_n_questions, asked + 1);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(tunnels), T(nics), T(remembered), T(sources_refused), T(segments_refused), T(destinations), T(other_overlays), T(limits),
		T(truncations), T(send_failures), T(edges_limited), T(gateways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
