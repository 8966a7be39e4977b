// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The blind relay treats each message from each kind of sender as the design's table says, and remembers what the
 * table says. The test runs on the host plane under ASan and UBSan, on both planes, with each pair of outer families.
 * Forged handshakes of a pair displace no real handshake of the pair, and none of other pairs.
 */
#include "host/host_blind_try.h"

/* ---- type 1 ---- */

static void initiation_up_here(void)
{
	refuses(initiates(S, RELAY, 7), UP);
	refuses(initiates(D, RELAY, 7), UP);
	assert_int_equal(host_n_signals, 0);
	for (__u32 n = 1; n < 3; n++, host_jiffies++) {
		refuses(initiates(stranger, RELAY, 7), UP);
		refuses(initiates(stranger, RELAY, 8), UP);
		assert_int_equal(host_n_signals, n);
	}
	comes(stranger, tells(MESSAGE_INITIATION, RELAY, 7, 0));
	next_message[116]++;
	refuses(becomes(), -DROP_guard_mac1);
}
EVERYWHERE(initiation_up)

static void initiation_here(void)
{
	__u64 now = host_jiffies;
	__u32 place = total_place(S, D);
	const struct blind_total *total = bpf_map_lookup_elem(&blind_totals, &place);

	assert_int_equal(initiates(S, D, 0x1000), D);
	holds(D, 0x1000, S, in_seconds(10), INITIATED);
	assert_int_equal(n_live(&sessions), 1);
	assert_int_equal(n_live(&hints), 0);
	assert_int_equal(total->packets, 1);
	assert_int_equal(total->bytes, (family_of(S) == FAMILY_IPV4 ? 28 : 48) + 148);
	host_jiffies = now + 10 * tick_rate;
	refuses(responds(D, S, 1, 0x1000), -DROP_guard_mac1);
	assert_int_equal(initiates(S, D, 0x1000), D);
	host_jiffies = in_seconds(10) - 1;
	assert_int_equal(responds(D, S, 1, 0x1000), S);
	assert_int_equal(total->packets, 2);
}
EVERYWHERE(initiation)

static void initiation_refused_here(void)
{
	refuses(initiates(stranger, D, 1), -DROP_guard_mac1);
	refuses(initiates(S, S, 1), -DROP_guard_mac1);
	refuses(initiates(S, LONELY, 1), -DROP_guard_mac1);
	refuses(initiates(LONELY, S, 1), -DROP_guard_mac1);
	assert_int_equal(initiates(LONELY, SITE_B, 1), SITE_B);
	state_now()->sites = D;			/* the site numbers end before D */
	refuses(initiates(S, D, 1), -DROP_guard_mac1);
	state_now()->sites = SITES;
	for (__u32 i = 4; i < 148; i++) {
		comes(S, tells(MESSAGE_INITIATION, D, 0x1000, 0));
		next_message[i] ^= 1 << i % 8;
		if (i < 132)
			refuses(becomes(), -DROP_guard_mac1);
		else
			assert_int_equal(becomes(), D);		/* mac2 is between the two lengths */
	}
}
EVERYWHERE(initiation_refused)

/* ---- type 2 ---- */

static void response_here(void)
{
	__u64 now = host_jiffies;

	refuses(responds(D, S, 0x20, 0x10), -DROP_guard_mac1);
	assert_int_equal(initiates(S, D, 0x10), D);
	refuses(responds(D, RELAY, 0x20, 0x10), -DROP_guard_mac1);
	refuses(responds(D, D, 0x20, 0x10), -DROP_guard_mac1);
	refuses(responds(other, S, 0x20, 0x10), -DROP_guard_mac1);
	refuses(responds(stranger, S, 0x20, 0x10), -DROP_guard_mac1);
	for (__u32 i = 4; i < 76; i++) {
		comes(D, tells(MESSAGE_RESPONSE, S, 0x20, 0x10));
		next_message[i] ^= 1 << i % 8;
		refuses(becomes(), -DROP_guard_mac1);
	}
	assert_int_equal(responds(D, S, 0x20, 0x10), S);
	holds(D, 0x10, S, now + 190 * tick_rate, INITIATED | CONFIRMED);
	holds(S, 0x20, D, now + 190 * tick_rate, 0);
	assert_int_equal(n_live(&sessions), 2);
	assert_int_equal(value_in(&hints, 0, 0x10), BLIND_VALUE(in_seconds(190), D, CONFIRMED));
	assert_int_equal(value_in(&hints, 0, 0x20), 0);			/* S may not have it */
	refuses(responds(S, D, 0x30, 0x20), -DROP_blind_stranger);	/* from the response */
	host_jiffies = in_seconds(100);
	responds(D, S, 0x21, 0x10);
	responds(D, S, 0x20, 0x10);
	holds(D, 0x10, S, now + 190 * tick_rate, INITIATED | CONFIRMED);
	holds(S, 0x20, D, now + 190 * tick_rate, 0);
	host_jiffies = now + 190 * tick_rate;
	refuses(responds(D, S, 0x22, 0x10), -DROP_guard_mac1);
}
EVERYWHERE(response)

