/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements flow_table.h. Both maps are mapped into memory.
 */
#include <errno.h>
#include "dataplane/flow_table.h"
#include "dataplane/map_info.h"

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
