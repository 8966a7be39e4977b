/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Sets of nf_tables and of ipset: their elements on the host, and a client in one set only.
 */
#include <net/if.h>
#include <netinet/in.h>
#include <errno.h>
#include <string.h>
#include "lib/grow.h"
#include "net/nft_set.h"
#include "rehearsal/parts.h"

static void put_element(struct nlmsghdr *m, struct address a, bool end)
{
	struct nlattr *e = mnl_attr_nest_start(m, NFTA_LIST_ELEM), *key;
	bool four = a.family == FAMILY_IPV4;

	if (end) {
		for (int i = 15; i >= 0 && !++a.addr.b[i];)
			i--;
		mnl_attr_put_u32(m, NFTA_SET_ELEM_FLAGS, htonl(NFT_SET_ELEM_INTERVAL_END));
	}
	key = mnl_attr_nest_start(m, NFTA_SET_ELEM_KEY);
	mnl_attr_put(m, NFTA_DATA_VALUE, four ? 4 : 16, a.addr.b + (four ? 12 : 0));
	mnl_attr_nest_end(m, key);
	mnl_attr_nest_end(m, e);
}

int rehearsal_put(struct rehearsal *r, const struct copied_set *s, const struct address *a,
		  bool add)
{
	struct batch b = { 0 };
	struct nlmsghdr *m;
	struct nlattr *nest;

	if (s->addresses != a->family)
		return -EOPNOTSUPP;
	if (!s->family)
		return ip_set_change(s, a, add);
	m = nf_begin(&b, add ? NFT(NEWSETELEM) : NFT(DELSETELEM),
		  add ? NLM_F_CREATE | NLM_F_EXCL : 0, s->family, 0);
	mnl_attr_put_strz(m, NFTA_SET_ELEM_LIST_TABLE, s->table);
	mnl_attr_put_strz(m, NFTA_SET_ELEM_LIST_SET, s->name);
	nest = mnl_attr_nest_start(m, NFTA_SET_ELEM_LIST_ELEMENTS);
	put_element(m, *a, false);
	if (s->interval)
		put_element(m, *a, true);
	mnl_attr_nest_end(m, nest);
	batch_add(&b, m);
	return nf_send(&b);
}

/* ---- elements ---- */

static struct host_set *host_set_of(const struct rehearsal *r, const struct copied_set *s)
{
	const struct rules *rules = &r->parts->rules;

	for (size_t i = 0; i < rules->n_named; i++)
		if (rules->named[i].set.family == s->family &&
		    !strcmp(rules->named[i].set.table, s->table) &&
		    !strcmp(rules->named[i].set.name, s->name))
			return &rules->named[i];
	return NULL;
}

int rehearsal_empty(struct rehearsal *r, const struct copied_set *s)
{
	struct batch b = { 0 };
	struct nlmsghdr *m = nf_begin(&b, NFT(DELSETELEM), 0, s->family, 0);

	mnl_attr_put_strz(m, NFTA_SET_ELEM_LIST_TABLE, s->table);
	mnl_attr_put_strz(m, NFTA_SET_ELEM_LIST_SET, s->name);
	batch_add(&b, m);
	return nf_send(&b);
}

int rehearsal_refill(struct rehearsal *r, const struct copied_set *s)
{
	const struct host_set *h = host_set_of(r, s);
	struct batch b = { 0 };

	if (h)
		nf_fill_elements(&b, h);
	return nf_send(&b);
}

struct elements {
	struct nft_element *list;
	size_t n;
};

static void add_element(void *data, const struct nft_element *e)
{
	struct elements *all = data;

	*append(all->list, all->n) = *e;
}

int rehearsal_elements(const struct rehearsal *r, const struct copied_set *s,
		       struct list_keys *ret)
{
	const struct nft_set_kind kind = { .family = s->addresses, .intervals = s->interval };
	const struct host_set *h = s->family && s->addresses ? host_set_of(r, s) : NULL;
	struct elements all = { 0 };
	__u32 skipped = 0;

	if (!s->family)
		return ip_set_elements(&r->parts->rules, s, ret);
	if (!h)
		return -EOPNOTSUPP;
	for each_message(m, &h->elements) {
		const struct nlattr *a = attr_of(m, GEN, NFTA_SET_ELEM_LIST_ELEMENTS);

		if (a)
			nft_elements_each(a, &kind, add_element, &all, &skipped);
	}
	nft_join_all(&kind, all.list, all.n, ret);
	free(all.list);
	return skipped ? -EOPNOTSUPP : 0;
}

bool rehearsal_has(const struct rehearsal *r, const struct copied_set *s, const struct address *a)
{
	struct host_set *h = host_set_of(r, s);
	size_t low = 0, high;
	struct prefix p;

	if (!h)
		return false;
	if (!h->keys.n)
		rehearsal_elements(r, s, &h->keys);
	for (high = h->keys.n; low < high;) {	/* .list[low] becomes the first one behind a */
		size_t middle = (low + high) / 2;

		if (memcmp(&h->keys.list[middle].addr, &a->addr, sizeof(a->addr)) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	p = (struct prefix){ .family = 0 };
	if (low)
		p = (struct prefix){ h->keys.list[low - 1].addr, a->family,
				     h->keys.list[low - 1].prefixlen -
				     (a->family == FAMILY_IPV4 ? 128 : 32) };
	return low && prefix_covers(&p, a);
}
