/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * See flow_table.h. The kernel maps both arrays into this process.
 */
#include <errno.h>
#include <string.h>
#include "dataplane/flow_table.h"
#include "dataplane/map_info.h"
#include "lib/jiffies.h"

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
	const __u64 *word = &b->line.word[place % LEARNED_WAYS];

	ret->place = place;
	ret->word = __atomic_load_n(word, __ATOMIC_ACQUIRE);
	if (!learned_word_tag(ret->word) || learned_word_state(ret->word) == LEARNED_BUSY)
		return false;
	ret->flow = b->flow[place % LEARNED_WAYS];
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return learned_same(ret->word, __atomic_load_n(word, __ATOMIC_RELAXED));
}

/* ---- writing ---- */

#define PREFER 4		/* as LEARNED_PREFER of bpf/learned.h */

struct home {
	__u32 place, tag;		/* a free place */
	__u32 free;			/* places; 0 also if the tag is there: it may stand once */
};

static struct home look_at(const struct learned_line *line, __u32 home, __u64 hash)
{
	__u32 tag = learned_tag(hash), first = learned_first(hash);
	struct home ret = { .tag = tag };

	for (__u32 i = 0; i < LEARNED_WAYS; i++) {
		if (learned_word_tag(line->word[i]) == tag)
			return (struct home){ 0 };
		if (learned_word_tag(line->word[i]))
			continue;
		ret.place = home * LEARNED_WAYS + i;
		ret.free++;
	}
	if (!learned_word_tag(line->word[first]))
		ret.place = home * LEARNED_WAYS + first;
	return ret;
}

/* Finds a free place for a key in lines that lie `step` bytes apart; .free is 0 if there is none.
 * Without the choice of the emptier home a half-full table has no room for some. */
static struct home find_place(const struct flow_key *key, const struct learned_secret *secret,
			      const void *lines, size_t step, __u32 mask)
{
	__u64 hash[2] = { learned_hash((const __u64 *)key, secret) };
	struct home h[2];

	hash[1] = learned_second(hash[0], secret);
	for (int i = 0; i < 2; i++) {
		__u32 home = hash[i] & mask;

		h[i] = look_at((const void *)((const char *)lines + home * step), home, hash[i]);
	}
	return h[0].free >= PREFER || h[0].free >= h[1].free ? h[0] : h[1];
}

bool flow_table_put(const struct flow_table *t, const struct flow *flow, enum learned_state state,
		    __u64 until)
{
	struct flow_key original = flow_key_of(flow, DIRECTION_ORIGINAL);
	struct flow_key reply = flow_key_of(flow, DIRECTION_REPLY);
	struct home place = find_place(&original, &t->secret, t->buckets, sizeof(*t->buckets),
				       t->n - 1);
	struct home index = find_place(&reply, &t->secret, t->index, sizeof(*t->index),
				       2 * t->n - 1);
	struct flow_bucket *b = &t->buckets[place.place / LEARNED_WAYS];
	struct flow *to = &b->flow[place.place % LEARNED_WAYS];

	if (!place.free || !index.free)
		return false;
	*to = *flow;
	to->place = index.place;
	t->index[index.place / LEARNED_WAYS].word[index.place % LEARNED_WAYS] =
		(__u64)index.tag << 32 | place.place;
	b->line.word[place.place % LEARNED_WAYS] = learned_word(place.tag, state, 0, until);
	return true;
}
