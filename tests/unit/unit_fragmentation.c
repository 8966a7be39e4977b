/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Fragments of random packets, with any options and MTU, fit the MTU, have right headers, and reassemble to the whole
 * packet as it would have left. The test runs on the host plane, under ASan and UBSan. Some packets are fragments
 * already. Reassembled, they are the whole packet as it would have left. If the MTU allows, there are as few as
 * possible.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include "host/host_ways.h"
#include <cmocka.h>

static struct {
	__u8 whole[70000];		/* bytes behind the IP header */
	__u32 len, mtu, n, egress;
	__u8 header[60];		/* header of the first fragment */
	bool last, others;		/* a fragment said that none follows; a fragment had another header than the first */
} got;

static const char *const way_names[] = {
	"dnat ipv4", "dnat ipv4, reply", "other port", "other port, reply", "none ipv4", "none ipv4, reply",
};

static int set_up(void **state)
{
	scene_setup();
	return 0;
}

static int tear_down(void **state)
{
	host_cloned = NULL;
	world_clear();
	return 0;
}

static __u32 random32(void)
{
	static __u64 state = 0x123456789;

	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return state >> 33 ^ state >> 12;
}

static void check_fragment(const __u8 *frame, __u32 len, __u32 egress)
{
	const __u8 *ip = frame + ETH_HLEN;
	__u32 header = (ip[0] & 15) * 4, total = get16(ip + 2), at = (get16(ip + 6) & 0x1fff) * 8;

	assert_int_equal(len, ETH_HLEN + total);
	assert_true(total <= got.mtu);
	assert_int_equal(frame_fold(frame_sum(ip, header)), 0xffff);
	assert_false(got.last);
	if (!got.n++) {
		memcpy(got.header, ip, header);
		got.len = at;
	}
	assert_int_equal(at, got.len);
	got.last = !(ip[6] & 0x20);
	assert_true(got.last || (total - header) % 8 == 0);
	got.others |= memcmp(ip, got.header, 2) || memcmp(ip + 4, got.header + 4, 2) || memcmp(ip + 8, got.header + 8, 2) ||
		      memcmp(ip + 12, got.header + 12, 8);
	memcpy(got.whole + at, ip + header, total - header);
	got.len += total - header;
	got.egress = egress;
}

static void cloned(const struct host_packet *packet, __u32 egress)
{
	check_fragment(packet->data, packet->len, egress);
}

/* Runs the packet in came; returns the verdict */
static int run_packet(const struct way *w, __u32 len, __u32 mtu)
{
	struct host_packet packet = { .len = len, .linear = random32() % (len + 1) };
	__u8 *memory = malloc(len + 2);
	int verdict;

	for (__u32 i = 0; i < host_n_routes; i++)
		host_routes[i].mtu = mtu;
	world_control()->generation++;
	memset(&got, 0, sizeof(got));
	got.mtu = mtu;
	packet.data = memory + 2;
	memcpy(packet.data, came, len);
	host_cloned = cloned;
	verdict = world_run(PLANE_TC, w->in, &packet);
	if (verdict == HOST_SENT) {
		check_fragment(packet.data, packet.len, packet.egress);
		assert_int_equal(packet.egress, w->out);
	}
	free(memory);
	return verdict;
}

static void options(struct frame *f)
{
	__u32 n = random32() % 11 * 4;

	for (__u32 at = 0; at < n;) {
		__u32 len = random32() % 3 ? 2 + random32() % 9 : 1;

		if (len > n - at)
			len = 1;
		f->extra[at] = len == 1 ? 1 : (__u8[]){ 7, 68, 148, 130 }[random32() % 4];
		if (len > 1)
			f->extra[at + 1] = len;
		at += len;
	}
	f->n_extra = n;
}

static void random_packets(void **state)
{
	unsigned int n_fragmented = 0, n_fragments = 0;

	for (int i = 0; i < 60000; i++) {
		const struct way *w = way_named(way_names[i % 6]);
		__u32 mtu = i % 3 ? 68 + random32() % 1500 : 68 + random32() % 40, len, header, sent_len, least;

		way_comes(w, &in);
		in.payload = i % 50 ? random32() % 4000 : random32() % 15900;
		in.id = i;
		in.tos = random32();
		in.ttl = 2 + random32() % 254;
		in.seed = random32();
		options(&in);
		if (random32() % 4 == 0) {		/* a first fragment */
			in.frag_off = 0x2000;
			in.payload = in.payload / 8 * 8;
		}
		header = 20 + in.n_extra;
		len = frame_build(&in, came);
		way_leaves(w, &in, &out);
		sent_len = frame_build(&out, want);
		assert_int_equal(run_packet(w, len, mtu), HOST_SENT);
		assert_int_equal(got.last, !in.frag_off);
		assert_false(got.others);
		assert_int_equal(got.len, sent_len - ETH_HLEN - header);
		assert_memory_equal(got.whole, want + ETH_HLEN + header, got.len);
		least = len - ETH_HLEN <= mtu ? 1 : (got.len + (mtu - header) / 8 * 8 - 1) / ((mtu - header) / 8 * 8);
		assert_int_equal(got.n, least);
		n_fragmented += got.n > 1;
		n_fragments += got.n;
	}
	assert_true(n_fragmented > 30000);
	assert_true(ways_sums_hold());
	print_message("%u packets fragmented, %u fragments\n", n_fragmented, n_fragments);
}

/* Packets that must not be fragmented go up unchanged, and count as too long */
static void left_alone(void **state)
{
	const struct way *w = way_named("dnat ipv4");
	__u64 before = way_reason(w->id, w->direction, PLANE_TC, PASS_too_big);

	for (int i = 0; i < 4; i++) {
		way_comes(w, &in);
		in.payload = i == 2 ? 15993 : 2000;
		in.frag_off = i == 0 ? 0x4000 : 0;
		in.checksum = i == 1 ? PARTIAL : FULL;
		assert_int_equal(run_packet(w, frame_build(&in, came), i == 3 ? 27 : 1400), HOST_PASS);
		assert_int_equal(got.n, 0);
	}
	assert_int_equal(way_reason(w->id, w->direction, PLANE_TC, PASS_too_big), before + 4);
	way_comes(w, &in);
	in.payload = 15992;
	assert_int_equal(run_packet(w, frame_build(&in, came), 1400), HOST_SENT);
	assert_int_equal(got.n, 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(random_packets, set_up, tear_down),
		cmocka_unit_test_setup_teardown(left_alone, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