static void response_up_here(void)
{
	refuses(responds(S, RELAY, 0x20, 0x10), UP);
	assert_int_equal(host_n_signals, 0);
	refuses(responds(stranger, RELAY, 0x20, 0x10), UP);
	assert_int_equal(host_n_signals, 1);
}
EVERYWHERE(response_up)

/* ---- types 4 and 3 of a session ---- */

static void data_here(void)
{
	__u64 now = host_jiffies, end = now + 190 * tick_rate;

	shakes(0x10, 0x20);
	assert_int_equal(sends_data(S, 0x20), D);
	holds(S, 0x20, D, end, CONFIRMED);
	assert_int_equal(value_in(&hints, 0, 0x20), BLIND_VALUE(end, S, CONFIRMED));
	for (; host_jiffies < end; host_jiffies += host_jiffies < end - 3 * tick_rate ? 3 * tick_rate : 1) {
		assert_int_equal(sends_data(S, 0x20), D);
		assert_int_equal(sends_data(D, 0x10), S);
		holds(S, 0x20, D, end, CONFIRMED);
		holds(D, 0x10, S, end, INITIATED | CONFIRMED);
		if (host_jiffies < now + 9 * tick_rate)
			refuses(sends_data(other, 0x20), UP);
	}
	refuses(sends_data(S, 0x20), UP);
	refuses(sends_data(D, 0x10), UP);
}
EVERYWHERE(data)

static void cookie_here(void)
{
	__u32 n;

	shakes(0x10, 0x20);
	assert_int_equal(sends_cookie(S, 0x20), D);
	holds(S, 0x20, D, in_seconds(190), 0);
	assert_int_equal(sends_cookie(D, 0x10), S);
	refuses(sends_cookie(stranger, 0x20), UP);
	for (n = 1; n < BLIND_STRAYS; n++)
		refuses(sends_cookie(n & 1 ? S : stranger, 0x99), UP);
	refuses(sends_cookie(S, 0x99), -DROP_blind_limited);
	refuses(sends_cookie(stranger, 0x20), -DROP_blind_limited);
	assert_int_equal(sends_cookie(S, 0x20), D);
	host_jiffies = in_seconds(1);
	refuses(sends_cookie(stranger, 0x99), UP);
	assert_int_equal(state_now()->challenges, 0);
}
EVERYWHERE(cookie)

/* ---- types 4 and 3 of no session ---- */

static void own_index_here(void)
{
	own_gives_out(0x77);
	for (__u32 i = 0; i < 2 * BLIND_STRAYS; i++) {
		assert_int_equal(sends_data(S, 0x77), UP);
		assert_int_equal(sends_cookie(S, 0x77), UP);
	}
	assert_int_equal(host_n_signals, 0);
	for (__u32 i = 0; i < 2 * BLIND_STRAYS; i++) {
		assert_int_equal(sends_data(stranger, 0x77), UP);
		assert_int_equal(sends_cookie(stranger, 0x77), UP);
	}
	assert_int_equal(host_n_signals, 1);
	host_jiffies++;
	refuses(sends_data(stranger, 0x77), UP);
	assert_int_equal(host_n_signals, 2);
	refuses(initiates(S, D, 0x77), -DROP_blind_refused);
	assert_int_equal(initiates(S, D, 0x10), D);
	refuses(responds(D, S, 0x77, 0x10), -DROP_blind_refused);
	assert_int_equal(state_now()->refused, 2);
	refuses(sends_data(S, 0x77), UP);
	host_jiffies = in_seconds(200);
	assert_int_equal(initiates(S, D, 0x77), D);
}
EVERYWHERE(own_index)

