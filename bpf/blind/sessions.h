/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * blind_find: the tables of indices, sessions and hints; index.h includes it. Data reads them
 * without a lock, and handshakes change them under one. An entry gets another value while its key
 * is 0; only when it is confirmed or deleted does its value change while its key is there. A reader
 * checks the key again when it has the value.
 */
#pragma once

#include "table.h"

INLINE bool blind_is_alive(__u64 value, __u64 now)
{
	return BLIND_UNTIL(value) > now;
}

/* Returns the place of the key in this bucket, or NULL */
INLINE struct blind_session *blind_bucket_find(struct blind_bucket *bucket, __u64 key)
{
#pragma clang loop unroll(full)
	for (int i = 0; i < BLIND_WAYS; i++)
		if (read_once(bucket->way[i].key) == key)
			return &bucket->way[i];
	return NULL;
}

/* Returns the place of a key, or NULL. map: a constant */
INLINE struct blind_session *blind_find_in(void *map, __u64 key)
{
	__u64 hash = blind_hash(key);
	__u32 home = blind_home(hash, 0, blind_mask);
	struct blind_bucket *bucket = bpf_map_lookup_elem(map, &home);
	struct blind_session *e = bucket ? blind_bucket_find(bucket, key) : NULL;

	if (e)
		return e;
	home = blind_home(hash, 1, blind_mask);
	bucket = bpf_map_lookup_elem(map, &home);
	return bucket ? blind_bucket_find(bucket, key) : NULL;
}

/* Returns the entry's value while it lives, else 0 */
INLINE __u64 blind_value(struct blind_session *e, __u64 key, __u64 now)
{
	__u64 value;

	if (!e)
		return 0;
	e = follow_after(e, read_once(e->key));
	value = read_once(e->value);
	e = follow_after(e, value);
	return read_once(e->key) == key && blind_is_alive(value, now) ? value : 0;
}

/* ---- writers ---- */

/* Returns place i of both buckets: the second bucket's places follow the first one's */
INLINE const struct blind_session *blind_place_of(const struct blind_bucket *a,
						  const struct blind_bucket *b, int i)
{
	return i < BLIND_WAYS ? &a->way[i] : &b->way[i - BLIND_WAYS];
}

/* Returns the key's place; else one that is free or expired; else an unconfirmed one; else -1.
 * Three passes with an early exit cost the verifier less than one that compares. */
INLINE int blind_find_place(const struct blind_bucket *a, const struct blind_bucket *b, __u64 key,
			    __u64 now)
{
#pragma clang loop unroll(full)
	for (int i = 0; i < 2 * BLIND_WAYS; i++)
		if (blind_place_of(a, b, i)->key == key)
			return i;
#pragma clang loop unroll(full)
	for (int i = 0; i < 2 * BLIND_WAYS; i++)
		if (!blind_place_of(a, b, i)->key ||
		    !blind_is_alive(blind_place_of(a, b, i)->value, now))
			return i;
#pragma clang loop unroll(full)
	for (int i = 0; i < 2 * BLIND_WAYS; i++)
		if (!(blind_place_of(a, b, i)->value & BLIND_CONFIRMED))
			return i;
	return -1;
}

INLINE void blind_store(struct blind_session *e, __u64 key, __u64 value)
{
	__sync_lock_test_and_set(&e->key, 0);
	__sync_lock_test_and_set(&e->value, value);
	__sync_lock_test_and_set(&e->key, key);
}

/* Data confirms an entry without the lock. So an entry is deleted by its value first: false if it
 * has just become another one. */
INLINE bool blind_clear(struct blind_session *e, __u64 value)
{
	return __sync_val_compare_and_swap(&e->value, value, 0) == value;
}

/* Does what blind_put_in() says. Returns 0, or negative if the entry was confirmed meanwhile. */
INLINE int blind_change(struct blind_session *e, const struct blind_work *s)
{
	__u64 was = read_once(e->value);
	bool same = e->key == s->key;

	if (s->value) {
		if (!same && ((was & BLIND_CONFIRMED && blind_is_alive(was, s->now)) ||
			      !blind_clear(e, was)))
			return -1;
		blind_store(e, s->key, s->value);
	} else if (same && BLIND_ORIGIN(was) == s->origin &&
		   (s->even || !(was & BLIND_CONFIRMED)) && blind_clear(e, was)) {
		__sync_lock_test_and_set(&e->key, 0);
	}
	return 0;
}

/* Gives s->key the value s->value. Returns 0, or negative if there is no room. A value of 0
 * deletes the key if it is s->origin's, and either unconfirmed or s->even. Places are found
 * first: under the lock the verifier allows no calls. */
INLINE int blind_put_in(void *map, struct blind_work *s)
{
	struct blind_bucket *first, *second;
	struct blind_lock *lock;
	__u32 zero = 0;
	int place, rc = -1;

	s->home[0] = blind_home(blind_hash(s->key), 0, blind_mask);
	s->home[1] = blind_home(blind_hash(s->key), 1, blind_mask);
	first = bpf_map_lookup_elem(map, &s->home[0]);
	if (!first)
		return -1;
	second = bpf_map_lookup_elem(map, &s->home[1]);
	if (!second)
		return -1;
	lock = bpf_map_lookup_elem(&blind_lock, &zero);
	if (!lock)
		return -1;
	bpf_spin_lock(&lock->lock);
	place = blind_find_place(first, second, s->key, s->now);
	if (place >= 0)
		rc = blind_change(&(place & BLIND_WAYS ? second : first)->
				  way[place & (BLIND_WAYS - 1)], s);
	bpf_spin_unlock(&lock->lock);
	return rc;
}
