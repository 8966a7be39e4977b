// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A source of wrong mac1s uses up only its own share of the guard's hashing time, whether it is known or not, and only
 * for a limited time.
 */
#include "host/host_handshakes.h"

static int set_up(void **state)
{
	guard_setup(0, 1);
	plane = PLANE_TC;
	return 0;
}

static int tear_down(void **state)
{
	world_clear();
	guards_reset();
	return 0;
}

static struct guard_budget *budget(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&budgets, &zero);
}

/* One known client's wrong mac1s leave new clients their share */
static void known_liar(void **state)
{
	struct guard_message wrong, right;
	__u32 tried = 0, refused, sent;

	keys_written(16, 0, 64, false);
	guard_at(0)->keys = GUARD_KEYS_WORD(16, 64);
	shakes(0, 1, 2);
	wrong = message(MESSAGE_INITIATION, 5, 0);
	wrong.bytes[116] ^= 1;
	while (sends(&wrong) == -DROP_guard_mac1)
		tried++;
	print_message("a known client sends %u wrong ones, then it is busy: unknown has %lld, known %lld left\n", tried,
		      (long long)budget()->left[0], (long long)budget()->left[1]);
	for (__u32 a_jiffy = 10; a_jiffy <= 90; a_jiffy += 40) {
		refused = sent = 0;
		host_jiffies += 10 * tick_rate;
		for (__u32 i = 0; i < 2 * tick_rate; i++) {
			host_jiffies++;
			client_number = 0;
			for (__u32 j = 0; j < a_jiffy; j++)
				sends(&wrong);
			if (i < tick_rate)
				continue;
			client_number = 77 + i;		/* new, and never failed */
			right = initiation_for(0);
			sent++;
			refused += sends(&right) == -DROP_guard_busy;
		}
		print_message("%u wrong ones a second: of %u new clients %u are refused\n", a_jiffy * tick_rate, sent, refused);
		assert_int_equal(refused, 0);
	}
}

/* One client sends 20,000 of these messages a second for two seconds: how many of 500 new clients are refused */
static __u32 refused_beside(const struct guard_message *flood)
{
	struct guard_message right;
	__u32 refused = 0;

	for (__u32 i = 0; i < 2 * tick_rate; i++) {
		host_jiffies++;
		client_number = 0;
		for (__u32 j = 0; j < 80; j++)
			sends(flood);
		client_number = 77 + i;
		right = initiation_for(0);
		refused += sends(&right) == -DROP_guard_busy;
	}
	return refused;
}

/* Nor do a known client's right mac1s, which need all keys to be tried */
static void known_flood(void **state)
{
	struct guard_message last;
	__u32 refused;

	keys_written(16, 0, 64, false);
	guard_at(0)->keys = GUARD_KEYS_WORD(16, 64);
	shakes(0, 1, 2);
	last = initiation_for(63);
	refused = refused_beside(&last);
	print_message("right ones of a known client, 20,000 a second: %u refused\n", refused);
	assert_int_equal(refused, 0);
}

/* Clients that a list refuses cost no hashing */
static void denied_flood(void **state)
{
	struct source_key all = { .prefixlen = 32, .id = htonl(SERVICE_LIST | 0) };
	__s64 left;
	__u8 verdict = LIST_DENY;
	struct guard_message wrong = message(MESSAGE_INITIATION, 5, 0);

	wrong.bytes[116] ^= 1;
	with_lists = true;
	for (size_t i = 0; i < world_n_entries; i++)
		world_entries[i].service.flags |= SERVICE_LISTS;
	world_commit();
	host_map_reset(&source_trie, 16);
	bpf_map_update_elem(&source_trie, &all, &verdict, BPF_ANY);
	left = budget()->left[0];
	for (client_number = 1000; client_number < 1100; client_number++)
		assert_int_equal(sends(&wrong), -DROP_denied);
	assert_int_equal(budget()->left[0], left);
	host_map_reset(&source_trie, 16);
	with_lists = false;
}

/* The same from an unknown client */
static void unknown_liar(void **state)
{
	struct guard_message wrong;
	__u32 refused;

	keys_written(16, 0, 64, false);
	guard_at(0)->keys = GUARD_KEYS_WORD(16, 64);
	wrong = message(MESSAGE_INITIATION, 5, 0);
	wrong.bytes[116] ^= 1;
	refused = refused_beside(&wrong);
	print_message("the same 20,000 a second from one unknown source: %u refused\n", refused);
	assert_int_equal(refused, 0);
}

/* A source that failed once does not fail again 2^31 jiffies later */
static void failed_long_ago(void **state)
{
	struct guard_message right, wrong = message(MESSAGE_INITIATION, 5, 0);

	wrong.bytes[116] ^= 1;
	assert_int_equal(sends(&wrong), -DROP_guard_mac1);	/* a single one, far from its share */
	host_jiffies += 1000;
	client_number = 5;
	right = initiation_for(0);
	assert_int_equal(sends(&right), 0);
	for (__u64 days = 1, at = host_jiffies; days <= 60; days += 1) {
		host_jiffies = at + days * 86400 * 1000;	/* 1,000 jiffies a second */
		world_control()->generation++;
		client_number = 5;
		right = initiation_for(0);
		sends(&right);
		budget()->left[2] = 0;
		client_number = 0;
		right = initiation_for(0);
		if (sends(&right) == -DROP_guard_busy) {
			print_message("one wrong mac1, and %llu days later (at 1,000 Hz) the source is among those that fail\n",
				      (unsigned long long)days);
			fail();
		}
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(known_liar), TEST(known_flood), TEST(denied_flood), TEST(unknown_liar), TEST(failed_long_ago),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