static void strays_here(void)
{
	for (__u32 i = 0; i < 2 * BLIND_STRAYS; i++)
		assert_int_equal(sends_data(S, 0x99), UP);
	assert_int_equal(host_n_signals, 0);
	for (__u32 times = 1; times < 3; times++, host_jiffies = in_seconds(1)) {
		for (__u32 i = 0; i < BLIND_STRAYS; i++)
			assert_int_equal(sends_data(stranger, 0x99 + i), UP);
		refuses(sends_data(stranger, 0x99), -DROP_blind_limited);
		refuses(sends_data(S, 0x99), UP);
		assert_int_equal(host_n_signals, times);
	}
	refuses(sends_data(stranger, 0x99), UP);
	host_jiffies += tick_rate / 20 - 1;
	refuses(sends_data(stranger, 0x99), UP);
	assert_int_equal(host_n_signals, 3);
	host_jiffies++;
	refuses(sends_data(stranger, 0x99), UP);
	assert_int_equal(host_n_signals, 4);
}
EVERYWHERE(strays)

static int data_by_port(__u32 who, __u32 receiver, __u16 port)
{
	comes(who, tells(MESSAGE_DATA, 0, receiver, 0));
	in.sport = port;
	return becomes();
}

static void was_asked(__u32 site, __u16 port, __u64 when, __u32 challenges)
{
	struct addr a = world_addr(people[family_of(site) == FAMILY_IPV4 ? STRANGER4 : STRANGER6].addr);

	assert_memory_equal(&site_at(site)->candidate, &a, sizeof(a));
	assert_int_equal(site_at(site)->candidate_port, htons(port));
	assert_int_equal(site_at(site)->challenged, when);
	assert_int_equal(state_now()->challenges, challenges);
	assert_int_equal(host_n_signals, challenges);
}

static void challenge_here(void)
{
	__u32 of_d = family_of(D) == FAMILY_IPV4 ? STRANGER4 : STRANGER6, elsewhere = stranger ^ STRANGER4 ^ STRANGER6;
	__u64 now = host_jiffies;

	shakes(0x10, 0x20);
	assert_int_equal(sends_data(S, 0x20), D);
	assert_int_equal(initiates(other, D, 0x30), D);
	assert_int_equal(responds(D, other, 0x20, 0x30), other);	/* a sender with the same index */
	assert_int_equal(data_by_port(stranger, 0x20, 50001), -DROP_blind_stranger);
	was_asked(S, 50001, now, 1);
	refuses(data_by_port(stranger, 0x20, 50002), -DROP_blind_stranger);
	assert_int_equal(data_by_port(of_d, 0x10, 50003), -DROP_blind_stranger);
	was_asked(D, 50003, now, 2);
	host_jiffies = in_seconds(1) - 1;
	refuses(data_by_port(stranger, 0x20, 50004), -DROP_blind_stranger);
	host_jiffies++;
	assert_int_equal(data_by_port(stranger, 0x20, 50005), -DROP_blind_stranger);
	was_asked(S, 50005, host_jiffies, 3);
	host_jiffies = in_seconds(2);
	refuses(data_by_port(elsewhere, 0x20, 50006), -DROP_blind_stranger);	/* a copy cannot reach this port */
	holds(S, 0x20, D, now + 190 * tick_rate, CONFIRMED);
	assert_int_equal(sends_data(S, 0x20), D);
	host_jiffies = now + 190 * tick_rate;
	refuses(data_by_port(stranger, 0x20, 50007), UP);
}
EVERYWHERE(challenge)

/* ---- indices ---- */

static void taken_here(void)
{
	assert_int_equal(initiates(S, D, 0x10), D);
	refuses(initiates(other, D, 0x10), -DROP_blind_refused);
	assert_int_equal(state_now()->refused, 1);
	holds(D, 0x10, S, in_seconds(10), INITIATED);
	assert_int_equal(initiates(other, S, 0x10), S);		/* another receiver with the same index */
	refuses(responds(D, S, 0x10, 0x10), -DROP_blind_refused);
	assert_int_equal(state_now()->refused, 2);
	assert_int_equal(responds(D, S, 0x20, 0x10), S);
	host_jiffies = in_seconds(190) - 1;
	refuses(initiates(other, D, 0x10), -DROP_blind_refused);
	host_jiffies++;
	assert_int_equal(initiates(other, D, 0x10), D);
	holds(D, 0x10, other, in_seconds(10), INITIATED);
}
EVERYWHERE(taken)

