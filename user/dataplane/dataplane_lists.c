/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements the part of dataplane.h for the lists allow and deny, in the map source_trie. While
 * they change, each client always gets either its old or its new verdict. To ensure this, longer
 * prefixes are written before shorter ones and removed after them. The prefixes of a service are
 * written before its table entries say that it has lists, and are removed after no entry says so.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <time.h>
#include "dataplane/control.h"
#include "dataplane/dataplane.h"
#include "dataplane/dataplane_programs.h"
#include "dataplane/followed_lists.h"
#include "dataplane/map_info.h"
#include "lib/grow.h"
#include "lib/log.h"

void dataplane_lists(const struct dataplane *dp, struct list_entry **ret, size_t *ret_n)
{
	struct source_key key, next;
	bool more = !bpf_map_get_next_key(map_fd(dp, MAP_source_trie), NULL, &next);
	struct list_entry *list = NULL, *e;
	size_t n = 0;

	for (; more; more = !bpf_map_get_next_key(map_fd(dp, MAP_source_trie), &key, &next)) {
		key = next;
		if (!(ntohl(key.id) & SERVICE_LIST))
			continue;
		e = append(list, n);
		e->key = key;
		/* The longest match of this key is the entry itself, so the lookup returns its
		 * verdict. */
		bpf_map_lookup_elem(map_fd(dp, MAP_source_trie), &key, &e->verdict);
	}
	*ret = list;
	*ret_n = n;
}

static int compare_entries(const void *a, const void *b)
{
	return memcmp(&((const struct list_entry *)a)->key, &((const struct list_entry *)b)->key,
		      sizeof(struct source_key));
}

static int longest_first(const void *a, const void *b)
{
	__u32 x = ((const struct list_entry *)a)->key.prefixlen,
	      y = ((const struct list_entry *)b)->key.prefixlen;

	return (x < y) - (x > y);
}

/* Finds the entries of `list` that `other` lacks, longest prefixes first. verdicts: finds also
 * those that have another verdict there. */
static void find_differing(const struct list_entry *list, size_t n, struct list_entry *other,
			   size_t n_other, bool verdicts, struct list_entry **ret, size_t *ret_n)
{
	const struct list_entry *found;

	if (n_other)
		qsort(other, n_other, sizeof(*other), compare_entries);
	for (size_t i = 0; i < n; i++) {
		found = n_other ? bsearch(&list[i], other, n_other, sizeof(*other), compare_entries)
				: NULL;
		if (!found || (verdicts && found->verdict != list[i].verdict))
			*append(*ret, *ret_n) = list[i];
	}
	if (*ret_n)
		qsort(*ret, *ret_n, sizeof(**ret), longest_first);
}

/* Writes all entries of the list to the trie. If there is no room, it restores what it has changed,
 * in reverse order. before: the former entries, sorted by compare_entries(). */
static int write_all(const struct dataplane *dp, const struct list_entry *list, size_t n,
		     const struct list_entry *before, size_t n_before)
{
	const struct list_entry *was;
	int map = map_fd(dp, MAP_source_trie), rc = 0;
	size_t i;

	for (i = 0; i < n && !rc; i++)
		rc = bpf_map_update_elem(map, &list[i].key, &list[i].verdict, BPF_ANY) ? -errno : 0;
	if (!rc)
		return 0;
	log_error("there is no room for %zu more prefixes of allow and deny: %s: the limit of all lists together is %u",
		  n, strerror(-rc), dataplane_entries(dp, MAP_source_trie));
	while (i--) {
		was = n_before ? bsearch(&list[i], before, n_before, sizeof(*before),
					 compare_entries) : NULL;
		if (was)
			bpf_map_update_elem(map, &was->key, &was->verdict, BPF_ANY);
		else
			bpf_map_delete_elem(map, &list[i].key);
	}
	return rc;
}

int dataplane_lists_write(const struct dataplane *dp, const struct plan *p, int *changes)
{
	struct list_entry *running = NULL, *new = NULL;
	size_t n_running = 0, n = 0;
	int rc;

	dataplane_lists(dp, &running, &n_running);
	find_differing(p->lists, p->n_lists, running, n_running, true, &new, &n);
	rc = write_all(dp, new, n, running, n_running);
	*changes += n;
	free(running);
	free(new);
	return rc;
}

