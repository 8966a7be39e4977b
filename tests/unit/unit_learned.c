// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A learned table finds the last value of a key, ends entries in time, gives way in the right order, and lets through
 * what its limit allows. The tables are those of struct learned_entry (bpf/learned_entry.h). Programs and user space
 * use the same hash. With two CPUs, the first runs up to its n-th change of a word, then the second runs completely,
 * and then the first continues: for each n.
 */
#include "host/host_two_cpus.h"
#define learned_units units_of_user_space	/* the programs have a function of that name */
#include "dataplane/learned_table.h"
#undef learned_units
#include "host/host_clients.h"

enum { SECONDS = FRAGMENT_SECONDS, CHANGES = 8 };	/* more than a write makes */

/* ---- an entry: its value follows from its key and a number, so that mixed values are noticed ---- */

static struct learned_entry entry_of(__u32 key, __u32 number)
{
	struct learned_entry e = { 0 };

	for (int i = 0; i < LEARNED_KEY; i++)
		e.key.word[i] = (__u64)key * 0x9e3779b97f4a7c15ULL + i;
	for (int i = 0; i < LEARNED_VALUE; i++)
		e.value.word[i] = ((__u64)key << 32 | number) ^ (__u64)i << 60;
	return e;
}

static bool write_as(enum learned_state how, __u32 key, __u32 number)
{
	struct learned_entry e = entry_of(key, number);
	struct pkt_state *s = state_find();

	*learned_value(s, how, SECONDS) = e.value;
	*learned_key(s) = e.key;
	return frags_store(s);
}

/* Returns the written number, or -1 */
static int number_of(__u32 key)
{
	struct pkt_state *s = state_find();
	struct learned_entry e;

	*learned_key(s) = entry_of(key, 0).key;
	if (!frags_find(s))
		return -1;
	e = entry_of(key, s->learned.value.word[0] & 0xffffffff);
	assert_memory_equal(&e.value, &s->learned.value, sizeof(e.value));
	return s->learned.value.word[0] & 0xffffffff;
}

/* Each entry is in a place of its key, once, whole, and no writer is at work */
static void table_is_whole(void)
{
	const struct learned_bucket *b = (const void *)frags.values;
	__u32 mask = frags.max - 1;

	for (__u32 i = 0; i < frags.max * LEARNED_WAYS; i++) {
		__u64 word = b[i / LEARNED_WAYS].line.word[i % LEARNED_WAYS], hash, other;
		const struct learned_entry *e = &b[i / LEARNED_WAYS].entry[i % LEARNED_WAYS];

		if (!learned_word_tag(word))
			continue;
		assert_int_not_equal(learned_word_state(word), LEARNED_BUSY);
		hash = learned_hash(e->key.word, &learned_secret);
		other = learned_second(hash, &learned_secret);
		assert_true((learned_tag(hash) == learned_word_tag(word) && (hash & mask) == i / LEARNED_WAYS) ||
			    (learned_tag(other) == learned_word_tag(word) && (other & mask) == i / LEARNED_WAYS));
		for (int k = 1; k < LEARNED_VALUE; k++)
			assert_true(e->value.word[k] == (e->value.word[0] ^ (__u64)k << 60));
		for (__u32 j = 0; j < i; j++)
			assert_true(!learned_word_tag(b[j / LEARNED_WAYS].line.word[j % LEARNED_WAYS]) ||
				    memcmp(&b[j / LEARNED_WAYS].entry[j % LEARNED_WAYS].key, &e->key, sizeof(e->key)));
	}
}

static int set_up(void **state)
{
	other_cpu = NULL;
	world_clear();
	world_knows(WAY_GUARDS);
	host_map_reset(&guard_sources, 1);
	host_jiffies = 1 << 20;
	return 0;
}

static void room(__u32 buckets)
{
	host_map_reset(&frags, buckets);
}

/* ---- one CPU ---- */

