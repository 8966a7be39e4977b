/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Prefixes of a list that another program keeps, in the form of the map `lists`, and the text form
 * of such a list: a file with one address or prefix in each line. net/, plan/, dataplane/,
 * instance/ and daemon/ include it.
 */
#pragma once
#include "lib/addr.h"

/* Keys of the map, whose .id is 0 for IPv4 and htonl(1) for IPv6. */
struct list_keys {
	struct source_key *list;
	size_t n;
};

/* Add a prefix, or the prefixes that make up a range of addresses, both ends included. */
void list_keys_add(struct list_keys *k, const struct prefix *p);
void list_keys_add_range(struct list_keys *k, const struct address *first,
			 const struct address *last);
bool list_key_is_ipv6(const struct source_key *key);
/* Sorts the keys by family and address, a shorter prefix first, and removes duplicates. */
void list_keys_sort(struct list_keys *k);
/* Orders keys as list_keys_sort() does. */
int list_key_compare(const void *a, const void *b);
void list_keys_free(struct list_keys *k);

struct list_wrong {		/* lines that are not an address or a prefix */
	size_t lines;
	size_t first;			/* number of the first such line, counted from 1 */
	char text[48];			/* the beginning of the first such line */
};
/* Reads lines with an address, a prefix or a range each. '#' and ';' begin a comment. Bits behind a
 * prefix length count as 0. The text must end with a zero byte, which n does not count. */
void list_keys_parse(struct list_keys *k, char *text, size_t n, struct list_wrong *ret);