void dataplane_lists_clean(const struct dataplane *dp, const struct plan *p, int *changes)
{
	struct list_entry *running = NULL, *gone = NULL;
	size_t n_running = 0, n = 0;

	dataplane_lists(dp, &running, &n_running);
	find_differing(running, n_running, p->lists, p->n_lists, false, &gone, &n);
	*changes += n;
	while (n--)
		bpf_map_delete_elem(map_fd(dp, MAP_source_trie), &gone[n].key);
	free(running);
	free(gone);
}

/* ---- lists that other programs keep ----
 * A listed client is denied at any time while a list changes. Hints are set before their prefix
 * is written. New prefixes are written before old ones are removed. Only hints that no prefix
 * needs are cleared. */

/* Bits of list_hints for each prefix: of addresses that no list has, one in HINT_BITS or fewer has
 * a bit set at a level. */
#define HINT_BITS 32
#define HINT_BITS_LEAST 16		/* fewer bits make a pass enlarge the map */
#define HINTS_LEAST 64			/* smallest size of the map: 4 KB */
#define BITS_EACH (8 * sizeof(struct list_hints))

int dataplane_followed(const struct dataplane *dp, struct followed_list **ret, size_t *ret_n)
{
	return dataplane_array(dp, MAP_followed_lists, sizeof(**ret), ret, ret_n);
}

int dataplane_service_lists(const struct dataplane *dp, struct service_lists **ret, size_t *ret_n)
{
	return dataplane_array(dp, MAP_service_lists, sizeof(**ret), ret, ret_n);
}

bool dataplane_list_find(const struct dataplane *dp, const struct list_config *from, __u32 *ret_id,
			 struct followed_list *ret)
{
	int map = map_fd(dp, MAP_followed_lists);
	__u32 n = map_entries(map);

	if (!bpf_map_lookup_elem(map, ret_id, ret) && followed_list_is(ret, from))
		return true;
	for (*ret_id = 0; *ret_id < n; ++*ret_id)
		if (!bpf_map_lookup_elem(map, ret_id, ret) && followed_list_is(ret, from))
			return true;
	return false;
}

void dataplane_size_followed(const struct dataplane *dp, struct load_settings *set,
			     const struct plan *p, __u32 services)
{
	bool on = p->n_followed;
	__u32 hints = HINTS_LEAST;

	while ((__u64)hints * BITS_EACH < p->followed_prefixes * HINT_BITS)
		hints *= 2;
	dataplane_size_map(dp, set, MAP_lists, on ? LIST_PREFIXES : 1);
	dataplane_size_map(dp, set, MAP_list_hints, on ? hints : 1);
	dataplane_size_map(dp, set, MAP_followed_lists, on ? LIST_IDS : 1);
	dataplane_size_map(dp, set, MAP_service_lists, on ? services : 1);
}

/* ---- hints ---- */

struct hints {
	struct list_hints *map;
	size_t size;
	__u32 mask;
	struct learned_secret secret;
	struct control *control;
};

static void hints_close(struct hints *h)
{
	if (h->map)
		munmap(h->map, h->size);
	control_unmap(h->control);
}

static int hints_open(const struct dataplane *dp, struct hints *ret)
{
	__u32 n = dataplane_entries(dp, MAP_list_hints);
	int rc;

	*ret = (struct hints){ .size = n * sizeof(struct list_hints), .mask = n - 1,
			       .secret = dataplane_secret(dp) };
	ret->map = map_memory(map_fd(dp, MAP_list_hints), ret->size, PROT_READ | PROT_WRITE);
	ret->control = ret->map ? control_map(map_fd(dp, MAP_control)) : NULL;
	if (ret->control)
		return 0;
	rc = -errno;
	hints_close(ret);
	return rc;
}

/* Sets the bits of a prefix. */
static void hints_set(struct hints *h, const struct source_key *key)
{
	bool is_ipv6 = list_key_is_ipv6(key);
	__u32 len = key->prefixlen - 32 - (is_ipv6 ? 0 : 96);
	__u32 level = list_level(len, is_ipv6), bits = list_level_bits(level, is_ipv6);
	__u64 top = is_ipv6 ? be64toh(key->addr.q[0]) : (__u64)ntohl(key->addr.w[3]) << 32;
	__u64 first = top >> (64 - bits), n = len < bits ? 1ULL << (bits - len) : 1;

	__atomic_or_fetch(&h->control->list_levels, 1U << level << LIST_LEVELS * is_ipv6,
			  __ATOMIC_RELEASE);
	for (__u64 word = first; word < first + n; word++) {
		__u64 bit = list_hint(word, level, is_ipv6, h->secret.factor);
		__u64 *place = &h->map[bit >> 9 & h->mask].bits[bit >> 6 & 7];

		__atomic_store_n(place, *place | 1ULL << (bit & 63), __ATOMIC_RELEASE);
	}
}