static void finds_what_was_written(void **state)
{
	room(64);
	assert_int_equal(number_of(1), -1);
	for (__u32 number = 0; number < 3; number++)
		for (__u32 key = 0; key < 300; key++)
			assert_true(write_as(LEARNED_HALF, key, number + key));
	for (__u32 key = 0; key < 300; key++)
		assert_int_equal(number_of(key), 2 + key);
	assert_int_equal(number_of(300), -1);
	assert_int_equal(learned_there(&frags), 300);
	table_is_whole();
}

/* An entry is valid before its time, which a write renews if it gains a second. A value does not outlive it */
static void ends(void **state)
{
	room(1);
	write_as(LEARNED_HALF, 1, 5);
	host_jiffies += SECONDS * tick_rate - 1;
	assert_int_equal(number_of(1), 5);
	host_jiffies++;
	assert_int_equal(number_of(1), -1);
	write_as(LEARNED_HALF, 1, 5);
	assert_int_equal(number_of(1), 5);
	host_jiffies += LEARNED_SECOND << tick_shift;
	write_as(LEARNED_HALF, 1, 5);
	host_jiffies += SECONDS * tick_rate - 1;
	assert_int_equal(number_of(1), 5);
	host_jiffies += (LEARNED_UNTIL + 1) << tick_shift;	/* the times in the words have wrapped */
	assert_int_equal(number_of(1), 5);
	host_jiffies += (LEARNED_UNTIL + 1 - learned_units(SECONDS) - 10) << tick_shift;
	assert_int_equal(number_of(1), -1);			/* not for longer than its own time-out */
	assert_int_equal(learned_there(&frags), 1);
}

/* An entry that ended days ago seems to be valid again, and is renewed all the same */
static void renewed_after_days(void **state)
{
	for (int how = LEARNED_HALF; how <= LEARNED_LIVE; how++) {
		room(1);
		assert_true(write_as(how, 1, 5));
		host_jiffies += (LEARNED_UNTIL + 1 - 2 * learned_units(SECONDS)) << tick_shift;
		assert_int_equal(number_of(1), -1);
		assert_true(write_as(how, 1, 5));
		assert_int_equal(number_of(1), 5);
	}
}

/* Once the times in the words have wrapped, entries that ended long ago look valid for hours, but they give way */
static void gives_way_after_days(void **state)
{
	room(1);
	for (__u32 key = 0; key < LEARNED_WAYS; key++)
		assert_true(write_as(LEARNED_LIVE, key, key));
	assert_false(write_as(LEARNED_LIVE, 50, 1));
	host_jiffies += (LEARNED_UNTIL + 1 - 2 * learned_units(SECONDS)) << tick_shift;
	for (__u32 key = 50; key < 50 + LEARNED_WAYS; key++)
		assert_true(write_as(LEARNED_LIVE, key, 1));
	assert_false(write_as(LEARNED_LIVE, 70, 1));
	table_is_whole();
}

/* Free places first, then the entry that ends first. LIVE entries stay; if all are LIVE, nothing is written */
static void who_gives_way(void **state)
{
	room(1);
	write_as(LEARNED_LIVE, 100, 1);
	for (__u32 key = 0; key < 7; key++) {
		write_as(LEARNED_HALF, key, key);
		host_jiffies += 1 << tick_shift;
	}
	for (__u32 key = 7; key < 50; key++) {
		assert_true(write_as(LEARNED_HALF, key, key));
		host_jiffies += 1 << tick_shift;
		assert_int_equal(number_of(key - 7), -1);
		for (__u32 i = key - 6; i <= key; i++)
			assert_int_equal(number_of(i), i);
		assert_int_equal(number_of(100), 1);
	}
	for (__u32 key = 101; key < 108; key++)
		assert_true(write_as(LEARNED_LIVE, key, key));
	assert_false(write_as(LEARNED_HALF, 1, 1));
	assert_false(write_as(LEARNED_LIVE, 1, 1));
	assert_true(write_as(LEARNED_HALF, 103, 9));	/* its own entry: rewritten, and still LIVE */
	assert_false(write_as(LEARNED_HALF, 1, 1));
	assert_int_equal(number_of(103), 9);
	host_jiffies += SECONDS * tick_rate;
	assert_true(write_as(LEARNED_HALF, 1, 1));
	table_is_whole();
}

