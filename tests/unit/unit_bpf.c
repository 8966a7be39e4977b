// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The data path's checksums, its table of links and its lists of sources give the same results on the host as simple
 * implementations.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include "host/host_scene.h"
#include <cmocka.h>

static __u64 random64(void)
{
	static __u64 state = 88172645463325252ULL;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* ---- checksums ---- */

static __u16 naive_sum(const void *data, size_t n)
{
	const __u8 *b = data;
	__u64 sum = 0;
	__u16 word;

	for (size_t i = 0; i < n; i += 2) {
		memcpy(&word, b + i, 2);
		sum += word;
	}
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void sums(void **state)
{
	for (__u64 sum = 0; sum < 1ULL << 32; sum += 4099) {
		__u64 folded = sum;

		while (folded >> 16)
			folded = (folded & 0xffff) + (folded >> 16);
		assert_int_equal(csum_fold(sum), folded);
	}
	assert_int_equal(csum_fold(0xffffffff), 0xffff);
	assert_int_equal(csum_fold64(0x1ffffffff), 1);
	assert_int_equal(csum_fold64(~0ULL), 0xffff);
}

/* Changes some words of a message: the updated checksum equals the computed one */
static void incremental(void **state)
{
	for (int i = 0; i < 300000; i++) {
		__u16 words[10], old[10], check;
		__u32 delta = 0;

		for (int j = 0; j < 10; j++)
			old[j] = words[j] = i % 3 ? random64() : -(random64() & 1);
		words[0] = old[0] = 17;			/* a checksum over zeros alone does not occur */
		check = ~naive_sum(old, sizeof(old));
		for (__u64 j = 1; j < 1 + random64() % 9; j++) {
			words[j] = i % 5 ? random64() : 0;
			delta += (__u16)~old[j] + words[j];
		}
		assert_int_equal(csum_add(check, delta), (__u16)~naive_sum(words, sizeof(words)));
		assert_int_equal(csum_add_udp(check ?: 0xffff, delta), (__u16)~naive_sum(words, sizeof(words)) ?: 0xffff);
	}
}

/* ---- the table ---- */

enum { KEYS = 128 };			/* table_size() gives 512 places for these */
static struct table_entry want[KEYS];
static struct table_key stays[KEYS];
static size_t n_stays, n_graces, n_copies;	/* the most copies of a key that existed at once */

static struct table_key random_key(void)
{
	static const char *const near[] = { "192.168.1.10", "203.0.113.1", "2001:db8::1" };
	struct table_key key = { .addr = world_addr(near[random64() % 3]) };

	key.addr.b[15] = random64();
	key.word = table_word(1 + random64() % 3, random64() % 2 ? FAMILY_IPV4 : FAMILY_IPV6, htons(random64() % 8), random64() % 4);
	return key;
}

static bool in_want(const struct table_key *key, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!memcmp(&want[i].key, key, sizeof(*key)))
			return true;
	return false;
}

/* While the writer waits for readers, each of them finds the entries that exist before and after */
static void look_meanwhile(void)
{
	n_graces++;
	for (size_t i = 0; i < n_stays; i++) {
		const struct table_entry *e = table_find(&stays[i]);
		__u64 hash = table_hash(&stays[i]);
		size_t copies = 0;

		for (int home = 0; home < 2; home++)
			for (int way = 0; way < TABLE_WAYS; way++)
				copies += world_table.buckets[table_home(hash, home, world_table.n - 1)].entry[way].tag == hash;
		n_copies = copies > n_copies ? copies : n_copies;
		assert_non_null(e);
		assert_memory_equal(&e->key, &stays[i], sizeof(stays[i]));
	}
}

static void table_round(size_t n)
{
	static size_t last;
	size_t keep = random64() % ((n < last ? n : last) + 1);

	last = n;
	for (size_t i = 0; i < n; i++) {
		if (i >= keep)
			do
				want[i].key = random_key();
			while (in_want(&want[i].key, i));
		want[i].service = (struct service){ .id = want[i].key.word ^ want[i].key.addr.b[15], .slot = random64() % 2 };
	}
	n_stays = 0;
	for (size_t i = 0; i < n; i++)
		if (table_find(&want[i].key))
			stays[n_stays++] = want[i].key;
	n_graces = 0;
	assert_true(table_sync(&world_table, want, n) >= 0);
	for (size_t i = 0; i < n; i++) {
		const struct table_entry *e = table_find(&want[i].key);

		assert_non_null(e);
		assert_ptr_equal(e, table_lookup(&world_table, &want[i].key));
		assert_memory_equal(&e->service, &want[i].service, sizeof(e->service));
	}
	assert_int_equal(table_sync(&world_table, want, n), 0);
	for (int i = 0; i < 1000; i++) {
		struct table_key key = random_key();

		assert_int_equal(!!table_find(&key), in_want(&key, n));
	}
}

/* A changed entry exists twice while readers of the old one may run; an equal tag alone is no match */
static void table_changes(void **state)
{
	struct table_entry *e;
	__u32 zero = 0;

	world_clear();
	world_table.buckets = bpf_map_lookup_elem(&table, &zero);
	world_table.grace = look_meanwhile;
	memset(&want[0], 0, sizeof(want[0]));
	want[0].key = random_key();
	n_stays = 0;
	assert_int_equal(table_sync(&world_table, want, 1), 1);
	stays[n_stays++] = want[0].key;
	n_copies = n_graces = 0;
	want[0].service.slot = 7;
	assert_true(table_sync(&world_table, want, 1) > 0);
	assert_int_equal(n_copies, 2);
	assert_int_equal(n_graces, 2);
	e = (struct table_entry *)table_find(&want[0].key);
	assert_int_equal(e->service.slot, 7);
	want[0].key = random_key();		/* another key: removals wait for readers that may have missed additions */
	n_stays = n_graces = 0;
	assert_int_equal(table_sync(&world_table, want, 1), 2);
	assert_int_equal(n_graces, 2);
	n_graces = 0;				/* without additions, no reader can have missed one */
	assert_int_equal(table_sync(&world_table, want, 0), 1);
	assert_int_equal(n_graces, 1);
	want[0].service.slot = 7;
	assert_int_equal(table_sync(&world_table, want, 1), 1);
	e = (struct table_entry *)table_find(&want[0].key);
	e->key.word ^= 1ULL << 40;
	assert_null(table_find(&want[0].key));
	e->key.word ^= 1ULL << 40;
	e->key.addr.b[3] ^= 1;
	assert_null(table_find(&want[0].key));
	e->key.addr.b[3] ^= 1;
	e->key.addr.b[9] ^= 1;
	assert_null(table_find(&want[0].key));
	world_clear();
}

static void table_holds(void **state)
{
	__u32 zero = 0;

	world_clear();
	world_table.buckets = bpf_map_lookup_elem(&table, &zero);
	world_table.grace = look_meanwhile;
	for (int i = 0; i < 200; i++)
		table_round(random64() % 8 ? random64() % KEYS : KEYS);
	world_clear();
}

/* If not all entries fit, the old ones stay complete, and no new one remains */
static void table_full(void **state)
{
	static struct table_entry more[512], held[512];
	__u32 zero = 0;
	size_t n, n_held;

	for (int round = 0; round < 20; round++) {
		world_clear();
		world_table.buckets = bpf_map_lookup_elem(&table, &zero);
		world_table.grace = world_no_grace;
		memset(more, 0, sizeof(more));
		for (n = n_held = 0; n < 512; n++) {
			more[n].key.addr.q[1] = random64();
			more[n].key.word = n + 1;
		}
		for (n = 64; n < 512; n += 16) {
			if (table_sync(&world_table, more, n) < 0)
				break;
			memcpy(held, more, sizeof(held));
			n_held = n;
		}
		assert_uint_in_range(n_held, 256, 511);	/* it may not fail before half of the places are used */
		for (size_t i = 0; i < n_held; i++)
			assert_non_null(table_find(&held[i].key));
		for (size_t i = 0; i < n; i++) {
			bool was = false;

			for (size_t j = 0; j < n_held && !was; j++)
				was = !memcmp(&more[i].key, &held[j].key, sizeof(held[j].key));
			assert_int_equal(!!table_find(&more[i].key), was);
		}
	}
	world_clear();
}

/* ---- links and sources ---- */

static void links_by_index(void **state)
{
	world_clear();
	world_link(7, ROLE_LAN, 0, 1500, 0);
	assert_int_equal(link_find(7)->ifindex, 7);
	assert_null(link_find(7 + LINKS));
	assert_null(link_find(8));
	world_clear();
}

struct source_prefix {
	__u8 family;
	struct addr addr, mask;
	__u32 len;
};

static bool naive_covered(const struct source_prefix *p, int n, __u8 family, const struct addr *a)
{
	for (int i = 0; i < n; i++) {
		__u32 bits = p[i].len + (p[i].family == FAMILY_IPV4 ? 96 : 0), j = 0;

		while (j < bits && (a->b[j / 8] >> (7 - j % 8) & 1) == (p[i].addr.b[j / 8] >> (7 - j % 8) & 1))
			j++;
		if (p[i].family == family && j == bits)
			return true;
	}
	return false;
}

static void random_prefix(struct source_prefix *p, int i)
{
	char text[80];

	p->family = i % 2 ? FAMILY_IPV6 : FAMILY_IPV4;
	p->len = random64() % (i % 2 ? 129 : 33);
	if (i % 2)
		snprintf(text, sizeof(text), "2001:db8:%x::%x/%u", (__u32)random64() % 4, (__u32)random64() % 4, p->len);
	else
		snprintf(text, sizeof(text), "10.%u.0.%u/%u", (__u32)random64() % 4, (__u32)random64() % 4, p->len);
	if (p->len < 12)
		p->len = 12;
	snprintf(strchr(text, '/'), 8, "/%u", p->len);
	world_prefix(text, &p->addr, &p->mask);
	for (int j = 0; j < 2; j++)
		p->addr.q[j] &= p->mask.q[j];
}

/* Writes n prefixes like user space: 16 of a family into the list, the rest into the trie */
static void write_sources(const struct source_prefix *p, int n, __u32 id)
{
	struct sources s;
	__u32 n4 = 0, n6 = 0;
	__u8 one = 1;

	world_sources(id, (const char *const[]){ NULL });
	s = *(struct sources *)bpf_map_lookup_elem(&sources, &id);
	for (int i = 0; i < n; i++) {
		struct source_key key = { 32 + p[i].len + (p[i].family == FAMILY_IPV4 ? 96 : 0), htonl(id), p[i].addr };

		if (p[i].family == FAMILY_IPV4 && n4 < 16)
			s.ipv4[n4++] = (struct prefix4){ p[i].addr.w[3], p[i].mask.w[3] };
		else if (p[i].family == FAMILY_IPV6 && n6 < 16)
			s.ipv6[n6++] = (struct prefix6){ p[i].addr, p[i].mask };
		else
			bpf_map_update_elem(&source_trie, &key, &one, 0);
	}
	s.groups4 = (n4 + 7) / 8;
	s.groups6 = (n6 + 7) / 8;
	bpf_map_update_elem(&sources, &id, &s, 0);
}

static void source_lists(void **state)
{
	static const int counts[] = { 0, 1, 2, 15, 16, 17, 31, 32, 33, 34, 60 };
	struct source_prefix list[60], any;

	for (size_t round = 0; round < 40 * sizeof(counts) / sizeof(counts[0]); round++) {
		int n = counts[round % 11];

		world_clear();
		for (int i = 0; i < n; i++)
			random_prefix(&list[i], i);
		write_sources(list, n, 3);
		for (int i = 0; i < 400; i++) {
			struct pkt_state s = { .link_role = i & 2 ? ROLE_LAN : ROLE_WAN, .sources = 3, .link_flags = LINK_SOURCES_TRIE };
			struct pkt p = { .s = &s };
			bool covered;

			random_prefix(&any, i);
			s.family = any.family;
			s.src = any.addr;
			covered = naive_covered(list, n, any.family, &any.addr);
			assert_int_equal(link_source(&p), covered == (s.link_role == ROLE_LAN) ? 0 : -PASS_source);
		}
	}
	world_clear();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums),
		cmocka_unit_test(incremental),
		cmocka_unit_test(table_changes),
		cmocka_unit_test(table_holds),
		cmocka_unit_test(table_full),
		cmocka_unit_test(links_by_index),
		cmocka_unit_test(source_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
