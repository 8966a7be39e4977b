/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements former_learned.h.
 */
#include <string.h>
#include "dataplane/former_learned.h"
#include "dataplane/learned_table.h"
#include "dataplane/map_info.h"

struct copying {
	enum dataplane_map map;
	struct learned_table to;
	const struct learned_secret *secret;
	size_t key_size, value_size;
};

/* ---- from an LRU_HASH ---- */

/* Value of the former maps `answered` and `indices`. */
struct former_answered {
	__u64 until;			/* timeout of the entry, in jiffies */
	__u32 backend, counted;
};

/* Writes an entry to the new table, unless it has timed out: times in a word wrap around, so a very
 * old one could look valid. until: the entry's timeout, in units of abi_learned.h. */
static void put_entry(const struct copying *c, const struct learned_entry *e,
		      enum learned_state state, __u64 until)
{
	if (until > learned_now())
		learned_table_put(&c->to, c->secret, e, state, until);
}

static void copy_answered(const struct copying *c, struct learned_entry *e, const void *value)
{
	const struct former_answered *a = value;

	e->value.answered = (struct answered){
		.backend = a->backend, .used = c->map == MAP_indices && a->counted,
	};
	put_entry(c, e, LEARNED_LIVE, a->until >> learned_shift());
}

static void copy_one(const struct copying *c, const void *key, const void *value)
{
	struct learned_entry e = { 0 };
	__u64 until;

	memcpy(e.key.word, key, c->key_size);
	switch (c->map) {
	case MAP_answered:
	case MAP_indices:
		copy_answered(c, &e, value);
		break;
	case MAP_choices:
		memcpy(e.value.word, value, c->value_size);
		put_entry(c, &e, LEARNED_LIVE, learned_now() + learned_units(CHOICE_LIVE_SECONDS));
		break;
	case MAP_challenged:
		memcpy(&until, value, sizeof(until));
		put_entry(c, &e, LEARNED_HALF, until >> learned_shift());
		break;
	case MAP_guard_sources:
		memcpy(&e.value.used, value, sizeof(e.value.used));
		e.key.client = (struct client_key){ .addr = e.key.client.addr,
						    .id = e.key.word[2] };
		put_entry(c, &e, LEARNED_HALF, e.value.used >> GUARD_TICK >> learned_shift());
		break;
	default:
		break;
	}
}

static int copy_batch(void *data, const void *keys, const void *values, __u32 n)
{
	const struct copying *c = data;

	for (__u32 i = 0; i < n; i++)
		copy_one(c, (const char *)keys + i * c->key_size,
			 (const char *)values + i * c->value_size);
	return 0;
}

static bool is_former(const struct copying *c, int from)
{
	struct bpf_map_info info = map_info(from);

	return info.type == BPF_MAP_TYPE_LRU_HASH && info.key_size == c->key_size &&
	       info.value_size == c->value_size;
}

static struct copying copying_of(enum dataplane_map m)
{
	struct copying c = { .map = m };

	c.key_size = m == MAP_choices ? sizeof(struct choice_key) :
		     m == MAP_indices ? sizeof(struct index_key) : sizeof(struct client_key);
	c.value_size = m == MAP_choices ? sizeof(struct choice) :
		       m == MAP_answered || m == MAP_indices ? sizeof(struct former_answered) :
							       sizeof(__u64);
	return c;
}

/* ---- from a table of another size ---- */

static void copy_table(const struct copying *c, int from)
{
	struct learned_table t;
	struct learned_entry e;
	__u64 word;

	if (learned_table_open(from, false, &t))
		return;
	for (__u32 place = 0; place < t.n * LEARNED_WAYS; place++)
		if (learned_table_read(&t, place, &e, &word))
			learned_table_put(&c->to, c->secret, &e, learned_word_state(word), word);
	learned_table_close(&t);
}

void former_learned(enum dataplane_map m, int from, int to, const struct learned_secret *secret)
{
	struct copying c = copying_of(m);

	c.secret = secret;
	if (!learned_is_table(to) || learned_table_open(to, true, &c.to))
		return;
	if (learned_is_table(from))
		copy_table(&c, from);
	else if (is_former(&c, from))
		dataplane_batches(from, c.key_size, c.value_size, 4096, copy_batch, &c);
	learned_table_close(&c.to);
}
