// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The data path's ICMP errors are right for every truncated, random or damaged packet and quote, with checksums as
 * computed in full. The test runs on the host plane, under ASan and UBSan. The cases: every truncation in buffers of
 * exactly their size, random ones against frames whose checksums were computed in full, and random bytes changed in
 * headers and quotes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include "host/host_icmp.h"
#include <cmocka.h>

static const enum plane planes[] = { PLANE_XDP, PLANE_TC };
static struct error e, gone;

static __u32 random32(void)
{
	static __u64 state = 0x987654321;

	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return state >> 33 ^ state >> 12;
}

/* From now on no error on this way goes through the kernel */
static void prime(const struct way *w)
{
	__u32 len;

	error_comes(w, &e);
	len = error_build(&e, came);
	for (int i = 0; i < 4; i++)
		way_run(planes[i / 2], w->in, came, len, len, NULL);
}

static unsigned int run_truncated(const struct way *w, enum plane plane, __u32 len)
{
	unsigned int n = 0;

	for (__u32 l = 0; l <= len; l++)
		for (__u32 linear = l % 3; linear <= l; linear += 3, n++) {
			struct ran r = way_run(plane, w->in, came, l, linear, NULL);

			if (r.verdict == HOST_DROP || (r.verdict == HOST_SENT && l < len - e.padding) ||
			    (r.verdict != HOST_SENT && (r.touched || r.packet.egress)))
				fail_msg("%s, plane %d, %u of %u bytes, %u in reach: verdict %d, %s", w->name, plane, l, len,
					 linear, r.verdict, r.touched ? "touched" : "untouched");
		}
	return n;
}

static void truncations(void **state)
{
	static const __u32 keeps[] = { ~0, 28, 48, 60 };
	unsigned int n = 0;

	for (size_t i = 0; i < WAYS * 4; i++) {
		const struct way *w = &ways[i / 4];

		prime(w);
		error_comes(w, &e);
		e.keep = keeps[i % 4];
		e.padding = i % 2 * 7;
		if (e.about.family == FAMILY_IPV4 && i % 4 == 3) {
			e.about.n_extra = 40;
			memset(e.about.extra, 1, 40);
			e.keep = 68;
		}
		for (int p = 0; p < 2; p++)
			n += run_truncated(w, planes[p], error_build(&e, came));
	}
	assert_true(ways_sums_hold());
	print_message("%u truncated errors\n", n);
}

static void random_error(const struct way *w)
{
	static const __u8 types4[] = { 3, 11, 12 };
	__u32 least;

	error_comes(w, &e);
	e.type = e.about.family == FAMILY_IPV4 ? types4[random32() % 3] : 1 + random32() % 4;
	e.code = random32();
	e.ttl = 2 + random32() % 254;
	e.about.ttl = random32();
	e.about.tos = random32();
	e.about.id = random32();
	e.about.payload = random32() % 8 ? random32() % 100 : random32() % 1150;
	e.about.checksum = random32() % 4;
	if (e.about.checksum == PARTIAL || e.about.checksum == WRONG)
		e.about.checksum = FULL;
	e.about.seed = random32();
	if (e.about.family == FAMILY_IPV4 && random32() % 4 == 0) {
		e.about.n_extra = random32() % 11 * 4;
		memset(e.about.extra, random32(), e.about.n_extra);
	}
	least = (e.about.family == FAMILY_IPV4 ? 28 : 48) + e.about.n_extra;
	if (random32() % 2)
		e.keep = least + random32() % 100;
	e.padding = random32() % 4 ? 0 : random32() % 20;
}

static void random_errors(void **state)
{
	unsigned int n = 0;

	for (; n < 60000; n++) {
		const struct way *w = &ways[n % WAYS];
		enum plane plane = planes[n / WAYS & 1];
		struct total before = way_total(w->id, w->direction, plane), after;
		struct ran r;
		__u32 len;

		host_jiffies += random32() % 8;
		random_error(w);
		error_leaves(w, &e, &gone);
		len = error_build(&e, came);
		assert_int_equal(error_build(&gone, want), len);
		r = way_run(plane, w->in, came, len, random32() % 2 ? len : 62, left);
		if (plane == PLANE_XDP && r.verdict == HOST_PASS && !r.touched)
			r = way_run(plane, w->in, came, len, len, left);
		if (r.verdict != HOST_SENT)
			fail_msg("%s, error %u, plane %d: not sent", w->name, n, plane);
		if (r.packet.by_neighbour)
			memcpy(want, came, 12);
		assert_memory_equal(left, want, len);
		assert_int_equal(r.packet.egress, w->out);
		after = way_total(w->id, w->direction, plane);
		assert_int_equal(total_received(&after) - total_received(&before), 1);
		assert_int_equal(after.forwarded - before.forwarded, 1);
		assert_int_equal(after.bytes - before.bytes, len - ETH_HLEN - e.padding);
	}
	assert_true(ways_sums_hold());
	print_message("%u random errors\n", n);
}

/* Returns the message's checksum; 0xffff if it is right */
static __u16 message_sum(const __u8 *frame, __u32 len)
{
	bool ipv4 = frame[12] == 8;
	__u32 at = ETH_HLEN + (ipv4 ? (frame[ETH_HLEN] & 15) * 4 : 40), sum = 0;

	if (!ipv4)
		sum = frame_fold(frame_sum(frame + ETH_HLEN + 8, 32)) + IPPROTO_ICMPV6 + len - at;
	return frame_fold(sum + frame_fold(frame_sum(frame + at, len - at)));
}

/* Any changed byte: the packet stays unchanged or leaves with an equally right checksum. An error about foreign
 * packets is never changed */
