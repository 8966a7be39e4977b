// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The data path decides about each foreign packet as designed, with the right reason for every packet that is not
 * sent, and XDP leaves the right ones to tc. The test runs on the host plane.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include "host/host_ways.h"
#include <cmocka.h>

/* The packet `in` is not sent, for this reason; tc counts it, and XDP only if there is no tc plane */
static void passes(__u32 ifindex, __u32 id, enum direction direction, enum reason reason)
{
	struct total before = way_total(id, direction, PLANE_TC), after;
	__u64 reasons = way_reason(id, direction, PLANE_TC, reason);
	struct total xdp = way_total(id, direction, PLANE_XDP);
	struct ran r = send_in(PLANE_XDP, ifindex);

	assert_int_equal(r.verdict, HOST_PASS);
	assert_false(r.touched);
	after = way_total(id, direction, PLANE_XDP);
	assert_memory_equal(&xdp, &after, sizeof(xdp));
	r = send_in(PLANE_TC, ifindex);
	assert_int_equal(r.verdict, HOST_PASS);
	assert_false(r.touched);
	after = way_total(id, direction, PLANE_TC);
	assert_int_equal(total_received(&after), total_received(&before) + 1);
	assert_int_equal(after.forwarded, before.forwarded);
	assert_int_equal(after.bytes, before.bytes);
	assert_int_equal(way_reason(id, direction, PLANE_TC, reason), reasons + 1);
	assert_true(ways_sums_hold());
}

static void way_passes(const struct way *w, enum reason reason)
{
	passes(w->in, w->id, w->direction, reason);
}

/* foreign packets: not counted */
static void ignored(__u32 ifindex)
{
	struct total before[WORLD_SERVICES * 4];
	__u32 zero = 0;

	memcpy(before, bpf_map_lookup_elem(&totals, &zero), sizeof(before));
	for (int plane = PLANE_XDP; plane <= PLANE_TC; plane++) {
		struct ran r = send_in(plane, ifindex);

		assert_int_equal(r.verdict, HOST_PASS);
		assert_false(r.touched);
	}
	assert_memory_equal(before, bpf_map_lookup_elem(&totals, &zero), sizeof(before));
}

static void not_ours(void **state)
{
	for (size_t i = 0; i < WAYS; i++) {
		const struct way *w = &ways[i];
		bool original = w->direction == DIRECTION_ORIGINAL;

		way_comes(w, &in);
		in.dmac[5] ^= 0x40;
		ignored(w->in);
		memset(in.dmac, 0, ETH_ALEN);
		ignored(w->in);
		memset(in.dmac, 0xff, ETH_ALEN);
		ignored(w->in);
		way_comes(w, &in);
		*(original ? &in.dport : &in.sport) = 999;
		ignored(w->in);
		way_comes(w, &in);
		(original ? &in.dst : &in.src)->b[15] ^= 0x80;
		ignored(w->in);
		way_comes(w, &in);
		ignored(G0 + 1);
		if (original) {
			world_mac(in.dmac, X0, 1);
			ignored(X0);		/* a service of another link */
		}
		way_comes(w, &in);
		in.frag_off = 185;
		if (in.family == FAMILY_IPV4)
			ignored(w->in);
	}
}

static void reasons_of_headers(void **state)
{
	for (size_t i = 0; i < WAYS - 1; i++) {		/* the last one has no tc plane: see no_tc_plane */
		const struct way *w = &ways[i];

		way_comes(w, &in);
		in.ttl = 1;
		way_passes(w, PASS_hop_limit);
		in.ttl = 0;
		way_passes(w, PASS_hop_limit);
		way_comes(w, &in);
		in.udp_len = 1;
		way_passes(w, PASS_malformed);
		in.udp_len = -(int)in.payload - 1;
		way_passes(w, PASS_malformed);
		in.udp_len = 0;
		in.ip_len = 1;
		way_passes(w, PASS_malformed);
		way_comes(w, &in);
		in.payload = in.family == FAMILY_IPV4 ? 1473 : 1453;
		in.frag_off = 0x4000;
		way_passes(w, PASS_too_big);
		in.payload--;
		assert_int_equal(send_primed(PLANE_XDP, w->in).verdict, HOST_SENT);
		in.udp_len = -1;			/* a trailer behind the datagram is allowed */
		assert_int_equal(send_in(PLANE_XDP, w->in).verdict, HOST_SENT);
		way_comes(w, &in);
		in.frag_off = 0x2000;
		in.udp_len = 1000;
		in.id = i;			/* ways share addresses */
		if (in.family == FAMILY_IPV4)
			assert_int_equal(send_primed(PLANE_XDP, w->in).verdict, HOST_SENT);
	}
}

