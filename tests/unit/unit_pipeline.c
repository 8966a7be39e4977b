// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The data path reads no byte outside of a truncated packet, and its checksums of random packets are as computed in
 * full. The test runs on the host plane, under ASan and UBSan, with every truncation of every shape in buffers of
 * exactly their size.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include "few.h"
#include "host/host_ways.h"
#include <cmocka.h>

static const enum plane planes[] = { PLANE_XDP, PLANE_TC };

static int set_up(void **state)
{
	scene_setup();
	return 0;
}

static int tear_down(void **state)
{
	world_clear();
	return ways_sums_hold() ? 0 : -1;
}

/* From now on no packet on this way goes through the kernel */
static void prime(const struct way *w)
{
	struct frame f;
	__u8 buf[256];
	__u32 len;

	way_comes(w, &f);
	len = frame_build(&f, buf);
	for (int i = 0; i < 2; i++)
		way_run(planes[i], w->in, buf, len, len, NULL);
}

/* ---- every truncation ---- */

enum { EXTRAS = 5, PAYLOADS = 5 };

/* Options or extension headers: none, short, chained, long, unknown */
static void shape_extra(struct frame *f, int extra)
{
	static const __u8 options[EXTRAS][41] = {
		"", "\001\001\001", "\224\004\000\000\007\007\004\000\000\000\000", 
		"\104\050\005\000", "\203\007\004\000\000\000\000",
	};
	static const __u32 n4[EXTRAS] = { 0, 4, 12, 40, 8 }, n6[EXTRAS] = { 0, 8, 40, 1024, 8 };
	static const __u8 chain[40] = { IPPROTO_DSTOPTS, 0, 1, 4, 0, 0, 0, 0, IPPROTO_ROUTING, 1, 1, 12, [16] = IPPROTO_FRAGMENT,
					0, 4, 0, [24] = IPPROTO_DSTOPTS, 0, 0, 0, [32] = IPPROTO_UDP, 0, 1, 4 };

	f->n_extra = f->family == FAMILY_IPV4 ? n4[extra] : n6[extra];
	if (f->family == FAMILY_IPV4) {
		memcpy(f->extra, options[extra], f->n_extra);
		return;
	}
	f->first = IPPROTO_HOPOPTS;
	if (extra == 2)
		memcpy(f->extra, chain, sizeof(chain));
	else if (extra)
		memcpy(f->extra, (__u8[]){ IPPROTO_UDP, f->n_extra / 8 - 1, 1, 4 }, 4);
	if (extra == 4)
		f->extra[0] = IPPROTO_TCP;
}

/* Truncated anywhere, it stays unchanged, and is not sent if a byte of its IP packet is missing */
static unsigned int run_truncated(const struct way *w, enum plane plane, const __u8 *frame, __u32 len, __u32 whole)
{
	unsigned int n = 0;

	for (__u32 l = 0; l <= len; l++) {
		__u32 step = len < 200 ? 1 : 61;

		for (__u32 linear = l % step; linear <= l; linear += step, n++) {
			struct ran r = way_run(plane, w->in, frame, l, linear, NULL);

			if (r.verdict == HOST_DROP || (r.verdict == HOST_SENT && l < whole) ||
			    (r.verdict != HOST_SENT && (r.touched || r.packet.egress)))
				fail_msg("%s, plane %d, %u of %u bytes, %u in reach: verdict %d, %s", w->name, plane, l, len,
					 linear, r.verdict, r.touched ? "touched" : "untouched");
		}
	}
	return n;
}

/* Makes `in` a fragment: IPv4's word, or the fragment header's in shape 2, otherwise nothing */
static bool shape_fragment(__u8 *frame, __u16 id, __u16 offset, bool more)
{
	if (in.family == FAMILY_IPV4) {
		in.id = id;
		in.frag_off = offset >> 3 | more << 13;
		frame_build(&in, frame);
		return true;
	}
	put16(frame + ETH_HLEN + 40 + 18, offset | more);
	put16(frame + ETH_HLEN + 40 + 20, id);
	return in.n_extra == 40;
}

