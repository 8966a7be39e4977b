/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * See learned_table.h. The kernel maps the arrays into this process.
 */
#include <errno.h>
#include "dataplane/learned_table.h"
#include "dataplane/map_info.h"
#include "lib/jiffies.h"

__u32 learned_shift(void)
{
	__u32 rate = jiffies_a_second(), shift = 0;

	while (rate >> shift >= LEARNED_SECOND)
		shift++;
	return shift;
}

__u64 learned_now(void)
{
	return jiffies_now() >> learned_shift();
}

__u64 learned_units(__u32 seconds)
{
	return (__u64)seconds * jiffies_a_second() >> learned_shift();
}

__u64 learned_seconds(__u64 units)
{
	__u32 rate = jiffies_a_second();

	return ((units << learned_shift()) + rate / 2) / rate;
}

/* ---- a place ---- */

/* Looks for a free place in one home. *ret_there: the tag stands there already. */
static struct learned_home look_at(const struct learned_line *line, __u32 home, __u64 hash,
				   bool *ret_there)
{
	__u32 tag = learned_tag(hash), first = learned_first(hash);
	struct learned_home ret = { .tag = tag };

	for (__u32 i = 0; i < LEARNED_WAYS; i++) {
		*ret_there |= learned_word_tag(line->word[i]) == tag;
		if (learned_word_tag(line->word[i]))
			continue;
		ret.place = home * LEARNED_WAYS + i;
		ret.free++;
	}
	if (!learned_word_tag(line->word[first]))
		ret.place = home * LEARNED_WAYS + first;
	return ret;
}

/* Without the choice of the emptier home a half-full table has no room for some. */
struct learned_home learned_place(const __u64 *key, const struct learned_secret *secret,
				  const void *lines, size_t step, __u32 mask)
{
	__u64 hash[2] = { learned_hash(key, secret) };
	struct learned_home h[2];
	bool there = false;

	hash[1] = learned_second(hash[0], secret);
	for (int i = 0; i < 2; i++) {
		__u32 home = hash[i] & mask;

		h[i] = look_at((const void *)((const char *)lines + home * step), home, hash[i],
			       &there);
	}
	if (there)
		return (struct learned_home){ 0 };
	return h[0].free >= LEARNED_PREFER || h[0].free >= h[1].free ? h[0] : h[1];
}

/* ---- tables of struct learned_entry ---- */

__u32 learned_buckets(__u32 places)
{
	__u32 n = 1;

	while (n * LEARNED_WAYS < places)
		n *= 2;
	return n;
}

bool learned_is_table(int map)
{
	return map_info(map).value_size == sizeof(struct learned_bucket);
}

int learned_table_open(int map, bool writes, struct learned_table *ret)
{
	ret->n = map_entries(map);
	ret->buckets = map_memory(map, ret->n * sizeof(*ret->buckets),
				  writes ? PROT_READ | PROT_WRITE : PROT_READ);
	return ret->buckets ? 0 : -errno;
}

void learned_table_close(struct learned_table *t)
{
	munmap(t->buckets, t->n * sizeof(*t->buckets));
}

bool learned_table_read(const struct learned_table *t, __u32 place, struct learned_entry *ret,
			__u64 *ret_word)
{
	const struct learned_bucket *b = &t->buckets[place / LEARNED_WAYS];
	const __u64 *word = &b->line.word[place % LEARNED_WAYS];

	*ret_word = __atomic_load_n(word, __ATOMIC_ACQUIRE);
	if (!learned_word_tag(*ret_word) || learned_word_state(*ret_word) == LEARNED_BUSY)
		return false;
	*ret = b->entry[place % LEARNED_WAYS];
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return learned_same(*ret_word, __atomic_load_n(word, __ATOMIC_RELAXED));
}

bool learned_table_put(const struct learned_table *t, const struct learned_secret *secret,
		       const struct learned_entry *entry, enum learned_state state, __u64 until)
{
	struct learned_home h = learned_place(entry->key.word, secret, t->buckets,
					      sizeof(*t->buckets), t->n - 1);
	struct learned_bucket *b = &t->buckets[h.place / LEARNED_WAYS];

	if (!h.free)
		return false;
	b->entry[h.place % LEARNED_WAYS] = *entry;
	b->line.word[h.place % LEARNED_WAYS] = learned_word(h.tag, state, 0, until);
	return true;
}

__u32 learned_table_used(int map)
{
	struct learned_table t;
	__u64 now = learned_now();
	__u32 used = 0;

	if (learned_table_open(map, false, &t))
		return 0;
	for (__u32 i = 0; i < t.n * LEARNED_WAYS; i++) {
		const struct learned_line *line = &t.buckets[i / LEARNED_WAYS].line;
		__u64 word = __atomic_load_n(&line->word[i % LEARNED_WAYS], __ATOMIC_RELAXED);

		used += learned_word_tag(word) && learned_left(word, now);
	}
	learned_table_close(&t);
	return used;
}
