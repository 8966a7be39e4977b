/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements sources.h.
 */
#include "import/sources.h"
#include "lib/grow.h"

#define STEP 50				/* cost of a look at a rule, in ranges */

typedef struct source_number number;

static number number_of(const struct addr *a)
{
	return (number){ be64toh(a->q[0]), be64toh(a->q[1]) };
}

static int compare(number a, number b)
{
	return a.high != b.high ? (a.high > b.high) - (a.high < b.high) :
				  (a.low > b.low) - (a.low < b.low);
}

static number next(number a)
{
	return (number){ a.high + !(a.low + 1), a.low + 1 };
}

static number previous(number a)
{
	return (number){ a.high - !a.low, a.low - 1 };
}

/* Returns the last number of the block that has this many variable bits and contains `a`. */
static number block_end(number a, unsigned int bits)
{
	return (number){ a.high | (bits > 64 ? ~0ULL >> (128 - bits) : 0),
			 a.low | (bits >= 64 ? ~0ULL : (1ULL << bits) - 1) };
}

bool work_step(struct source_work *w)
{
	w->failed |= w->left < STEP;
	w->left -= w->failed ? 0 : STEP;
	return !w->failed;
}

/* Adds a range that begins behind the beginning of the last one. */
static void put(struct source_work *w, struct source_set *s, number first, number last)
{
	struct source_range *r = s->n ? &s->list[s->n - 1] : NULL;

	if (r && (compare(first, r->last) <= 0 || !compare(previous(first), r->last))) {
		if (compare(last, r->last) > 0)
			r->last = last;
		return;
	}
	if (w->failed || !w->left--) {
		w->failed = true;
		return;
	}
	*append(s->list, s->n) = (struct source_range){ first, last };
}

static struct source_range range_of(const struct prefix *p)
{
	number first = number_of(&p->addr);

	return (struct source_range){
		first, block_end(first, (p->family == FAMILY_IPV4 ? 32 : 128) - p->len),
	};
}

static int by_first(const void *a, const void *b)
{
	const struct source_range *x = a, *y = b;

	return compare(x->first, y->first);
}

struct source_set sources_of(struct source_work *w, const struct prefix *list, size_t n)
{
	struct source_range *all = xcalloc(n, sizeof(*all));
	struct source_set s = { 0 };

	for (size_t i = 0; i < n; i++)
		all[i] = range_of(&list[i]);
	qsort(all, n, sizeof(*all), by_first);
	for (size_t i = 0; i < n; i++)
		put(w, &s, all[i].first, all[i].last);
	free(all);
	return s;
}

struct source_set sources_all(struct source_work *w, __u8 family)
{
	struct prefix p = { .family = family };

	if (family == FAMILY_IPV4)
		p.addr.b[10] = p.addr.b[11] = 0xff;
	return sources_of(w, &p, 1);
}

struct source_set sources_and(struct source_work *w, const struct source_set *a,
			      const struct source_set *b)
{
	struct source_set s = { 0 };

	for (size_t i = 0, j = 0; i < a->n && j < b->n && !w->failed;) {
		const struct source_range *x = &a->list[i], *y = &b->list[j];
		number first = compare(x->first, y->first) > 0 ? x->first : y->first;
		number last = compare(x->last, y->last) < 0 ? x->last : y->last;

		if (compare(first, last) <= 0)
			put(w, &s, first, last);
		if (compare(x->last, y->last) < 0)
			i++;
		else
			j++;
	}
	return s;
}

struct source_set sources_minus(struct source_work *w, const struct source_set *a,
				const struct source_set *b)
{
	struct source_set s = { 0 };
	size_t j = 0;

	for (size_t i = 0; i < a->n && !w->failed; i++) {
		number first = a->list[i].first, last = a->list[i].last;
		bool left = true;

		while (j < b->n && compare(b->list[j].last, first) < 0)
			j++;
		for (size_t k = j; k < b->n && compare(b->list[k].first, last) <= 0 && left; k++) {
			if (compare(b->list[k].first, first) > 0)
				put(w, &s, first, previous(b->list[k].first));
			left = compare(b->list[k].last, last) < 0;
			first = next(b->list[k].last);
		}
		if (left)
			put(w, &s, first, last);
	}
	return s;
}

struct source_set sources_or(struct source_work *w, const struct source_set *a,
			     const struct source_set *b)
{
	struct source_set s = { 0 };

	for (size_t i = 0, j = 0; (i < a->n || j < b->n) && !w->failed;) {
		bool from_a = j == b->n || (i < a->n && compare(a->list[i].first,
								    b->list[j].first) < 0);
		const struct source_range *r = from_a ? &a->list[i++] : &b->list[j++];

		put(w, &s, r->first, r->last);
	}
	return s;
}

bool sources_have(const struct source_set *s, const struct address *a)
{
	number wanted = number_of(&a->addr);

	for (size_t i = 0; i < s->n; i++)
		if (compare(wanted, s->list[i].first) >= 0 && compare(wanted, s->list[i].last) <= 0)
			return true;
	return false;
}

void sources_mark(const struct source_set *s, const struct address *sorted, size_t n, bool *ret)
{
	for (size_t i = 0, at = 0; i < n; i++) {
		number wanted = number_of(&sorted[i].addr);

		while (at < s->n && compare(s->list[at].last, wanted) < 0)
			at++;
		ret[i] = at < s->n && compare(s->list[at].first, wanted) <= 0;
	}
}

bool sources_equal(const struct source_set *a, const struct source_set *b)
{
	for (size_t i = 0; i < a->n && i < b->n; i++)
		if (compare(a->list[i].first, b->list[i].first) ||
		    compare(a->list[i].last, b->list[i].last))
			return false;
	return a->n == b->n;
}

struct prefixes_made {
	struct prefix **list;
	size_t *n;
};

static int add_prefix(void *data, const struct prefix *p)
{
	struct prefixes_made *made = data;

	*append(*made->list, *made->n) = *p;
	return 0;
}

static struct address address_of(number a, __u8 family)
{
	return (struct address){ { .q = { htobe64(a.high), htobe64(a.low) } }, family };
}

void sources_prefixes(const struct source_set *s, __u8 family, struct prefix **list, size_t *n)
{
	struct prefixes_made made = { list, n };

	for (size_t i = 0; i < s->n; i++) {
		struct address first = address_of(s->list[i].first, family),
			       last = address_of(s->list[i].last, family);

		range_each(&first, &last, add_prefix, &made);
	}
}

void sources_free(struct source_set *s)
{
	free(s->list);
	*s = (struct source_set){ 0 };
}
