/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Sets of source addresses, as sorted ranges that do not overlap. With them import/ computes
 * exactly which clients the rules of a firewall let in. IPv4 addresses are ::ffff:a.b.c.d.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "lib/addr.h"

struct source_number {			/* an address as a number */
	__u64 high, low;
};

struct source_set {
	struct source_range {
		struct source_number first, last;
	} *list;
	size_t n;
};

/* Limits the work for rules that another host wrote. After a failure all sets are meaningless. */
struct source_work {
	size_t left;			/* ranges that may still be made; a rule costs more */
	bool failed;
};

/* Counts a look at a rule. Returns false, and sets .failed, if no work is left. */
bool work_step(struct source_work *w);

/* Each function returns a new set, which the caller frees. */
struct source_set sources_all(struct source_work *w, __u8 family);
struct source_set sources_of(struct source_work *w, const struct prefix *list, size_t n);
struct source_set sources_and(struct source_work *w, const struct source_set *a,
			      const struct source_set *b);
struct source_set sources_minus(struct source_work *w, const struct source_set *a,
				const struct source_set *b);
struct source_set sources_or(struct source_work *w, const struct source_set *a,
			     const struct source_set *b);
bool sources_have(const struct source_set *s, const struct address *a);
/* Writes to ret which of these addresses, sorted by their bytes, the set has. */
void sources_mark(const struct source_set *s, const struct address *sorted, size_t n, bool *ret);
bool sources_equal(const struct source_set *a, const struct source_set *b);
/* Appends the fewest prefixes that together are the set to *list. */
void sources_prefixes(const struct source_set *s, __u8 family, struct prefix **list, size_t *n);
void sources_free(struct source_set *s);