static void martians(void **state)
{
	static const struct { const char *first, *last; } bad[] = {
		{ "0.0.0.0", "0.255.255.255" }, { "127.0.0.0", "127.255.255.255" }, { "224.0.0.0", "255.255.255.255" },
	};
	static const char *const bad6[] = { "::", "::1", "::ffff:1.2.3.4", "::1.2.3.4", "fe80::1", "febf:ffff::1", "ff02::1",
					    "ff00::", "ffff::" };
	static const char *const good6[] = { "fd00::1", "fec0::1", "fe7f::1", "64:ff9b::1.2.3.4", "0:0:0:1::1", "7f00::1",
					     "e000::1" };
	const struct way *w = way_named("dnat ipv4");

	way_comes(w, &in);
	for (__u64 a = 0; a < 1ULL << 32; a += 0x10001 * 61) {
		__u64 martian = way_reason(w->id, w->direction, PLANE_TC, PASS_martian), is;
		bool expected = false;

		for (int i = 0; i < 3; i++)
			expected |= a >= ntohl(world_addr(bad[i].first).w[3]) && a <= ntohl(world_addr(bad[i].last).w[3]);
		in.src.w[3] = htonl(a);
		send_in(PLANE_TC, w->in);
		is = way_reason(w->id, w->direction, PLANE_TC, PASS_martian) - martian;
		assert_int_equal(is, expected);
	}
	w = way_named("direct ipv6");
	way_comes(w, &in);
	for (size_t i = 0; i < sizeof(bad6) / sizeof(bad6[0]); i++) {
		in.src = world_addr(bad6[i]);
		way_passes(w, PASS_martian);
	}
	for (size_t i = 0; i < sizeof(good6) / sizeof(good6[0]); i++) {
		in.src = world_addr(good6[i]);
		assert_int_equal(send_in(PLANE_TC, w->in).verdict, HOST_SENT);
	}
	w = way_named("dnat ipv4, reply");
	way_comes(w, &in);
	in.dst = world_addr("239.1.2.3");
	way_passes(w, PASS_martian);
}

/* A packet for another service, 3 to 6 of the scene, by port */
static void other_service(__u16 port)
{
	way_comes(way_named("dnat ipv4"), &in);
	in.dport = port;
}

static void reasons_of_ways(void **state)
{
	way_comes(way_named("dnat ipv4"), &in);
	in.src = world_addr("192.168.1.77");
	passes(W0, 0, DIRECTION_ORIGINAL, PASS_source);
	in.src = world_addr("203.0.113.1");
	passes(W0, 0, DIRECTION_ORIGINAL, PASS_source);
	way_comes(way_named("direct ipv6"), &in);
	in.src = world_addr("2001:db8:2::77");
	passes(W0, 0, DIRECTION_ORIGINAL, PASS_source);

	way_comes(way_named("dnat ipv4, reply"), &in);
	world_mac(in.dmac, M0, 1);
	passes(M0, 0, DIRECTION_REPLY, PASS_wrong_link);
	world_mac(in.dmac, W0, 1);
	passes(W0, 0, DIRECTION_REPLY, PASS_wrong_link);
	world_mac(in.dmac, L0, 1);
	in.dst = world_addr("203.0.113.1");
	passes(L0, 0, DIRECTION_REPLY, PASS_local);
	in.dst = world_addr("192.168.9.1");
	passes(L0, 0, DIRECTION_REPLY, PASS_no_route);
	in.dst = world_addr("192.168.2.77");		/* a LAN host is no client */
	passes(L0, 0, DIRECTION_REPLY, PASS_no_listener);
	in.dst = world_addr("192.168.1.99");
	passes(L0, 0, DIRECTION_REPLY, PASS_no_listener);
	way_comes(way_named("direct ipv6, reply"), &in);
	in.dst = world_addr("2001:db8:77::1");
	passes(L0, 0, DIRECTION_REPLY, PASS_unknown_egress);

	other_service(55000);
	passes(W0, 6, DIRECTION_ORIGINAL, PASS_no_route);
	host_routes[7].answer = BPF_FIB_LKUP_RET_FWD_DISABLED;
	passes(W0, 6, DIRECTION_ORIGINAL, PASS_forwarding_off);
	host_routes[7].answer = BPF_FIB_LKUP_RET_UNREACHABLE;
	passes(W0, 6, DIRECTION_ORIGINAL, PASS_no_route);
	host_routes[7].answer = BPF_FIB_LKUP_RET_PROHIBIT;
	passes(W0, 6, DIRECTION_ORIGINAL, PASS_no_route);
}

