/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The lists of clients that other programs keep, in the maps lists, list_hints, service_lists and
 * followed_lists (include/abi_lists.h). The caller of a function that writes holds the instance's
 * lock. daemon/, show/ and files of dataplane/ include it.
 */
#pragma once
#include "dataplane/dataplane.h"

/* Read all lists by id, and the lists of each service by its id. The caller frees *ret. Return 0 or
 * -errno. */
int dataplane_followed(const struct dataplane *dp, struct followed_list **ret, size_t *ret_n);
int dataplane_service_lists(const struct dataplane *dp, struct service_lists **ret, size_t *ret_n);

/* Finds a list. *ret_id: where to look first. Returns whether there is such a list. */
bool dataplane_list_find(const struct dataplane *dp, const struct list_config *from, __u32 *ret_id,
			 struct followed_list *ret);

/* Returns whether the list has the whole prefix. */
bool dataplane_list_has(const struct dataplane *dp, const struct list_config *from,
			const struct prefix *p);

void dataplane_size_followed(const struct dataplane *dp, struct load_settings *set,
			     const struct plan *p, __u32 services);
/* Parts of dataplane_sync(). _write comes before the table has services with new lists, and _clean
 * removes the lists that no service has any more. */
int dataplane_followed_write(const struct dataplane *dp, const struct plan *p, int *changes);
int dataplane_followed_clean(const struct dataplane *dp, const struct plan *p, int *changes);
int dataplane_service_lists_write(const struct dataplane *dp, const struct service_lists *l,
				  size_t n, int *changes);

/* Finds the differences between the contents of a list and these keys, which are sorted. It needs
 * no lock. The caller frees both results. Returns 0 or -errno. */
int dataplane_list_compare(const struct dataplane *dp, __u32 id, const struct list_keys *keys,
			   struct list_keys *ret_add, struct list_keys *ret_del);
/* Adds prefixes to a list, then removes others from it. count: also changes the list's number of
 * prefixes. Returns 0, or -errno after printing an error. */
int dataplane_list_change(const struct dataplane *dp, __u32 id, const struct list_keys *add,
			  const struct list_keys *del, bool count);
/* Sets the list's number of prefixes, by which a pass sizes the hints, and notes the time of the
 * change. Returns 0 or -errno. */
int dataplane_list_count(const struct dataplane *dp, __u32 id, __u32 prefixes);
/* Notes what the last attempt to read a list has found. */
int dataplane_list_note(const struct dataplane *dp, __u32 id, enum list_state state, __u32 skipped);
/* Returns whether the lists have outgrown the hints: a pass makes them larger. */
bool dataplane_hints_are_dense(const struct dataplane *dp);