/* A HALF entry becomes LIVE in place */
static void becomes_live(void **state)
{
	room(1);
	write_as(LEARNED_HALF, 1, 1);
	write_as(LEARNED_LIVE, 1, 1);
	host_jiffies += 1 << tick_shift;
	for (__u32 key = 2; key < 30; key++)
		write_as(LEARNED_HALF, key, 0);
	assert_int_equal(number_of(1), 1);
	table_is_whole();
}

/* ---- a place that another CPU gives back ---- */

static __u64 *given_back;

static void gives_back(void)
{
	*given_back = learned_word_free(*given_back);
}

/* Another CPU writes the key's entry and then gives its place back. The rest of the first bucket is full. Then the entry
 * goes to the key's own second bucket, not to that of the key before */
static void own_second_bucket(void **state)
{
	for (__u32 key = 1; key < 20; key++) {
		struct learned_entry e = entry_of(key, 0);
		__u64 hash = learned_hash(e.key.word, &learned_secret);
		__u64 until = (host_jiffies >> tick_shift) + learned_units(SECONDS), *words;

		room(64);
		assert_int_equal(number_of(key + 100), -1);
		words = ((struct learned_bucket *)frags.values)[hash & 63].line.word;
		for (__u32 i = 0; i < LEARNED_WAYS; i++)
			words[i] = learned_word(1U << 31 | i, LEARNED_LIVE, 0, until);
		words[0] = learned_word(learned_tag(hash), LEARNED_BUSY, 0, 0);
		given_back = &words[0];
		changes_before = 0;
		other_cpu = gives_back;
		assert_true(write_as(LEARNED_HALF, key, 7));
		assert_null(other_cpu);
		assert_int_equal(number_of(key), 7);
	}
}

/* ---- limits ---- */

static __u32 taken(__u32 key, __u32 of)
{
	struct pkt_state *s = state_find();
	__u32 n = 0;

	while (of--) {
		*learned_key(s) = entry_of(key, 0).key;
		n += guard_sources_charge(s, host_jiffies << GUARD_TICK, ((__u64)tick_rate << GUARD_TICK) / 10, 20);
	}
	return n;
}

/* Twenty at once, then ten a second, for each key separately. A displaced key begins again */
static void limits(void **state)
{
	assert_int_equal(taken(1, 100), 20);
	assert_int_equal(taken(2, 100), 20);
	for (int i = 0; i < 30; i++) {
		host_jiffies += tick_rate / 10;
		assert_int_equal(taken(1, 5), 1);
	}
	host_jiffies += 100 * tick_rate;
	assert_int_equal(taken(1, 100), 20);
	for (__u32 key = 10; key < 17; key++)		/* the entry that is nearest to a full budget gives way */
		assert_int_equal(taken(key, 1), 1);
	assert_int_equal(taken(1, 1), 0);
	for (__u32 key = 20; key < 60; key++)
		assert_int_equal(taken(key, 1), 1);
	assert_int_equal(taken(1, 1), 0);
}

/* ---- two CPUs ---- */

static __u32 other_key, other_number;
static bool other_wrote;

static void other_write(void)
{
	struct cpu here = cpu_keep();

	other_wrote = write_as(LEARNED_HALF, other_key, other_number);
	cpu_restore(&here);
}

static void meet(int n, __u32 key, __u32 number, void (*what)(void))
{
	changes_before = n;
	other_key = key;
	other_number = number;
	other_cpu = what;
}

/* Both CPUs write the same key, new or known, with different values: one value remains, whole, in one place */
static void one_key_twice(void **state)
{
	int met = 0;

	for (int i = 0; i < 4 * CHANGES; i++) {
		bool wrote;

		other_cpu = NULL;
		room(i & 1 ? 8 : 1);
		if (i & 2)
			write_as(LEARNED_HALF, 1, 7);
		meet(i / 4, 1, 22, other_write);
		wrote = write_as(LEARNED_HALF, 1, 11);
		met += !other_cpu;
		if (other_cpu)
			continue;
		table_is_whole();
		assert_true(wrote);
		assert_int_equal(learned_there(&frags), 1);
		assert_true(number_of(1) == 11 || (other_wrote && number_of(1) == 22));
	}
	assert_true(met >= 8);
}