static int hint_batch(void *data, const void *keys, const void *values, __u32 n)
{
	const struct source_key *list = keys;

	for (__u32 i = 0; i < n; i++)
		hints_set(data, &list[i]);
	return 0;
}

static int each_prefix(const struct dataplane *dp, map_batch *each, void *data)
{
	return dataplane_batches(map_fd(dp, MAP_lists), sizeof(struct source_key), sizeof(__u32),
				 MAP_STEP, each, data);
}

/* Clears the hints of prefixes that are in no list any more. */
static int dataplane_hints_renew(const struct dataplane *dp)
{
	struct hints h, new;
	int rc = hints_open(dp, &h);

	if (rc)
		return rc;
	new = h;
	new.map = xcalloc(1, h.size);
	rc = each_prefix(dp, hint_batch, &new);
	/* A bit that a prefix needs is 1 before and after each store. */
	for (__u32 i = 0; i <= h.mask && !rc; i++)
		for (int j = 0; j < 8; j++)
			if (h.map[i].bits[j] != new.map[i].bits[j])
				__atomic_store_n(&h.map[i].bits[j], new.map[i].bits[j],
						 __ATOMIC_RELAXED);
	free(new.map);
	hints_close(&h);
	return rc;
}

bool dataplane_hints_are_dense(const struct dataplane *dp)
{
	__u64 room = dataplane_entries(dp, MAP_list_hints) * BITS_EACH / HINT_BITS_LEAST;
	struct followed_list *list = NULL;
	size_t n = 0, prefixes = 0;

	dataplane_followed(dp, &list, &n);
	for (size_t i = 0; i < n; i++)
		prefixes += list[i].prefixes;
	free(list);
	return prefixes > room;
}

/* ---- prefixes ---- */

/* Returns the key of a list's entry in the map. */
static struct source_key key_of(__u32 id, const struct source_key *key)
{
	struct source_key k = *key;

	k.id = htonl(list_key_id(id, list_key_is_ipv6(key)));
	return k;
}

static bool is_there(const struct dataplane *dp, const struct source_key *key)
{
	__u32 len;

	/* The longest match of an entry's key is the entry itself. */
	return !bpf_map_lookup_elem(map_fd(dp, MAP_lists), key, &len) && len == key->prefixlen;
}

bool dataplane_list_has(const struct dataplane *dp, const struct list_config *from,
			const struct prefix *p)
{
	struct list_keys k = { 0 };
	struct followed_list is;
	struct source_key key;
	__u32 id = 0, len;
	bool has = dataplane_list_find(dp, from, &id, &is);

	if (has) {
		list_keys_add(&k, p);
		key = key_of(id, &k.list[0]);
		has = !bpf_map_lookup_elem(map_fd(dp, MAP_lists), &key, &len);
	}
	list_keys_free(&k);
	return has;
}

static int say_no_room(int rc)
{
	if (rc)
		log_error("there is no room for the prefixes of the lists in allow and deny: %s: the limit of all lists together is %u",
			  strerror(-rc), LIST_PREFIXES);
	return rc;
}

/* Writes keys in batches, or removes them. */
static int write_keys(const struct dataplane *dp, __u32 id, const struct list_keys *k, bool remove)
{
	struct source_key *keys = xcalloc(MAP_STEP, sizeof(*keys));
	__u32 *lens = xcalloc(MAP_STEP, sizeof(*lens)), n;
	int map = map_fd(dp, MAP_lists), rc = 0;

	for (size_t i = 0; i < k->n && !rc; i += n) {
		for (n = 0; n < MAP_STEP && i + n < k->n; n++) {
			keys[n] = key_of(id, &k->list[i + n]);
			lens[n] = keys[n].prefixlen;
		}
		rc = remove ? bpf_map_delete_batch(map, keys, &n, NULL) :
			      bpf_map_update_batch(map, keys, lens, &n, NULL);
	}
	free(keys);
	free(lens);
	return rc;
}

