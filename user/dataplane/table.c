/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <linux/membarrier.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "dataplane/map_info.h"
#include "dataplane/table.h"
#include "lib/grow.h"

#define GRACE_MS 20	/* much longer than a program runs for one packet, which is below 1 ms */

void table_grace(void)
{
	struct timespec left = { .tv_nsec = GRACE_MS * 1000 * 1000 };

	if (!syscall(__NR_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		return;
	/* Kernels with nohz_full CPUs refuse this command, and so may a seccomp filter. */
	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

__u32 table_size(size_t n)
{
	__u32 buckets = 256;

	while ((size_t)buckets * TABLE_WAYS < n * 4)
		buckets *= 2;
	return buckets;
}

static struct table_entry *place_of(const struct table *t, __u64 hash, int i)
{
	return &t->buckets[table_home(hash, i / TABLE_WAYS, t->n - 1)].entry[i % TABLE_WAYS];
}

static size_t place_number(const struct table *t, const struct table_entry *e)
{
	size_t bucket = ((char *)e - (char *)t->buckets) / sizeof(*t->buckets);

	return bucket * TABLE_WAYS + (e - t->buckets[bucket].entry);
}

#define PLACES (2 * TABLE_WAYS)

static bool same_key(const struct table_key *a, const struct table_key *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static struct table_entry *find_entry(const struct table *t, __u64 hash,
				      const struct table_key *key)
{
	for (int i = 0; i < PLACES; i++) {
		struct table_entry *e = place_of(t, hash, i);

		if (e->tag == hash && same_key(&e->key, key))
			return e;
	}
	return NULL;
}

const struct table_entry *table_lookup(const struct table *t, const struct table_key *key)
{
	return find_entry(t, table_hash(key), key);
}

static void publish_entry(struct table_entry *to, const struct table_entry *from, __u64 hash)
{
	to->key = from->key;
	memcpy(to->value, from->value, sizeof(to->value));
	__atomic_store_n(&to->tag, hash, __ATOMIC_RELEASE);
}

/* Old entries to remove. Readers find them until unpublish_all(). */
struct leaving {
	struct table_entry **entries;
	size_t n;
};

/* Unpublishes the old entries, and waits for readers that still use them. published: new entries
 * were published, so it first waits for readers that began before and may need the old ones. */
static void unpublish_all(struct table *t, struct leaving *l, bool published)
{
	if (!l->n)
		return;
	if (published)
		t->grace();
	for (size_t i = 0; i < l->n; i++)
		__atomic_store_n(&l->entries[i]->tag, 0, __ATOMIC_RELEASE);
	t->grace();
	l->n = 0;
}

static struct table_entry *free_place(const struct table *t, __u64 hash)
{
	for (int i = 0; i < PLACES; i++)
		if (!place_of(t, hash, i)->tag)
			return place_of(t, hash, i);
	return NULL;
}

/* Most moves of entries that make room for one. With fewer, a key whose two buckets are the same
 * cannot always change. */
enum { MOVES = 6 };

/* Returns a free place for this hash. If there is none, it frees one by moving an entry to its
 * other bucket, recursively up to `depth` moves. Returns NULL if that fails. */
static struct table_entry *make_room(struct table *t, __u64 hash, int depth, bool *kept)
{
	struct table_entry *room = free_place(t, hash);

	for (int i = 0; !room && depth && i < PLACES; i++) {
		struct table_entry *e = place_of(t, hash, i),
				   *to = make_room(t, e->tag, depth - 1, kept);
		struct leaving l = { .entries = &e, .n = 1 };

		if (to && to != e && e->tag) {
			publish_entry(to, e, e->tag);
			kept[place_number(t, to)] = kept[place_number(t, e)];
			kept[place_number(t, e)] = false;
			unpublish_all(t, &l, true);
		}
		if (!e->tag)	/* the entry was moved away, here or deeper in the recursion */
			room = e;
	}
	return room;
}

/* Undoes a failed sync: removes the entries that it published. It finds them by their keys, because
 * they may have been moved. */
static void withdraw_published(struct table *t, const struct table_entry *want,
			       const bool *published, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (int p = 0; p < PLACES && published[i]; p++) {
			struct table_entry *e = place_of(t, want[i].tag, p);

			if (e->tag == want[i].tag && same_key(&e->key, &want[i].key) &&
			    !memcmp(e->value, want[i].value, sizeof(e->value)))
				__atomic_store_n(&e->tag, 0, __ATOMIC_RELEASE);
		}
	t->grace();
}

/* Collects the entries that a changed key, or a key that a killed writer was moving, has twice. One
 * entry with the wanted value stays; the others are added to l. */
static void collect_changed(struct table *t, const struct table_entry *want, const bool *published,
			    size_t n, bool *kept, struct leaving *l)
{
	for (size_t i = 0; i < n; i++) {
		bool found = false;

		for (int p = 0; p < PLACES && published[i]; p++) {
			struct table_entry *e = place_of(t, want[i].tag, p);

			if (e->tag != want[i].tag || !same_key(&e->key, &want[i].key) ||
			    kept[place_number(t, e)])
				continue;
			/* Marks that this entry was handled: it stays, or leaves with the list. */
			kept[place_number(t, e)] = true;
			if (!found && !memcmp(e->value, want[i].value, sizeof(e->value)))
				found = true;
			else
				l->entries[l->n++] = e;
		}
	}
}

/* Collects the entries of the table whose keys are not wanted. */
static void collect_unwanted(struct table *t, const bool *kept, struct leaving *l)
{
	for (size_t i = 0; i < (size_t)t->n * TABLE_WAYS; i++) {
		struct table_entry *e = &t->buckets[i / TABLE_WAYS].entry[i % TABLE_WAYS];

		if (e->tag && !kept[i])
			l->entries[l->n++] = e;
	}
}

int table_sync(struct table *t, struct table_entry *want, size_t n)
{
	size_t places = (size_t)t->n * TABLE_WAYS;
	struct leaving leaving = { .entries = xcalloc(places, sizeof(*leaving.entries)) };
	bool *published = xcalloc(n + 1, sizeof(*published));
	bool *kept = xcalloc(places, sizeof(*kept));
	size_t n_published = 0, n_changed;
	int rc;

	for (size_t i = 0; i < n; i++) {
		struct table_entry *room, *old;

		want[i].tag = table_hash(&want[i].key);
		old = find_entry(t, want[i].tag, &want[i].key);
		if (old && !memcmp(old->value, want[i].value, sizeof(old->value))) {
			kept[place_number(t, old)] = true;
			continue;
		}
		room = make_room(t, want[i].tag, MOVES, kept);
		if (!room) {
			withdraw_published(t, want, published, i);
			rc = -ENOSPC;
			goto cleanup;
		}
		publish_entry(room, &want[i], want[i].tag);
		published[i] = true;
		n_published++;
	}
	/* Only now do the entries no longer move: make_room() moves them. */
	collect_changed(t, want, published, n, kept, &leaving);
	n_changed = leaving.n;
	collect_unwanted(t, kept, &leaving);
	rc = (n_published > n_changed ? n_published : n_changed) + leaving.n - n_changed;
	unpublish_all(t, &leaving, n_published);
cleanup:
	free(kept);
	free(published);
	free(leaving.entries);
	return rc;
}

int table_read(int map, struct table_entry **ret, size_t *ret_n)
{
	__u32 n = map_entries(map);
	size_t size = n * sizeof(struct table_bucket), used = 0;
	struct table_bucket *buckets = map_memory(map, size, PROT_READ);
	struct table_entry *list = NULL;

	if (!buckets)
		return -errno;
	for (__u32 i = 0; i < n * TABLE_WAYS; i++) {
		const struct table_entry *e = &buckets[i / TABLE_WAYS].entry[i % TABLE_WAYS];

		if (e->tag)
			*append(list, used) = *e;
	}
	munmap(buckets, size);
	*ret = list;
	*ret_n = used;
	return 0;
}