static void changed_bytes(void **state)
{
	unsigned int sent = 0;

	for (unsigned int n = 0; n < 200000; n++) {
		const struct way *w = &ways[n % WAYS];
		enum plane plane = planes[n / WAYS & 1];
		struct ran r;
		__u32 len;

		random_error(w);
		e.padding = 0;
		len = error_build(&e, came);
		for (__u32 i = 0; i <= random32() % 3; i++)
			came[ETH_HLEN + random32() % (len - ETH_HLEN)] = random32();
		r = way_run(plane, w->in, came, len, len, left);
		assert_true(r.verdict != HOST_DROP);
		assert_true(r.verdict == HOST_SENT || !r.touched);
		sent += r.verdict == HOST_SENT;
		if (r.verdict == HOST_SENT && came[12] == 8 && (came[16] << 8 | came[17]) == (int)len - ETH_HLEN)
			assert_int_equal(message_sum(left, len), message_sum(came, len));
	}
	assert_true(ways_sums_hold());
	assert_true(sent > 1000);
}

/* An ICMP error is no client and makes no choice */
static void no_choice(void **state)
{
	const struct way *w = way_named("other port");
	__u32 len;

	error_comes(w, &e);
	len = error_build(&e, came);
	for (int i = 0; i < 4; i++)
		way_run(planes[i / 2], w->in, came, len, len, NULL);
	assert_int_equal(learned_there(&choices), 0);
}

/* A rewritten packet that cannot be sent is dropped and counted */
static void send_failure(void **state)
{
	const struct way *w = way_named("dnat ipv4");
	__u32 len;

	prime(w);
	host_send_fails = true;
	error_comes(w, &e);
	len = error_build(&e, came);
	assert_int_equal(way_run(PLANE_TC, w->in, came, len, len, NULL).verdict, HOST_DROP);
	assert_int_equal(way_reason(w->id, w->direction, PLANE_TC, DROP_send_failed), 1);
	assert_true(ways_sums_hold());
}

/* ---- our own ICMP errors ---- */

static bool allows(const char *source)
{
	struct pkt_state *s = state_find();

	s->src = world_addr(source);
	s->family = world_family(source);
	return source_may_get_error(s);
}

/* Headers in front of a random quote: lengths and checksums are right, and the addresses are swapped */
static void heads(void **state)
{
	for (int i = 0; i < 20000; i++) {
		bool ipv4 = i & 1;
		__u32 mtu = i & 2 ? 0 : 1000 + random32() % 9000, n = 28 + random32() % 520, head = ipv4 ? 28 : 48, sum;
		__u8 *frame = left + 2, *message = frame + ETH_HLEN + head - 8, *quote = message + 8;

		put16(frame + 12, ipv4 ? ETH_P_IP : ETH_P_IPV6);
		for (__u32 j = 0; j < n; j++)
			quote[j] = random32() >> 8;
		sum = htons(frame_fold(frame_sum(quote, n)));
		if (ipv4)
			icmp_error_head4((struct icmp_error4 *)(frame + ETH_HLEN), (struct iphdr *)quote, mtu, n, sum, random32());
		else
			icmp_error_head6((struct icmp_error6 *)(frame + ETH_HLEN), (struct ipv6hdr *)quote, mtu, n, sum);
		assert_int_equal(message_sum(frame, ETH_HLEN + head + n), 0xffff);
		assert_int_equal(message[0], ipv4 ? mtu ? 3 : 11 : mtu ? 2 : 3);
		assert_int_equal(message[1], ipv4 && mtu ? 4 : 0);
		assert_int_equal(message[6] << 8 | message[7], mtu && !ipv4 && mtu < 1280 ? 1280 : mtu);
		if (ipv4) {
			assert_int_equal(frame_fold(frame_sum(frame + ETH_HLEN, 20)), 0xffff);
			assert_int_equal(frame[ETH_HLEN + 2] << 8 | frame[ETH_HLEN + 3], head + n);
			assert_memory_equal(frame + ETH_HLEN + 12, quote + 16, 4);
			assert_memory_equal(frame + ETH_HLEN + 16, quote + 12, 4);
		} else {
			assert_int_equal(frame[ETH_HLEN + 4] << 8 | frame[ETH_HLEN + 5], 8 + n);
			assert_memory_equal(frame + ETH_HLEN + 8, quote + 24, 16);
			assert_memory_equal(frame + ETH_HLEN + 24, quote + 8, 16);
		}
	}
}

static __u32 count_allowed(const char *source, __u32 of)
{
	__u32 n = 0;

	while (of--)
		n += allows(source);
	return n;
}

/* Twenty at once, then ten a second. A /64 is one source, and each source has its own share */
static void limits(void **state)
{
	assert_int_equal(count_allowed("192.0.2.9", 100), 20);
	assert_int_equal(count_allowed("192.0.2.10", 100), 20);
	assert_int_equal(count_allowed("2001:db8:9::9", 100), 20);
	assert_int_equal(count_allowed("2001:db8:9::77:9", 100), 0);
	assert_int_equal(count_allowed("2001:db8:9:1::9", 5), 5);
	for (int i = 0; i < 30; i++) {
		host_jiffies += tick_rate / 10;
		assert_int_equal(count_allowed("192.0.2.9", 3), 1);
	}
	host_jiffies += tick_rate;
	assert_int_equal(count_allowed("192.0.2.9", 100), 10);
	host_jiffies += 100 * tick_rate;
	assert_int_equal(count_allowed("192.0.2.9", 100), 20);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_begin, scene_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(truncations), TEST(random_errors), TEST(changed_bytes), TEST(no_choice), TEST(send_failure), TEST(heads),
		TEST(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