/* Sends newcomers at the pace that a pair's limit allows */
static void newcomers(__u32 from, __u32 first, __u32 n)
{
	for (__u32 i = 0; i < n; i++) {
		host_jiffies += tick_rate / BLIND_NEWCOMERS + 1;
		assert_int_equal(initiates(from, D, first + i), D);
	}
}

static void ring_here(void)
{
	__u64 end = in_seconds(190);

	for (__u32 i = 0; i < 6; i++)
		shakes(0x100 + i, 0x200 + i);
	newcomers(S, 0x1000, 300);
	assert_int_equal(n_live(&sessions), BLIND_RING + 2 * 6);
	for (__u32 i = 0; i < 300; i++)
		assert_int_equal(!!value_in(&sessions, D, 0x1000 + i), i >= 300 - BLIND_RING);
	for (__u32 i = 0; i < 6; i++)
		holds(D, 0x100 + i, S, end, INITIATED | CONFIRMED);
	refuses(responds(D, S, 1, 0x1000), -DROP_guard_mac1);
	assert_int_equal(responds(D, S, 1, 0x1000 + 299), S);
}
EVERYWHERE(ring)

/* A pair may have a limited number of newcomers per second. A forger in a site's name, within a round trip,
 * displaces neither the true newcomer before it, nor those of other pairs, nor confirmed sessions. */
static void too_many_here(void)
{
	shakes(0x10, 0x20);
	host_jiffies = in_seconds(1);
	assert_int_equal(initiates(S, D, 0x100), D);
	for (__u32 i = 1; i < 2560; i++)
		assert_int_equal(initiates(S, D, 0x1000 + i), i < BLIND_NEWCOMERS ? (int)D : -DROP_blind_refused);
	assert_int_equal(initiates(D, S, 0x100), S);
	assert_int_equal(initiates(other, D, 0x101), D);
	assert_int_equal(initiates(S, other, 0x102), other);
	assert_int_equal(responds(D, S, 0x200, 0x100), S);
	assert_int_equal(sends_data(S, 0x200), D);
	assert_int_equal(sends_data(S, 0x20), D);
	host_jiffies += tick_rate;
	assert_int_equal(initiates(S, D, 0x300), D);
}
EVERYWHERE(too_many)

/* An entry in its place that belongs to another site now does not count for the ring */
static void strange_ring_here(void)
{
	assert_int_equal(initiates(S, D, 0x10), D);
	host_jiffies = in_seconds(10);
	assert_int_equal(initiates(other, D, 0x10), D);
	newcomers(S, 0x1000, 2 * BLIND_RING);
	holds(D, 0x10, other, in_seconds(10) - 2 * BLIND_RING * (tick_rate / BLIND_NEWCOMERS + 1), INITIATED);
	assert_int_equal(n_live(&sessions), BLIND_RING + 1);
}
EVERYWHERE(strange_ring)

/* The pair's oldest confirmed session gives way, in both directions, with its hints. So two sites that renew
 * their sessions often do not displace others. */
static void many_sessions_here(void)
{
	__u32 n = 1000, i;

	assert_int_equal(initiates(other, D, 0x10), D);
	assert_int_equal(responds(D, other, 0x11, 0x10), other);
	assert_int_equal(sends_data(other, 0x11), D);
	for (i = 0; i < n; i++) {
		host_jiffies += tick_rate / BLIND_NEWCOMERS + 1;
		shakes(0x1000 + i, 0x4000 + i);
		assert_int_equal(sends_data(S, 0x4000 + i), D);
		assert_int_equal(sends_data(D, 0x1000 + i), S);
	}
	assert_int_equal(n_live(&sessions), 2 * BLIND_CONFIRMED_RING + 2);
	assert_int_equal(n_live(&hints), 2 * BLIND_CONFIRMED_RING + 2);
	for (i = 0; i < n; i++) {
		assert_int_equal(!!value_in(&sessions, D, 0x1000 + i), i >= n - BLIND_CONFIRMED_RING);
		assert_int_equal(!!value_in(&sessions, S, 0x4000 + i), i >= n - BLIND_CONFIRMED_RING);
	}
	assert_int_equal(sends_data(other, 0x11), D);
	assert_int_equal(sends_data(D, 0x10), other);
}
EVERYWHERE(many_sessions)

