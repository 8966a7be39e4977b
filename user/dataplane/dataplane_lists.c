/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements the part of dataplane.h for the lists allow and deny, in the map source_trie. While
 * they change, each client always gets either its old or its new verdict. To ensure this, longer
 * prefixes are written before shorter ones and removed after them. The prefixes of a service are
 * written before its table entries say that it has lists, and are removed after no entry says
 * so.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include "dataplane/dataplane.h"
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
	log_error("there is no room for %zu more prefixes of allow and deny: %s: the limit of all "
		  "lists together is %u", n, strerror(-rc), dataplane_entries(dp, MAP_source_trie));
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
