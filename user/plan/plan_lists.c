/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Plans which clients a service accepts (`allow` and `deny`). The data path uses the longest prefix
 * that matches, but `deny` has precedence over `allow`. So a prefix within a denied one gets no
 * entry. If there is an `allow`, an entry of length 0 denies all other clients. In the map, IPv4
 * addresses are within ::/0. If a short IPv6 prefix contains them and has another verdict than IPv4
 * should have, 0.0.0.0/0 gets an entry of its own. If the service also has lists of other programs
 * (plan_followed()), these decide about clients that no prefix here names.
 */
#include <errno.h>
#include <string.h>
#include "config/config_sections.h"
#include "lib/file.h"
#include "lib/grow.h"
#include "lib/log.h"
#include "plan/lists.h"
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

/* ---- lists that other programs keep ----
 * Services that name the same list share it. A running list keeps its id. */

bool followed_list_is(const struct followed_list *l, const struct list_config *from)
{
	return l->source == from->source && !strcmp(l->name, from->name);
}

/* Returns the id of the running list. For a new list, returns a free id: neither a running list nor
 * the plan uses it. There are twice as many ids as lists. */
static __u32 choose_id(const struct plan_builder *m, const struct list_config *from)
{
	bool used[LIST_IDS] = { false };
	__u32 id = 0;

	for (size_t i = 0; i < m->in->n_lists && i < LIST_IDS; i++) {
		if (followed_list_is(&m->in->lists[i], from))
			return i;
		used[i] = m->in->lists[i].source;
	}
	for (size_t i = 0; i < m->plan->n_followed; i++)
		used[m->plan->followed[i].id] = true;
	while (id + 1 < LIST_IDS && used[id])
		id++;
	return id;
}

static const struct list_content *content_of(const struct plan_builder *m,
					     const struct list_config *from)
{
	for (size_t i = 0; i < m->in->n_contents; i++)
		if (config_list_equal(&m->in->contents[i].from, from))
			return &m->in->contents[i];
	return NULL;
}

/* Adds the list to the plan, unless it is there, and to the service's lists. */
static void add_list(struct plan_builder *m, const struct list_config *from,
		     struct service_lists *l)
{
	struct plan *p = m->plan;
	struct plan_followed *f;
	size_t i = 0;
	__u32 id;

	while (i < p->n_followed && !config_list_equal(&p->followed[i].from, from))
		i++;
	if (i == p->n_followed) {
		id = choose_id(m, from);
		f = append(p->followed, p->n_followed);
		*f = (struct plan_followed){ .id = id, .from = *from,
					     .content = content_of(m, from) };
		p->followed_prefixes += f->content && f->content->read ? f->content->keys.n :
					id < m->in->n_lists ? m->in->lists[id].prefixes : 0;
	}
	if (l->n < LISTS_EACH)
		l->id[l->n++] = p->followed[i].id;
}

void plan_followed(struct plan_builder *m, const struct service_config *s, __u32 id)
{
	struct service_lists *l = &m->plan->service_lists[id];

	for (size_t i = 0; i < s->n_deny_lists; i++)
		add_list(m, &s->deny_lists[i], l);
	l->n_deny = l->n;
	for (size_t i = 0; i < s->n_allow_lists; i++)
		add_list(m, &s->allow_lists[i], l);
}

/* ---- reading lists ---- */

#define LIST_FILE_LIMIT (256 << 20)	/* longest file that is read, in bytes */

/* Does not quote a file that not every user may read: whoever writes the list could have put a link
 * to it there. */
static void warn_lines(const char *path, struct list_wrong *wrong, bool open)
{
	if (!open)
		strcpy(wrong->text, "…");
	if (wrong->lines == 1)
		log_warning("%s:%zu: '%s' is not an address or a prefix, so this line is skipped: correct it, or put a '#' before it",
			    path, wrong->first, wrong->text);
	else if (wrong->lines)
		log_warning("%s:%zu: '%s' is not an address or a prefix, so this line and %zu others are skipped: correct them, or put a '#' before each",
			    path, wrong->first, wrong->text, wrong->lines - 1);
}

static int read_file(const char *path, struct list_content *ret)
{
	struct list_wrong wrong;
	bool open;
	char *text;
	size_t n;
	int rc = file_read_plain(path, LIST_FILE_LIMIT, &text, &n, &open);

	if (rc)
		return rc;
	if (strspn(text, " \t\r\n") == n) { /* its writer has cut it, and may have failed */
		free(text);
		return -ENODATA;
	}
	list_keys_parse(&ret->keys, text, n, &wrong);
	free(text);
	list_keys_sort(&ret->keys);
	warn_lines(path, &wrong, open);
	ret->skipped = wrong.lines;
	/* It is no list, such as a page of a web server that reports an error. */
	return wrong.lines && !ret->keys.n ? -ENODATA : 0;
}

int list_read(const struct list_config *from, struct list_content *ret,
	      struct nft_set_kind *ret_kind)
{
	int rc;

	*ret = (struct list_content){ .from = *from };
	rc = from->source == LIST_FILE ? read_file(from->name, ret) :
	     nft_set_read(from->name, ret_kind, &ret->keys, &ret->skipped);
	if (rc)
		list_keys_free(&ret->keys);
	ret->read = !rc;
	return rc;
}

const char *list_unread(const struct list_config *from, int rc)
{
	if (rc == -EOPNOTSUPP && from->source == LIST_NFT_SET)
		return "the keys of this set are not addresses alone: name a set of the type ipv4_addr or ipv6_addr";
	if (rc == -EINVAL && from->source == LIST_FILE)
		return "this is not a plain file: write one";
	if (rc == -ENODATA && from->source == LIST_FILE)
		return "this file has no address: write the list, or only a comment such as '# none' for a list without addresses";
	if (rc == -ENOENT)
		return from->source == LIST_FILE ? "there is no such file: write it" :
						   "there is no such set: create it";
	return strerror(-rc);
}

void list_warn(const struct list_config *from, int rc)
{
	log_warning("%s: %s; until then, wgxdp keeps the last contents", from->name, list_unread(from, rc));
}

size_t lists_of(const struct config *c, const struct list_config ***ret)
{
	const struct list_config **seen = NULL;
	size_t n = 0;

	for (size_t i = 0; i < c->n_services; i++) {
		const struct service_config *s = &c->services[i];

		for (size_t j = 0; j < s->n_deny_lists + s->n_allow_lists; j++) {
			const struct list_config *l = j < s->n_deny_lists ? &s->deny_lists[j] :
						      &s->allow_lists[j - s->n_deny_lists];
			size_t k = 0;

			while (k < n && !config_list_equal(seen[k], l))
				k++;
			if (k == n)
				*append(seen, n) = l;
		}
	}
	*ret = seen;
	return n;
}

void lists_read(const struct config *c, struct list_content **ret, size_t *ret_n)
{
	const struct list_config **all;
	struct nft_set_kind kind;

	*ret_n = lists_of(c, &all);
	*ret = xcalloc(*ret_n, sizeof(**ret));
	for (size_t i = 0; i < *ret_n; i++) {
		int rc = list_read(all[i], &(*ret)[i], &kind);

		if (rc)
			list_warn(all[i], rc);
	}
	free(all);
}

void lists_free(struct list_content *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		list_keys_free(&list[i].keys);
	free(list);
}