static void truncations(void **state)
{
	static const __u32 payloads[PAYLOADS] = { 0, 1, 32, 148, 1400 };
	unsigned int n = 0;

	for (size_t i = 0; i < WAYS * EXTRAS * PAYLOADS; i++) {
		const struct way *w = &ways[i / EXTRAS / PAYLOADS];
		__u32 len;

		if (!(i % (EXTRAS * PAYLOADS)))
			prime(w);
		if (takes_few() && i % 4)
			continue;
		way_comes(w, &in);
		in.payload = payloads[i % PAYLOADS];
		in.padding = i % 3 ? 0 : 7;
		shape_extra(&in, i / PAYLOADS % EXTRAS);
		if (in.payload > 200 && in.n_extra > 100)
			continue;
		len = frame_build(&in, came);
		for (int p = 0; p < 2; p++)
			n += run_truncated(w, planes[p], came, len, len - in.padding);
		for (int p = 0; p < 4 && shape_fragment(came, i + 1, p / 2 * 1600, p < 2); p++)
			n += run_truncated(w, planes[p & 1], came, len, len - in.padding);
	}
	assert_true(ways_sums_hold());
	print_message("%u truncated packets\n", n);
}

/* ---- random packets ---- */

static __u32 random32(void)
{
	static __u64 state = 0x123456789abcdef;

	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return state >> 33 ^ state >> 12;
}

static void random_client(const struct way *w, struct addr *client)
{
	struct host_route *r;

	do {
		if (world_family(w->client) == FAMILY_IPV4)
			client->w[3] = random32();
		else
			for (int i = 0; i < 4; i++)
				client->w[i] = random32();
		client->b[world_family(w->client) == FAMILY_IPV4 ? 12 : 0] = 0x2a;	/* 42.0.0.0/8, 2a00::/8: by default */
		for (r = host_routes; r->src_mask.w[3] || !host_covers(&r->dst, &r->mask, client); r++)
			;
	} while (r->ifindex != W0);
}

static void random_frame(const struct way *w)
{
	way_comes(w, &in);
	if (strcmp(w->name, "reply on link"))
		random_client(w, w->direction == DIRECTION_ORIGINAL ? &in.src : &in.dst);
	in.ttl = 2 + random32() % 254;
	in.tos = random32();
	in.flow = random32() & 0xfffff;
	in.id = random32();
	in.frag_off = random32() % 2 ? 0x4000 : 0;
	in.payload = random32() % 8 ? random32() % 160 : random32() % 1240;
	in.padding = random32() % 4 ? 0 : random32() % 20;
	in.checksum = random32() % 5 ? FULL : ZERO;
	in.seed = random32();
	if (random32() % 4 == 0)
		shape_extra(&in, random32() % 3);
	if (w->direction == DIRECTION_ORIGINAL && !w->id)
		in.sport = random32();
	else if (!w->id)
		in.dport = random32();
}

/* Whether the UDP checksum is that of the pseudo header alone, like one full checksum in 65,536: XDP leaves it to tc */
static bool looks_partial(const __u8 *frame)
{
	static __u8 other[4096];
	__u32 udp = ETH_HLEN + (in.family == FAMILY_IPV4 ? 20 : 40) + in.n_extra;
	enum frame_checksum checksum = in.checksum;

	in.checksum = PARTIAL;
	frame_build(&in, other);
	in.checksum = checksum;
	return checksum != ZERO && !memcmp(frame + udp + 6, other + udp + 6, 2);
}

