/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The hash tables of receiver indices, for the step blind_find(): the maps sessions and hints.
 * index.h includes it. Data looks indices up without a lock; handshakes change the tables under
 * blind_lock. A writer sets the key to 0 while it replaces the value. The value changes under a
 * present key only when the entry is confirmed or deleted. So a reader reads the key again after
 * the value.
 */
#pragma once

#include "table.h"

INLINE bool blind_is_alive(__u64 value, __u64 now)
{
	return BLIND_UNTIL(value) > now;
}

/* Returns the entry of the key in this bucket, or NULL. */
INLINE struct blind_session *blind_bucket_find(struct blind_bucket *bucket, __u64 key)
{
#pragma clang loop unroll(full)
	for (int i = 0; i < BLIND_WAYS; i++)
		if (read_once(bucket->way[i].key) == key)
			return &bucket->way[i];
	return NULL;
}

/* Returns the entry of a key, or NULL. map: must be a constant. */
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

/* Returns the value of entry e if it still has this key and is valid, otherwise 0. */
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

/* Returns place i of buckets a and b together, where the places of a come first. */
INLINE const struct blind_session *blind_place_of(const struct blind_bucket *a,
						  const struct blind_bucket *b, int i)
{
	return i < BLIND_WAYS ? &a->way[i] : &b->way[i - BLIND_WAYS];
}

/* Returns how many places of the bucket hold a valid entry. A present key has the top bit set, and
 * so has the negative time since the end of a valid entry. Branches in place of these bits would
 * double the verifier's paths. */
INLINE __u64 blind_count_used(const struct blind_bucket *bucket, __u64 now)
{
	__u64 n = 0;

#pragma clang loop unroll(full)
	for (int i = 0; i < BLIND_WAYS; i++) {
		__u64 past = now - BLIND_UNTIL(bucket->way[i].value);

		barrier_var(past);
		n += (bucket->way[i].key & past) >> 63;
		barrier_var(n);
	}
	return n;
}

/* Returns the first place of the bucket that is free or expired, or -1. */
INLINE int blind_find_free(const struct blind_bucket *bucket, __u64 now)
{
#pragma clang loop unroll(full)
	for (int i = 0; i < BLIND_WAYS; i++)
		if (!bucket->way[i].key || !blind_is_alive(bucket->way[i].value, now))
			return i;
	return -1;
}

/* Returns the place for a key: its present one, a free or expired one, or an unconfirmed one; -1:
 * there is none. Readers look into a first, so a free place there comes first. But the last one in
 * a stays free while b has more: with half of all places taken, one key in 5,000 finds none. Passes
 * with an early exit cost the verifier less than a comparing pass. */
INLINE int blind_find_place(const struct blind_bucket *a, const struct blind_bucket *b, __u64 key,
			    __u64 now)
{
	bool second = blind_count_used(a, now) >= BLIND_WAYS - 1 &&
		      blind_count_used(b, now) < BLIND_WAYS - 1;
	int free;

#pragma clang loop unroll(full)
	for (int i = 0; i < 2 * BLIND_WAYS; i++)
		if (blind_place_of(a, b, i)->key == key)
			return i;
	free = second ? -1 : blind_find_free(a, now);
	if (free >= 0)
		return free;
	free = blind_find_free(b, now);
	if (free >= 0)
		return BLIND_WAYS + free;
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

/* Clears an entry's value, before the entry is deleted or replaced. Returns false if it no longer
 * has this value: data has confirmed it meanwhile, which needs no lock. */
INLINE bool blind_clear(struct blind_session *e, __u64 value)
{
	return __sync_val_compare_and_swap(&e->value, value, 0) == value;
}

/* Writes or deletes the entry, as blind_put_in() describes. Returns 0, or a negative value if the
 * entry was confirmed meanwhile. */
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

/* Sets s->key to the value s->value. Returns 0, or a negative value if there is no place. With a
 * value of 0 it deletes the key, if s->origin gave it out, and it is unconfirmed or s->even is set.
 * The buckets are looked up first, because the verifier allows no calls while the lock is held. */
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