/* XDP leaves packets that it cannot send to tc, and changes nothing */
static void tc_takes(const char *what, __u32 id, __u32 egress, bool by_neighbour)
{
	struct total before = way_total(id, DIRECTION_ORIGINAL, PLANE_XDP), after;
	struct ran r = send_primed(PLANE_XDP, W0);

	assert_int_equal(r.verdict, HOST_PASS);
	assert_false(r.touched);
	after = way_total(id, DIRECTION_ORIGINAL, PLANE_XDP);
	assert_memory_equal(&before, &after, sizeof(after));
	before = way_total(id, DIRECTION_ORIGINAL, PLANE_TC);
	r = send_primed(PLANE_TC, W0);
	if (r.verdict != HOST_SENT || r.packet.egress != egress || r.packet.by_neighbour != by_neighbour)
		fail_msg("%s: verdict %d, egress %u", what, r.verdict, r.packet.egress);
	after = way_total(id, DIRECTION_ORIGINAL, PLANE_TC);
	assert_int_equal(after.forwarded, before.forwarded + 2);
}

/* Only the link's MTU and a locked one count: a stranger can forge the ICMP error that teaches the kernel another MTU */
static void forged_mtu(void **state)
{
	__u32 flags = world_control()->flags;

	for (size_t i = 0; i < WAYS - 1; i++) {
		const struct way *w = &ways[i];

		way_comes(w, &in);
		in.payload = 1400;
		for (__u32 r = 0; r < host_n_routes; r++)
			host_routes[r].mtu -= 500;
		for (__u32 lowest = 0; lowest <= 1200; lowest += 1200) {	/* forged: at most 1000 */
			world_control()->flags = lowest << CONTROL_MTU_SHIFT;
			world_control()->generation++;
			assert_int_equal(send_primed(PLANE_XDP, w->in).verdict, HOST_SENT);
		}
		world_control()->flags = flags;
		world_control()->generation++;
		assert_int_not_equal(send_in(PLANE_XDP, w->in).verdict, HOST_SENT);
		for (__u32 r = 0; r < host_n_routes; r++)
			host_routes[r].mtu += 500;
		world_control()->generation++;
	}
}

static void left_to_tc(void **state)
{
	other_service(54000);
	tc_takes("no neighbour", 5, L0, true);
	in.payload = 1473;
	in.frag_off = 0x4000;
	passes(W0, 5, DIRECTION_ORIGINAL, PASS_too_big);
	other_service(52000);
	tc_takes("no XDP transmit", 3, M0, false);
	in.payload = 1300;
	in.frag_off = 0x4000;
	passes(W0, 3, DIRECTION_ORIGINAL, PASS_too_big);
	other_service(53000);
	tc_takes("an L3 device", 4, T0, false);
	way_comes(way_named("dnat ipv4"), &in);
	in.checksum = PARTIAL;
	tc_takes("a partial checksum", 0, L0, false);
}

/* Without a tc plane, XDP counts the packets that it passes, and does not ask tc for help */
static void no_tc_plane(void **state)
{
	const struct way *w = way_named("generic");
	struct total before, after;

	way_comes(w, &in);
	assert_int_equal(send_in(PLANE_XDP, w->in).verdict, HOST_SENT);
	in.ttl = 1;
	before = way_total(w->id, w->direction, PLANE_XDP);
	assert_int_equal(send_in(PLANE_XDP, w->in).verdict, HOST_PASS);
	after = way_total(w->id, w->direction, PLANE_XDP);
	assert_int_equal(total_received(&after), total_received(&before) + 1);
	assert_int_equal(way_reason(w->id, w->direction, PLANE_XDP, PASS_hop_limit), 1);
	assert_true(ways_sums_hold());
}

static void send_failure(void **state)
{
	const struct way *w = way_named("dnat ipv4");

	host_send_fails = true;
	way_comes(w, &in);
	send_in(PLANE_XDP, w->in);
	assert_int_equal(send_in(PLANE_XDP, w->in).verdict, HOST_DROP);
	assert_int_equal(way_reason(w->id, w->direction, PLANE_XDP, DROP_send_failed), 1);
	assert_int_equal(way_total(w->id, w->direction, PLANE_XDP).forwarded, 0);
	assert_true(ways_sums_hold());
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_begin, scene_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(not_ours), TEST(reasons_of_headers), TEST(martians), TEST(reasons_of_ways), TEST(forged_mtu), TEST(left_to_tc),
		TEST(no_tc_plane), TEST(send_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