static void random_packets(void **state)
{
	__u64 bytes[2] = { 0 };
	unsigned int n = 0;

	for (; n < 120000; n++) {
		const struct way *w = &ways[n % WAYS];
		enum plane plane = planes[n / WAYS & 1];
		struct total before = way_total(w->id, w->direction, plane), after;
		struct ran r;
		__u32 len, linear;

		host_jiffies += random32() % 8;
		random_frame(w);
		if (plane == PLANE_XDP && n % 17 == 0)
			in.checksum = PARTIAL;
		way_leaves(w, &in, &out);
		len = frame_build(&in, came);
		assert_int_equal(frame_build(&out, want), len);
		linear = random32() % 8 ? len : ETH_HLEN + 48 + in.n_extra;
		linear = linear < len ? linear : len;
		r = way_run(plane, w->in, came, len, linear, left);
		if (plane == PLANE_XDP && r.verdict == HOST_PASS && !r.touched)
			r = way_run(plane, w->in, came, len, linear, left);	/* it had to go through the kernel */
		if (plane == PLANE_XDP && looks_partial(came)) {
			assert_true(r.verdict == HOST_PASS && !r.touched);
			continue;
		}
		if (r.packet.by_neighbour)
			memcpy(want, came, 12);
		if (r.verdict != HOST_SENT)
			fail_msg("%s, packet %u, plane %d: not sent; extra %u, linear %u of %u", w->name, n, plane, in.n_extra,
				 linear, len);
		assert_memory_equal(left, want, len);
		assert_int_equal(r.packet.egress, w->out);
		after = way_total(w->id, w->direction, plane);
		assert_int_equal(total_received(&after) - total_received(&before), 1);
		assert_int_equal(after.forwarded - before.forwarded, 1);
		assert_int_equal(after.bytes - before.bytes, len - ETH_HLEN - in.padding);
		bytes[plane] += len;
	}
	assert_true(ways_sums_hold());
	print_message("%u random packets, %llu + %llu bytes\n", n, bytes[0], bytes[1]);
}

/* A wrong checksum stays wrong by as much, and never becomes 0, which says that there is none */
static void checksums_kept(void **state)
{
	for (size_t i = 0; i < WAYS; i++) {
		const struct way *w = &ways[i];
		__u32 len, udp;

		prime(w);
		way_comes(w, &in);
		way_leaves(w, &in, &out);
		udp = ETH_HLEN + (in.family == FAMILY_IPV4 ? 20 : 40);
		for (__u32 check = 1; check < 0x10000; check += i ? 997 : 1) {
			__u32 right, sum;

			len = frame_build(&in, came);
			frame_build(&out, want);
			right = came[udp + 6] << 8 | came[udp + 7];
			sum = (want[udp + 6] << 8 | want[udp + 7]) + check + (0xffff - right);
			put16(came + udp + 6, check);
			put16(want + udp + 6, frame_fold(sum));
			assert_int_equal(way_run(PLANE_TC, w->in, came, len, len, left).verdict, HOST_SENT);
			assert_memory_equal(left, want, len);
		}
	}
}

/* A packet that comes in while another one is on its way on this CPU goes up as it came. The next one
 * is forwarded again. */
static void within_a_run(void **state)
{
	for (int i = 0; i < 2; i++) {
		const struct way *w = &ways[0];
		struct host_packet packet = { 0 };
		__u8 buf[256], came[256];
		struct frame f;

		prime(w);
		way_comes(w, &f);
		packet.len = packet.linear = frame_build(&f, buf + 2);
		packet.data = buf + 2;
		memcpy(came, buf + 2, packet.len);
		state_find()->busy = true;
		assert_int_equal(path_pipeline(&packet, planes[i], w->in, false), HOST_PASS);
		assert_memory_equal(packet.data, came, packet.len);
		assert_true(state_find()->busy);	/* the run that it came into has not ended */
		state_find()->busy = false;
		assert_int_equal(path_pipeline(&packet, planes[i], w->in, false), HOST_SENT);
		assert_false(state_find()->busy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(truncations, set_up, tear_down),
		cmocka_unit_test_setup_teardown(random_packets, set_up, tear_down),
		cmocka_unit_test_setup_teardown(checksums_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(within_a_run, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