/* In a full table, a newcomer replaces an unconfirmed session. If all are confirmed, it is refused until one expires */
static void full_table_here(void)
{
	host_map_reset(&sessions, 1);
	blind_mask = 0;
	for (__u32 i = 0; i < BLIND_WAYS; i++)
		assert_int_equal(initiates(S, D, 0x10 + i), D);
	assert_int_equal(initiates(S, D, 0x20), D);
	holds(D, 0x20, S, in_seconds(10), INITIATED);
	host_jiffies = in_seconds(10);
	for (__u32 i = 0; i < BLIND_WAYS / 2; i++) {
		shakes(0x30 + i, 0x40 + i);
		assert_int_equal(sends_data(S, 0x40 + i), D);
	}
	refuses(initiates(S, D, 0x50), -DROP_blind_refused);
	host_jiffies = in_seconds(190);
	assert_int_equal(initiates(S, D, 0x50), D);
}
EVERYWHERE(full_table)

/* ---- special cases ---- */

/* Data that names an index before the answer does not shorten the session's life */
static void early_data_here(void)
{
	__u64 end;

	assert_int_equal(initiates(S, D, 0x10), D);
	assert_int_equal(sends_data(D, 0x10), S);
	end = in_seconds(190);
	assert_int_equal(responds(D, S, 0x20, 0x10), S);
	host_jiffies = end - 1;
	assert_int_equal(sends_data(D, 0x10), S);
}
EVERYWHERE(early_data)

/* An attacker at D's address can forge responses. That does not keep D out longer than other responses that S does
 * not accept */
static void forged_response_here(void)
{
	__u64 end = in_seconds(190);

	assert_int_equal(initiates(S, D, 0x10), D);
	assert_int_equal(responds(D, S, 0x66, 0x10), S);
	host_jiffies = in_seconds(5);
	assert_int_equal(responds(D, S, 0x20, 0x10), S);
	holds(D, 0x10, S, end, INITIATED | CONFIRMED);
	assert_int_equal(sends_data(S, 0x20), D);
	assert_int_equal(sends_data(D, 0x10), S);
	host_jiffies++;
	refuses(responds(D, S, 0x21, 0x10), -DROP_blind_refused);
}
EVERYWHERE(forged_response)

/* Index 0 is like any other */
static void index_zero_here(void)
{
	for (__u32 i = 0; i < 3; i++)
		assert_int_equal(initiates(S, D, i), D);
	for (__u32 i = 0; i < 3; i++)
		holds(D, i, S, in_seconds(10), INITIATED);
	assert_int_equal(responds(D, S, 0, 0), S);
	assert_int_equal(sends_data(S, 0), D);
	assert_int_equal(sends_data(D, 0), S);
	assert_int_equal(initiates(S, D, 0x10), D);
	assert_int_equal(responds(D, S, 0x20, 0x10), S);
}
EVERYWHERE(index_zero)

/* 190 seconds is a hard limit: repeated messages do not extend it */
static void no_longer_here(void)
{
	__u64 end = in_seconds(190);

	shakes(0x10, 0x20);
	assert_int_equal(sends_data(S, 0x20), D);
	host_jiffies = end - tick_rate;
	initiates(S, D, 0x10);
	responds(D, S, 0x20, 0x10);
	host_jiffies = end;
	assert_int_equal(sends_data(D, 0x10), UP);
	assert_int_equal(sends_data(S, 0x20), UP);
}
EVERYWHERE(no_longer)

/* An expired session stays so, even if no session replaces it for long */
static void long_over_here(void)
{
	shakes(0x10, 0x20);
	assert_int_equal(sends_data(S, 0x20), D);
	for (int i = 0; i < 40; i++) {
		host_jiffies += 1ULL << 28;
		world_control()->generation++;
		refuses(sends_data(S, 0x20), UP);
		refuses(sends_data(D, 0x10), UP);
	}
	assert_int_equal(initiates(other, D, 0x10), D);
}
EVERYWHERE(long_over)

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(initiation_up), TEST(initiation), TEST(initiation_refused), TEST(response), TEST(response_up), TEST(data),
		TEST(cookie), TEST(own_index), TEST(strays), TEST(challenge), TEST(taken), TEST(ring), TEST(too_many), TEST(strange_ring), TEST(many_sessions),
		TEST(too_many), TEST(many_sessions), TEST(full_table), TEST(early_data), TEST(forged_response), TEST(index_zero), TEST(no_longer),
		TEST(long_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
