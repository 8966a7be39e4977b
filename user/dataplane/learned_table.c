/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The maps are mapped into memory.
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

/* One of the two lines that may contain a key. */
struct home {
	struct learned_line *line;
	__u32 first_place, tag;
	/* way: index of a free way, valid if `free` (their number) is not 0 */
	__u32 way, free;
	__u32 same;			/* number of ways that have the tag of the key */
};

static __u64 word_at(const struct home *h, __u32 way)
{
	return __atomic_load_n(&h->line->word[way], __ATOMIC_ACQUIRE);
}

static struct home look_at(const struct learned_lines *lines, __u64 hash)
{
	__u32 at = hash & lines->mask, first = learned_first(hash);
	struct home h = {
		.line = (void *)((char *)lines->first + at * lines->step),
		.first_place = at * LEARNED_WAYS,
		.tag = learned_tag(hash),
	};

	for (__u32 i = 0; i < LEARNED_WAYS; i++) {
		__u32 tag = learned_word_tag(word_at(&h, i));

		h.same += tag == h.tag;
		if (tag)
			continue;
		if (!h.free++ || i == first)
			h.way = i;
	}
	return h;
}

/* Reserves a place in the emptier of the key's two lines. With a fixed choice, some keys would find
 * no room even in a half-full table. */
struct learned_home learned_take(const __u64 *key, const struct learned_secret *secret,
				 const struct learned_lines *lines, const __u32 *named)
{
	__u64 hash = learned_hash(key, secret), other = learned_second(hash, secret), was, taken;
	struct home a = look_at(lines, hash), b = look_at(lines, other);
	struct home *h = a.free >= LEARNED_PREFER || a.free >= b.free ? &a : &b;
	bool one = a.line == b.line && a.tag == b.tag;
	__u64 *word = &h->line->word[h->way];

	if (!h->free || a.same || b.same)
		return (struct learned_home){ 0 };
	was = word_at(h, h->way);
	taken = named ? (__u64)h->tag << 32 | *named : learned_word(h->tag, LEARNED_BUSY, was, 0);
	if (learned_word_tag(was) ||
	    !__atomic_compare_exchange_n(word, &was, taken, false, __ATOMIC_SEQ_CST,
					 __ATOMIC_SEQ_CST))
		return (struct learned_home){ 0 };
	if (look_at(lines, hash).same + look_at(lines, other).same == 1 + one)
		return (struct learned_home){ word, h->first_place + h->way };
	/* A BPF program has just reserved a place for the same tag, perhaps the same key: give this
	 * one back. */
	__atomic_store_n(word, named ? 0 : learned_word_free(taken), __ATOMIC_SEQ_CST);
	return (struct learned_home){ 0 };
}

void learned_publish(const struct learned_home *h, enum learned_state state, __u64 until)
{
	__atomic_store_n(h->word, learned_word(learned_word_tag(*h->word), state, *h->word, until),
			 __ATOMIC_SEQ_CST);
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

bool learned_table_put(const struct learned_table *t, const struct learned_secret *secret,
		       const struct learned_entry *entry, enum learned_state state, __u64 until)
{
	struct learned_lines lines = { t->buckets, sizeof(*t->buckets), t->n - 1 };
	struct learned_home h = learned_take(entry->key.word, secret, &lines, NULL);

	if (!h.word)
		return false;
	t->buckets[h.place / LEARNED_WAYS].entry[h.place % LEARNED_WAYS] = *entry;
	learned_publish(&h, state, until);
	return true;
}

void learned_table_copy(int from, int to, const struct learned_secret *secret)
{
	struct learned_table old, new;
	struct learned_entry e;
	__u64 word;

	if (!learned_is_table(from) || !learned_is_table(to) ||
	    learned_table_open(from, false, &old))
		return;
	if (!learned_table_open(to, true, &new)) {
		for (__u32 i = 0; i < old.n * LEARNED_WAYS; i++) {
			const struct learned_bucket *b = &old.buckets[i / LEARNED_WAYS];
			__u32 way = i % LEARNED_WAYS;

			if (learned_place_read(&b->line.word[way], &b->entry[way], sizeof(e), &e,
					       &word))
				learned_table_put(&new, secret, &e, learned_word_state(word), word);
		}
		learned_table_close(&new);
	}
	learned_table_close(&old);
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

/* ---- the table of flows ---- */

__u32 flow_table_buckets(__u32 flows)
{
	__u32 n = 1;

	while (n * LEARNED_WAYS * 2ULL < flows * 3ULL)
		n *= 2;
	return n;
}

__u32 flow_table_room(__u32 buckets)
{
	return buckets * LEARNED_WAYS * 2ULL / 3;
}

int flow_table_open(int flows, __u32 n, struct flow_table *ret)
{
	*ret = (struct flow_table){ .n = n };
	ret->buckets = map_memory(flows, n * sizeof(*ret->buckets), PROT_READ);
	return ret->buckets ? 0 : -errno;
}

int flow_table_open_new(int flows, int index, __u32 n, const struct learned_secret *secret,
			struct flow_table *ret)
{
	int rc;

	*ret = (struct flow_table){ .n = n, .secret = *secret };
	ret->buckets = map_memory(flows, n * sizeof(*ret->buckets), PROT_READ | PROT_WRITE);
	ret->index = map_memory(index, 2 * n * sizeof(*ret->index), PROT_READ | PROT_WRITE);
	if (ret->buckets && ret->index)
		return 0;
	rc = -errno;
	flow_table_close(ret);
	return rc;
}

void flow_table_close(struct flow_table *t)
{
	if (t->buckets)
		munmap(t->buckets, t->n * sizeof(*t->buckets));
	if (t->index)
		munmap(t->index, 2 * t->n * sizeof(*t->index));
	*t = (struct flow_table){ 0 };
}

bool flow_table_read(const struct flow_table *t, __u32 place, struct flow_entry *ret)
{
	const struct flow_bucket *b = &t->buckets[place / LEARNED_WAYS];
	__u32 way = place % LEARNED_WAYS;

	ret->place = place;
	return learned_place_read(&b->line.word[way], &b->flow[way], sizeof(ret->flow), &ret->flow,
				  &ret->word);
}

/* ---- writing ---- */

bool flow_table_put(const struct flow_table *t, const struct flow *flow, enum learned_state state,
		    __u64 until)
{
	struct flow_key original = flow_key_of(flow, DIRECTION_ORIGINAL);
	struct flow_key reply = flow_key_of(flow, DIRECTION_REPLY);
	struct learned_lines flows = { t->buckets, sizeof(*t->buckets), t->n - 1 };
	struct learned_lines words = { t->index, sizeof(*t->index), 2 * t->n - 1 };
	struct learned_home h = learned_take((const __u64 *)&original, &t->secret, &flows, NULL);
	struct learned_home index;
	struct flow *to;

	if (!h.word)
		return false;
	index = learned_take((const __u64 *)&reply, &t->secret, &words, &h.place);
	if (!index.word) {
		__atomic_store_n(h.word, learned_word_free(*h.word), __ATOMIC_SEQ_CST);
		return false;
	}
	to = &t->buckets[h.place / LEARNED_WAYS].flow[h.place % LEARNED_WAYS];
	*to = *flow;
	to->place = index.place;
	learned_publish(&h, state, until);
	return true;
}