int dataplane_list_count(const struct dataplane *dp, __u32 id, __u32 prefixes)
{
	int map = map_fd(dp, MAP_followed_lists);
	struct followed_list l;

	if (bpf_map_lookup_elem(map, &id, &l))
		return -errno;
	l.prefixes = prefixes;
	l.read = time(NULL);
	return bpf_map_update_elem(map, &id, &l, BPF_ANY) ? -errno : 0;
}

struct comparison {	/* compares the running contents of a list with new ones */
	__u32 id;
	const struct list_keys *new;
	bool *found;			/* for each new key: whether it runs */
	struct list_keys gone;
};

static int compare_batch(void *data, const void *keys, const void *values, __u32 n)
{
	struct comparison *c = data;

	for (__u32 i = 0; i < n; i++) {
		struct source_key key = ((const struct source_key *)keys)[i], *place;

		if (ntohl(key.id) >> 1 != c->id)
			continue;
		key.id = htonl(ntohl(key.id) & 1);
		place = c->new->n ? bsearch(&key, c->new->list, c->new->n, sizeof(key),
					    list_key_compare) : NULL;
		if (place)
			c->found[place - c->new->list] = true;
		else
			*append(c->gone.list, c->gone.n) = key;
	}
	return 0;
}

int dataplane_list_compare(const struct dataplane *dp, __u32 id, const struct list_keys *keys,
			   struct list_keys *ret_add, struct list_keys *ret_del)
{
	struct comparison c = { .id = id, .new = keys,
				.found = xcalloc(keys->n + 1, sizeof(bool)) };
	struct followed_list is = { 0 };
	int rc = 0;

	bpf_map_lookup_elem(map_fd(dp, MAP_followed_lists), &id, &is);
	/* A list without prefixes needs no search for them in all others. */
	if (is.prefixes)
		rc = each_prefix(dp, compare_batch, &c);
	*ret_add = (struct list_keys){ 0 };
	for (size_t i = 0; i < keys->n && !rc; i++)
		if (!c.found[i])
			*append(ret_add->list, ret_add->n) = keys->list[i];
	*ret_del = c.gone;
	free(c.found);
	return rc;
}

/* Replaces the contents of a list by these keys, which are sorted. Adds the number of entries that
 * it wrote to *changes. Returns 0, or -errno after printing an error. */
static int list_replace(const struct dataplane *dp, __u32 id, const struct list_keys *keys,
			int *changes)
{
	struct list_keys add, del;
	struct followed_list is = { 0 };
	struct hints h;
	int rc = hints_open(dp, &h);

	if (rc)
		return say_no_room(rc);
	bpf_map_lookup_elem(map_fd(dp, MAP_followed_lists), &id, &is);
	rc = dataplane_list_compare(dp, id, keys, &add, &del);
	for (size_t i = 0; i < add.n && !rc; i++)
		hints_set(&h, &add.list[i]);
	/* If a write fails, the number is too large, and the next call searches for prefixes. */
	if (add.n && !rc)
		rc = dataplane_list_count(dp, id, is.prefixes + add.n) ?:
		     write_keys(dp, id, &add, false);
	/* Without room for the former and the new prefixes together, the former ones go first. */
	if (rc == -ENOSPC && del.n)
		rc = write_keys(dp, id, &del, true) ?: write_keys(dp, id, &add, false) ?:
		     dataplane_list_count(dp, id, keys->n);
	else if ((add.n || del.n) && !rc)
		rc = write_keys(dp, id, &del, true) ?: dataplane_list_count(dp, id, keys->n);
	if (add.n || del.n)	/* the express path may remember clients that the list had not */
		control_forget_nexthops(h.control);
	*changes += add.n + del.n;
	list_keys_free(&add);
	list_keys_free(&del);
	hints_close(&h);
	return say_no_room(rc);
}

