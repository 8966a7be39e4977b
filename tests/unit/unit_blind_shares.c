// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A site of the blind relay can use up only its own share of the table of hints and of the time for hashing.
 */
#include "host/host_blind_try.h"
#define bpf_skb_load_bytes(ctx, at, to, n) (-1)	/* for blind_put_all(), which needs a program */
#include "blind/put.h"

/* Unconfirmed responses leave nothing among the hints */
static void hints_filled_here(void)
{
	__u32 index = 0x100000, lost = 0, n = 0, third = 10 - S - D - other;

	for (__u32 second = 0; second < 190; second++) {
		if (!(second % 5)) {		/* S retries every five seconds, like WireGuard; D answers too often */
			assert_int_equal(initiates(S, D, 0x1000 + second), D);
		}
		for (__u32 i = 0; i < 40; i++)
			says(D, MESSAGE_RESPONSE, S, index++, 0x1000 + second - second % 5);
		host_jiffies += tick_rate;
		world_control()->generation++;
	}
	print_message("hints: %u live of %u places, of one pair alone; sessions: %u\n", n_live(&hints), TABLE_BUCKETS * BLIND_WAYS,
		      n_live(&sessions));
	for (__u32 i = 0; i < 100; i++) {	/* another pair begins sessions: are they known when it moves? */
		__u32 a = 0x9000000 + 7919 * i, b = 0xa000000 + 104729 * i;

		host_jiffies += tick_rate / 16;
		assert_int_equal(initiates(other, third, a), third);
		assert_int_equal(responds(third, other, b, a), other);
		sends_data(other, b);
		n += 2;
		lost += !value_in(&hints, 0, a) + !value_in(&hints, 0, b);
	}
	print_message("of %u hints of another pair %u found no place\n", n, lost);
	assert_int_equal(lost, 0);
}
EVERYWHERE(hints_filled)

/* A site's handshakes with a right mac1, which its pair's limit refuses, leave others their time */
#define MANY 256
static void time_of_all(void **state)
{
	__u32 refused = 0, sent = 0;

	host_map_reset(&blind_pairs, 4096);
	{
		struct blind_site saved[SITES];

		memcpy(saved, site_at(0), sizeof(saved));
		host_map_reset(&blind_sites, MANY);
		memcpy(site_at(0), saved, sizeof(saved));
	}
	host_map_reset(&blind_waiting, MANY);
	for (__u32 n = SITES; n < MANY; n++) {
		__u8 key[32];

		public_key(n, key);
		blake2s_mac1(site_at(n)->mac1, key);
	}
	state_now()->may_all = true;
	state_now()->sites = MANY;
	for (__u32 a_jiffy = 14; a_jiffy <= 30; a_jiffy += 2) {
		refused = sent = 0;
		host_jiffies += 20 * tick_rate;
		for (__u32 i = 0; i < 3 * tick_rate; i++) {
			host_jiffies++;
			world_control()->generation++;
			for (__u32 j = 0; j < a_jiffy; j++)
				initiates(S, 255 - 8 * (j % 6), 0x5000000 + i * 64 + j);
			if (i < tick_rate || i % 25)
				continue;
			sent++;
			refused += initiates(other, SITE_D, 0x6000000 + i) == -DROP_guard_busy;
		}
		print_message("%u right initiations a second from one site: of another pair's %u handshakes %u are refused\n",
			      a_jiffy * tick_rate, sent, refused);
		assert_int_equal(refused, 0);
	}
}

/* Wrong mac1s of responses count like those of initiations: beyond its share, a site has the time of all such sites */
static void wrong_responses_here(void)
{
	__u32 zero = 0;
	struct guard_budget *budget = bpf_map_lookup_elem(&budgets, &zero);

	for (__u32 i = 0; i < FAILED_SHARE; i++)
		assert_int_equal(responds(S, MANY - 1, 0x7000 + i, 0x8000 + i), -DROP_guard_mac1);
	budget->left[2] = 0;
	assert_int_equal(initiates(S, D, 0x9000), -DROP_guard_busy);
	assert_int_equal(initiates(other, S, 0xa000), S);
}
EVERYWHERE(wrong_responses)

/* The other relay of a pair says that two sites have confirmed this index */
static void other_relay_says(__u32 user, __u32 origin, __u32 index)
{
	__u64 until = in_seconds(BLIND_SECONDS);

	blind_put_one(BLIND_KEY(user, htole32(index)), BLIND_VALUE(until, origin, CONFIRMED), 0);
}

/* A repeated line adds nothing */
static void said_again_here(void)
{
	for (__u32 i = 0; i < 4 * BLIND_CONFIRMED_RING; i++)
		other_relay_says(S, D, 0x100000 + i % BLIND_CONFIRMED_RING);
	for (__u32 i = 0; i < BLIND_CONFIRMED_RING; i++)
		assert_int_equal(sends_data(S, 0x100000 + i), D);
	assert_int_equal(n_live(&hints), BLIND_CONFIRMED_RING);
}
EVERYWHERE(said_again)

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = { TEST(hints_filled), TEST(time_of_all), TEST(wrong_responses), TEST(said_again) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
