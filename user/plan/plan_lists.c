/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Plans which clients a service accepts (`allow` and `deny`). The data path uses the longest prefix
 * that matches, but `deny` has precedence over `allow`. So a prefix within a denied one gets no
 * entry. If there is an `allow`, an entry of length 0 denies all other clients. In the map, IPv4
 * addresses are within ::/0. If a short IPv6 prefix contains them and has another verdict than IPv4
 * should have, 0.0.0.0/0 gets an entry of its own. If the service also has lists of other programs
 * (plan_followed.c), these decide about clients that no prefix here names.
 */
#include <string.h>
#include "lib/grow.h"
#include "plan/plan_make.h"

struct rule {
	struct prefix prefix;
	bool deny;
};

/* Orders a prefix before the prefixes within it; of equal prefixes, `deny` first. */
static int compare_rules(const void *a, const void *b)
{
	const struct rule *x = a, *y = b;

	return x->prefix.family - y->prefix.family ?: memcmp(&x->prefix.addr, &y->prefix.addr,
							     sizeof(x->prefix.addr)) ?:
	       x->prefix.len - y->prefix.len ?: y->deny - x->deny;
}

static size_t put_rules(struct rule *rules, const struct prefix *list, size_t n, bool deny)
{
	for (size_t i = 0; i < n; i++)
		rules[i] = (struct rule){ list[i], deny };
	return n;
}

static const struct prefix all_ipv4 = { .addr = { .b = { [10] = 0xff, [11] = 0xff } },
					.family = FAMILY_IPV4 };

static bool is_around_ipv4(const struct prefix *p)
{
	const struct prefix place = { .addr = all_ipv4.addr, .family = FAMILY_IPV6, .len = 96 };

	return prefix_within(&place, p);
}

static bool is_all(const struct prefix *p, __u8 family)
{
	return p->family == family && !p->len;
}

static void add_list_entry(struct plan *p, __u32 id, const struct prefix *prefix,
			   enum list_verdict verdict)
{
	struct list_entry *e = append(p->lists, p->n_lists);

	e->key.id = htonl(SERVICE_LIST | id);
	e->key.prefixlen = 32;
	e->verdict = verdict;
	if (!prefix)
		return;
	e->key.prefixlen += prefix->len + (prefix->family == FAMILY_IPV4 ? 96 : 0);
	e->key.addr = prefix->addr;
}

void plan_lists(struct plan_builder *m, const struct service_config *s, __u32 id)
{
	struct rule *rules = xcalloc(s->n_allow + s->n_deny + 1, sizeof(*rules));
	bool only_some = s->n_allow || s->n_allow_lists,
	     followed = s->n_allow_lists || s->n_deny_lists;
	enum list_verdict rest = followed ? only_some ? LIST_ELSE_DENY : LIST_ELSE_ALLOW :
				 only_some ? LIST_DENY : LIST_ALLOW, verdict;
	bool says_all = false, says_ipv4 = false, around_ipv4 = false;
	const struct prefix *denied = NULL;
	size_t n;

	n = put_rules(rules, s->deny, s->n_deny, true);
	n += put_rules(rules + n, s->allow, s->n_allow, false);
	if (n)
		qsort(rules, n, sizeof(*rules), compare_rules);
	for (size_t i = 0; i < n; i++) {
		const struct prefix *p = &rules[i].prefix;

		/* In a sorted list, `denied` is the shortest denied prefix that may contain p. */
		if (denied && prefix_within(p, denied))
			continue;
		if (rules[i].deny)
			denied = p;
		verdict = rules[i].deny ? LIST_DENY : LIST_ALLOW;
		says_all |= is_all(p, FAMILY_IPV6);
		says_ipv4 |= is_all(p, FAMILY_IPV4);
		around_ipv4 |= is_around_ipv4(p) && verdict != rest;
		add_list_entry(m->plan, id, p, verdict);
	}
	if (only_some && !says_all)
		add_list_entry(m->plan, id, NULL, rest);
	if (around_ipv4 && !says_ipv4)
		add_list_entry(m->plan, id, &all_ipv4, rest);
	free(rules);
}