int dataplane_list_change(const struct dataplane *dp, __u32 id, const struct list_keys *add,
			  const struct list_keys *del, bool count)
{
	struct followed_list is;
	struct hints h;
	int map = map_fd(dp, MAP_lists), rc;

	rc = bpf_map_lookup_elem(map_fd(dp, MAP_followed_lists), &id, &is) ?: hints_open(dp, &h);
	if (rc)
		return say_no_room(rc);
	for (size_t i = 0; i < add->n && !rc; i++) {
		struct source_key key = key_of(id, &add->list[i]);

		if (is_there(dp, &key))
			continue;
		hints_set(&h, &add->list[i]);
		rc = bpf_map_update_elem(map, &key, &key.prefixlen, BPF_ANY) ? -errno : 0;
		is.prefixes += !rc;
	}
	for (size_t i = 0; i < del->n && !rc; i++) {
		struct source_key key = key_of(id, &del->list[i]);

		is.prefixes -= is_there(dp, &key) && !bpf_map_delete_elem(map, &key);
	}
	if (count)
		dataplane_list_count(dp, id, is.prefixes);
	control_forget_nexthops(h.control);
	hints_close(&h);
	return say_no_room(rc);
}

int dataplane_list_note(const struct dataplane *dp, __u32 id, enum list_state state, __u32 skipped)
{
	int map = map_fd(dp, MAP_followed_lists);
	struct followed_list l;

	if (bpf_map_lookup_elem(map, &id, &l))
		return -errno;
	if (l.state == state && l.skipped == skipped)
		return 0;
	l.state = state;
	l.skipped = skipped;
	return bpf_map_update_elem(map, &id, &l, BPF_ANY) ? -errno : 0;
}

/* ---- parts of dataplane_sync() ---- */

/* A packet may see a half-written element: either list may decide about it. */
int dataplane_service_lists_write(const struct dataplane *dp, const struct service_lists *l,
				  size_t n, int *changes)
{
	struct service_lists *running = NULL;
	size_t n_running = 0;
	int rc = dataplane_service_lists(dp, &running, &n_running);

	for (__u32 id = 0; id < n && id < n_running && !rc; id++)
		rc = dataplane_write(dp, MAP_service_lists, id, &l[id], &running[id], sizeof(*l),
				     changes);
	free(running);
	return rc;
}

/* Makes an entry for a list that is new, and fills it with the contents that were read. */
static int write_list(const struct dataplane *dp, const struct plan_followed *f,
		      const struct followed_list *running, int *changes)
{
	struct followed_list l = { .source = f->from.source, .state = LIST_WAITING };
	bool is_new = !followed_list_is(running, &f->from);
	enum list_state state;
	int rc = 0;

	if (is_new) {
		strcpy(l.name, f->from.name);
		rc = bpf_map_update_elem(map_fd(dp, MAP_followed_lists), &f->id, &l, BPF_ANY);
		++*changes;
	}
	if (rc || !f->content)
		return rc;
	if (f->content->read)
		rc = list_replace(dp, f->id, &f->content->keys, changes);
	state = f->content->read ? LIST_READ :
		is_new || running->state == LIST_WAITING ? LIST_WAITING : LIST_KEPT;
	return rc ?: dataplane_list_note(dp, f->id, state, f->content->skipped);
}

int dataplane_followed_write(const struct dataplane *dp, const struct plan *p, int *changes)
{
	struct followed_list *running = NULL;
	size_t n = 0;
	int rc = dataplane_followed(dp, &running, &n);

	if (!rc && p->n_followed && dp->map_is_new[MAP_list_hints])
		rc = dataplane_hints_renew(dp);
	for (size_t i = 0; i < p->n_followed && !rc; i++)
		rc = write_list(dp, &p->followed[i], &running[p->followed[i].id], changes);
	free(running);
	return rc ?: dataplane_service_lists_write(dp, p->service_lists, p->n_services, changes);
}

int dataplane_followed_clean(const struct dataplane *dp, const struct plan *p, int *changes)
{
	static const struct list_keys none;
	struct followed_list *running = NULL;
	size_t n = 0;
	int rc = dataplane_followed(dp, &running, &n);

	for (__u32 id = 0; id < n && !rc; id++) {
		bool is_planned = false;

		for (size_t i = 0; i < p->n_followed; i++)
			is_planned |= p->followed[i].id == id;
		if (!running[id].source || is_planned)
			continue;
		rc = list_replace(dp, id, &none, changes) ?:
		     dataplane_clear(dp, MAP_followed_lists, id, 1);
		++*changes;
	}
	free(running);
	return rc;
}