/* Two keys want the last place, or an expired one's: each written key is there, unless the other one took its place */
static void two_keys_one_place(void **state)
{
	int met = 0;

	for (int i = 0; i < 2 * CHANGES; i++) {
		bool wrote;

		other_cpu = NULL;
		room(1);
		write_as(LEARNED_HALF, 50, 0);
		if (i & 1)
			host_jiffies += SECONDS * tick_rate;
		for (__u32 key = 51; key < 58; key++)
			write_as(LEARNED_LIVE, key, key);
		meet(i / 2, 2, 22, other_write);
		wrote = write_as(LEARNED_HALF, 1, 11);
		met += !other_cpu;
		if (other_cpu)
			continue;
		table_is_whole();
		assert_int_equal(number_of(50), -1);
		assert_true((number_of(1) == 11) + (number_of(2) == 22) == 1);
		assert_true(wrote || other_wrote);
		for (__u32 key = 51; key < 58; key++)
			assert_int_equal(number_of(key), key);
	}
	assert_true(met >= 4);
}

/* An entry is rewritten while another key takes its place: the two do not mix */
static void place_taken_meanwhile(void **state)
{
	for (int i = 0; i < CHANGES; i++) {
		other_cpu = NULL;
		room(1);
		write_as(LEARNED_HALF, 1, 1);
		host_jiffies += 1 << tick_shift;
		for (__u32 key = 51; key < 58; key++)
			write_as(LEARNED_LIVE, key, key);
		meet(i, 2, 22, other_write);
		write_as(LEARNED_HALF, 1, 11);
		table_is_whole();
		assert_true(number_of(1) == 11 || number_of(1) == 1 || number_of(1) == -1);
		assert_true(number_of(2) == 22 || number_of(2) == -1);
	}
}

static __u32 other_taken;

static void other_charge(void)
{
	struct cpu here = cpu_keep();

	other_taken = taken(1, 1);
	cpu_restore(&here);
}

/* Both CPUs take from one limit: together no more than it has, and all is counted */
static void one_limit_twice(void **state)
{
	int met = 0;

	for (int i = 0; i < CHANGES * 21; i++) {
		__u32 n = i % 21, mine;

		host_map_reset(&guard_sources, 1);
		other_cpu = NULL;
		other_taken = 0;
		assert_int_equal(taken(1, n), n < 20 ? n : 20);
		meet(i / 21, 0, 0, other_charge);
		mine = taken(1, 1);
		met += !other_cpu;
		if (other_cpu)
			continue;
		assert_true(n + mine + other_taken <= 20);
		assert_true(mine || other_taken || n >= 20);
		assert_int_equal(taken(1, 100), 20 - (n + mine + other_taken > 20 ? 20 : n + mine + other_taken));
	}
	assert_true(met >= 40);
}

/* ---- user space ---- */

/* Both use the same hash: programs find what user space writes */
static void written_by_user_space(void **state)
{
	struct learned_table t = { .n = 64 };
	struct learned_secret secret = learned_secret;

	room(64);
	assert_int_equal(number_of(0), -1);
	t.buckets = (struct learned_bucket *)frags.values;
	for (__u32 key = 0; key < 300; key++) {
		struct learned_entry e = entry_of(key, key);

		assert_true(learned_table_put(&t, &secret, &e, LEARNED_HALF,
					      (host_jiffies >> tick_shift) + (SECONDS * tick_rate >> tick_shift)));
		assert_false(learned_table_put(&t, &secret, &e, LEARNED_HALF, 0));
	}
	for (__u32 key = 0; key < 300; key++)
		assert_int_equal(number_of(key), key);
	table_is_whole();
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(finds_what_was_written), TEST(ends), TEST(renewed_after_days), TEST(gives_way_after_days), TEST(who_gives_way), TEST(becomes_live), TEST(own_second_bucket), TEST(limits), TEST(one_key_twice),
		TEST(two_keys_one_place), TEST(place_taken_meanwhile), TEST(one_limit_twice), TEST(written_by_user_space),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
