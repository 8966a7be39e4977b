/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Sends the rules of nf_tables again, as they were dumped: tables, chains, sets and rules become
 * requests of one transaction. A request that the kernel refuses is left out, and named.
 */
#include <net/if.h>
#include <netinet/in.h>
#include <errno.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <string.h>
#include <sys/socket.h>
#include "lib/grow.h"
#include "net/netlink_talk.h"
#include "rehearsal/parts.h"

#define LOAD_TRIES 100			/* attempts to load, each without what failed before */
#define REFUSED_NAMED 20	/* rules that the kernel refuses and that are named, at most */

/* ---- elements ---- */

static void copy_elements(struct batch *b, const struct host_set *s, const struct nlmsghdr *from)
{
	const struct nlattr *nest = attr_of(from, GEN, NFTA_SET_ELEM_LIST_ELEMENTS), *e;
	struct nlmsghdr *m = batch_next(b, from->nlmsg_len + 64);
	struct nlattr *own;
	char *end;

	if (!nest)
		return;
	request_copy(m, from, NFT(NEWSETELEM), NLM_F_CREATE, GEN,
		     1 << NFTA_SET_ELEM_LIST_ELEMENTS);
	own = mnl_attr_nest_start(m, NFTA_SET_ELEM_LIST_ELEMENTS);
	mnl_attr_for_each_nested(e, nest)
		m->nlmsg_len += MNL_ALIGN(e->nla_len);
	end = s->set.interval ? mnl_nlmsg_get_payload_tail(m) : mnl_attr_get_payload(own);
	mnl_attr_for_each_nested(e, nest) {
		if (s->set.interval)
			end -= MNL_ALIGN(e->nla_len);
		memcpy(end, e, e->nla_len);
		if (!s->set.interval)
			end += MNL_ALIGN(e->nla_len);
	}
	mnl_attr_nest_end(m, own);
	batch_add(b, m);
}

/* The kernel lists intervals from their end, and wants the beginning of each one first. */
void nf_fill_elements(struct batch *b, const struct host_set *s)
{
	const struct nlmsghdr **list = NULL;
	size_t n = 0;

	for each_message(m, &s->elements)
		*append(list, n) = m;
	for (size_t i = 0; i < n; i++)
		copy_elements(b, s, list[s->set.interval ? n - 1 - i : i]);
	free(list);
}

/* ---- rules ---- */

/* Returns the protocol that a rule asks for. Extensions of iptables want to know it, and the kernel
 * does not dump it. */
static __u8 protocol_of(const struct nlattr *list)
{
	const struct nlattr *e, *value;
	bool loaded = false;

	mnl_attr_for_each_nested(e, list) {
		const char *name = attr_text(attr_in(e, NFTA_EXPR_NAME));
		const struct nlattr *data = attr_in(e, NFTA_EXPR_DATA);

		if (!strcmp(name, "cmp") && loaded) {
			value = attr_in(attr_in(data, NFTA_CMP_DATA), NFTA_DATA_VALUE);
			return !attr_number(attr_in(data, NFTA_CMP_OP)) && value &&
			       mnl_attr_get_payload_len(value) ?
			       *(__u8 *)mnl_attr_get_payload(value) : 0;
		}
		loaded = !strcmp(name, "meta") ?
			 attr_number(attr_in(data, NFTA_META_KEY)) == NFT_META_L4PROTO :
			 !strcmp(name, "payload") &&
			 attr_number(attr_in(data, NFTA_PAYLOAD_LEN)) == 1 &&
			 attr_number(attr_in(data, NFTA_PAYLOAD_BASE)) ==
				NFT_PAYLOAD_NETWORK_HEADER &&
			 (attr_number(attr_in(data, NFTA_PAYLOAD_OFFSET)) == 9 ||
			  attr_number(attr_in(data, NFTA_PAYLOAD_OFFSET)) == 6);
	}
	return 0;
}

/* A queue without its program drops packets, which is one of the two things that it may do. */
static bool is_queue(const struct nlattr *e)
{
	return !strcmp(expression_name(e), "queue") || !strcmp(expression_name(e), "NFQUEUE");
}

/* Returns whether the expression only reads what an expression before it has loaded. */
static bool is_test(const struct nlattr *e)
{
	static const char *const names[] = { "bitwise", "byteorder", "cmp", "range", "lookup" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(attr_text(attr_in(e, NFTA_EXPR_NAME)), names[i]))
			return true;
	return false;
}

/* Writes an expression that always chooses the first number. */
static void put_first(struct nlmsghdr *m, const struct nlattr *from)
{
	const struct nlattr *data = attr_in(from, NFTA_EXPR_DATA);
	bool numgen = !strcmp(expression_name(from), "numgen");
	__u32 first = attr_number(attr_in(data, numgen ? NFTA_NG_OFFSET : NFTA_HASH_OFFSET));
	__u32 to = attr_number(attr_in(data, numgen ? NFTA_NG_DREG : NFTA_HASH_DREG));
	struct nlattr *e = mnl_attr_nest_start(m, NFTA_LIST_ELEM), *own, *value;

	mnl_attr_put_strz(m, NFTA_EXPR_NAME, "immediate");
	own = mnl_attr_nest_start(m, NFTA_EXPR_DATA);
	mnl_attr_put_u32(m, NFTA_IMMEDIATE_DREG, htonl(to));
	value = mnl_attr_nest_start(m, NFTA_IMMEDIATE_DATA);
	mnl_attr_put(m, NFTA_DATA_VALUE, sizeof(first), &first);
	mnl_attr_nest_end(m, value);
	mnl_attr_nest_end(m, own);
	mnl_attr_nest_end(m, e);
}

/* before: handle of the rule before which it comes; 0: it is the last one of its chain. assume: the
 * conditions that a sample cannot meet are left out, and the first one of several numbers is
 * chosen. */
static void copy_rule(struct batch *b, const struct nlmsghdr *from, __u64 before, bool assume)
{
	const struct nlattr *list = attr_of(from, GEN, NFTA_RULE_EXPRESSIONS), *e;
	struct nlmsghdr *m = batch_next(b, from->nlmsg_len + 256);
	bool extension = false, left_out = false;
	struct nlattr *nest;

	request_copy(m, from, NFT(NEWRULE), NLM_F_CREATE | (before ? 0 : NLM_F_APPEND), GEN,
		     1 << NFTA_RULE_HANDLE | 1 << NFTA_RULE_POSITION | 1 << NFTA_RULE_EXPRESSIONS);
	if (before)
		mnl_attr_put_u64(m, NFTA_RULE_POSITION, htobe64(before));
	nest = mnl_attr_nest_start(m, NFTA_RULE_EXPRESSIONS);
	if (list)
		mnl_attr_for_each_nested(e, list) {
			const char *kind = attr_text(attr_in(e, NFTA_EXPR_NAME));
			__u32 modulus;

			if (assume && expression_unknown(e) && expression_chooses(e, &modulus)) {
				put_first(m, e);
				left_out = false;
				continue;
			}
			left_out = assume && ((expression_unknown(e) && !is_queue(e)) ||
					      (left_out && is_test(e)));
			if (left_out || expression_harmless(e))
				continue;
			extension |= !strcmp(kind, "match") || !strcmp(kind, "target");
			put_attribute(m, e);
		}
	mnl_attr_nest_end(m, nest);
	if (extension) {
		nest = mnl_attr_nest_start(m, NFTA_RULE_COMPAT);
		mnl_attr_put_u32(m, NFTA_RULE_COMPAT_PROTO, htonl(protocol_of(list)));
		mnl_attr_put_u32(m, NFTA_RULE_COMPAT_FLAGS, 0);
		mnl_attr_nest_end(m, nest);
	}
	batch_add(b, m);
}

/* Returns whether a rule that is loaded uses the anonymous set: the kernel refuses one that no rule
 * uses. */
static bool uses(const struct host_rule *rule, const struct nlmsghdr *m, const struct host_set *s)
{
	const struct nlattr *list = attr_of(m, GEN, NFTA_RULE_EXPRESSIONS), *e;

	if (!list || rule->family != s->set.family || strcmp(rule->table, s->set.table))
		return false;
	mnl_attr_for_each_nested(e, list)
		if (!strcmp(attr_text(attr_in(e, NFTA_EXPR_NAME)), "lookup") &&
		    !strcmp(attr_text(attr_in(attr_in(e, NFTA_EXPR_DATA), NFTA_LOOKUP_SET)),
			    s->set.name))
			return true;
	return false;
}

static bool is_used(const struct rules *r, const struct host_set *s)
{
	size_t i = 0;

	for each_message(m, &r->list) {
		const struct host_rule *rule = &r->rules[i++];

		if (!rule->unknown && uses(rule, m, s))
			return true;
	}
	return false;
}

/* ---- the transaction ---- */

static void copy_one(struct batch *b, const struct nlmsghdr *from, __u16 type, __u64 without)
{
	struct nlmsghdr *m = batch_next(b, from->nlmsg_len + 64);

	request_copy(m, from, type, NLM_F_CREATE, GEN, without);
	if (type == NFT(NEWSET))
		mnl_attr_put_u32(m, NFTA_SET_ID, htonl(b->n + 1));
	if (type == NFT(NEWTABLE))
		mnl_attr_put_u32(m, NFTA_TABLE_FLAGS,
				 htonl(attr_number(attr_of(from, GEN, NFTA_TABLE_FLAGS)) &
				       NFT_TABLE_F_DORMANT));
	batch_add(b, m);
}

static void copy_all(struct batch *b, const struct dump *d, __u16 type, __u64 without)
{
	for each_message(from, d)
		copy_one(b, from, type, without);
}

/* The kernel refuses attributes of sets from 19 on, which it dumps. */
static void copy_set(struct batch *b, const struct nlmsghdr *m, const struct host_set *s)
{
	copy_one(b, m, NFT(NEWSET), 1 << NFTA_SET_HANDLE | ~0ull << 19);
	if (s->anonymous)
		nf_fill_elements(b, s);
}

size_t nf_fill(struct batch *b, const struct rules *r)
{
	size_t i = 0, first;

	batch_begin(b);
	copy_all(b, &r->tables, NFT(NEWTABLE), 1 << NFTA_TABLE_FLAGS | 1 << NFTA_TABLE_OWNER |
		 1 << NFTA_TABLE_HANDLE | 1 << NFTA_TABLE_USE);
	copy_all(b, &r->chains, NFT(NEWCHAIN), 1 << NFTA_CHAIN_HANDLE | 1 << NFTA_CHAIN_USE |
		 1 << NFTA_CHAIN_FLAGS);
	copy_all(b, &r->objects, NFT(NEWOBJ), 1 << NFTA_OBJ_HANDLE | 1 << NFTA_OBJ_USE);
	copy_all(b, &r->flowtables, NFT(NEWFLOWTABLE), 1 << NFTA_FLOWTABLE_HANDLE |
		 1 << NFTA_FLOWTABLE_USE | 1 << NFTA_FLOWTABLE_FLAGS);
	for each_message(m, &r->sets) {
		const struct host_set *s = &r->named[i++];

		if (s->anonymous && r->n_unknown && !is_used(r, s)) {
			batch_skip(b);
			continue;
		}
		copy_set(b, m, s);
	}
	first = b->n + 1;
	i = 0;
	for each_message(m, &r->list) {
		if (r->rules[i++].unknown)
			batch_skip(b);
		else
			copy_rule(b, m, 0, false);
	}
	return first;
}

/* Finds the handles of the copies: the kernel lists the rules of each chain in order. */
static void find_handles(struct rules *r, const struct batch *b, size_t first)
{
	char buffer[256] = { 0 };
	struct nlmsghdr *q = request_begin(buffer, NFT(GETRULE), NLM_F_DUMP, GEN);
	struct dump here = { 0 };
	size_t i = 0;

	dump_read(NETLINK_NETFILTER, q, GEN, &here);
	for (size_t k = 0; k < r->n_rules; k++)
		r->rules[k].here = 0;
	for each_message(m, &here) {
		const char *chain = attr_text(attr_of(m, GEN, NFTA_RULE_CHAIN));
		const char *table = attr_text(attr_of(m, GEN, NFTA_RULE_TABLE));

		while (i < r->n_rules && (b->errors[first + i] || r->rules[i].unknown ||
					  strcmp(r->rules[i].chain, chain) ||
					  strcmp(r->rules[i].table, table)))
			i++;
		if (i < r->n_rules)
			r->rules[i++].here = attr_number64(attr_of(m, GEN, NFTA_RULE_HANDLE));
	}
	free(here.data);
}

static void name_refused(struct rehearsal *r, const struct batch *b, size_t first)
{
	const struct rules *rules = &r->parts->rules;
	char text[512];
	size_t n = 0;

	for (size_t i = 1; i <= b->n; i++) {
		if (!b->errors[i] || ++n > REFUSED_NAMED)
			continue;
		if (i < first) {
			lacks(r, "a table, chain, object or set of nftables: %s",
			      strerror(-b->errors[i]));
			continue;
		}
		rule_print(rules, &rules->rules[i - first], text, sizeof(text));
		lacks(r, "the rule %s: %s", text, strerror(-b->errors[i]));
	}
	if (n > REFUSED_NAMED)
		lacks(r, "%zu more rules", n - REFUSED_NAMED);
}

struct nlmsghdr *nf_begin(struct batch *b, __u16 type, __u16 flags, __u8 family, size_t room)
{
	struct nlmsghdr *m = request_begin(batch_next(b, 512 + room), type, flags, GEN);

	((struct nfgenmsg *)mnl_nlmsg_get_payload(m))->nfgen_family = family;
	return m;
}

int nf_send(struct batch *b)
{
	int rc = batch_send(b, NETLINK_NETFILTER, true);

	for (size_t i = 1; i <= b->n && rc > 0; i++)
		rc = b->errors[i] ?: rc;
	batch_free(b);
	return rc > 0 ? -EINVAL : rc;
}

static void load_elements(struct rehearsal *r, const struct host_set *s)
{
	struct batch b = { 0 };
	int rc;

	nf_fill_elements(&b, s);
	rc = nf_send(&b);
	if (rc)
		lacks(r, "the elements of the set %s %s %s: %s", family_name(s->set.family),
		      s->set.table, s->set.name, strerror(-rc));
}

int nf_load(struct rehearsal *r)
{
	struct rules *rules = &r->parts->rules;
	struct batch b = { 0 };
	size_t first = 0;
	int rc = 1;

	for (int i = 0; i < LOAD_TRIES && rc > 0; i++) {
		first = nf_fill(&b, rules);
		rc = batch_send(&b, NETLINK_NETFILTER, true);
	}
	if (rc)
		lacks(r, "the rules of nftables: %s", strerror(rc < 0 ? -rc : EINVAL));
	name_refused(r, &b, first);
	find_handles(rules, &b, first);
	for (size_t i = 0; i < rules->n_named && !rc; i++)
		if (!rules->named[i].anonymous && rules->named[i].elements.n)
			load_elements(r, &rules->named[i]);
	batch_free(&b);
	return rc < 0 ? rc : 0;
}

/* ---- rules with a condition that a sample cannot meet ---- */

/* Returns the handle of the copy behind rule i in its chain; 0: there is none. */
static __u64 handle_behind(const struct rules *r, size_t i)
{
	for (size_t k = i + 1; k < r->n_rules && r->rules[k].position > 1; k++)
		if (r->rules[k].here)
			return r->rules[k].here;
	return 0;
}

/* Returns the highest handle in the table of a rule, which the kernel gave out last. */
static __u64 latest_handle(const struct host_rule *rule)
{
	char buffer[512] = { 0 };
	struct nlmsghdr *q = request_begin(buffer, NFT(GETRULE), NLM_F_DUMP, GEN);
	struct dump d = { 0 };
	__u64 latest = 0;

	((struct nfgenmsg *)mnl_nlmsg_get_payload(q))->nfgen_family = rule->family;
	mnl_attr_put_strz(q, NFTA_RULE_TABLE, rule->table);
	dump_read(NETLINK_NETFILTER, q, GEN, &d);
	for each_message(m, &d) {
		__u64 handle = attr_number64(attr_of(m, GEN, NFTA_RULE_HANDLE));

		latest = handle > latest ? handle : latest;
	}
	free(d.data);
	return latest;
}

int rehearsal_assume(struct rehearsal *r, size_t unknown, bool holds, char *ret, size_t size)
{
	const struct rules *rules = &r->parts->rules;
	struct batch b = { 0 };
	size_t i = 0, k = 0, n;
	struct nlmsghdr *rule = NULL;

	for each_message(m, &rules->list) {
		if (rules->rules[i].unknown && !unknown--) {
			rule = m;
			break;
		}
		i++;
	}
	if (!rule)
		return -ENOENT;
	n = snprintf(ret, size, "the condition '%s' of the rule ", rules->rules[i].unknown);
	rule_print(rules, &rules->rules[i], ret + n, size - n);
	if (!holds) {
		rule = nf_begin(&b, NFT(DELRULE), 0, rules->rules[i].family, 512);
		mnl_attr_put_strz(rule, NFTA_RULE_TABLE, rules->rules[i].table);
		mnl_attr_put_strz(rule, NFTA_RULE_CHAIN, rules->rules[i].chain);
		mnl_attr_put_u64(rule, NFTA_RULE_HANDLE, htobe64(latest_handle(&rules->rules[i])));
		batch_add(&b, rule);
		return nf_send(&b);
	}
	for each_message(m, &rules->sets) {
		const struct host_set *s = &rules->named[k++];

		if (s->anonymous && uses(&rules->rules[i], rule, s) && !is_used(rules, s))
			copy_set(&b, m, s);
	}
	copy_rule(&b, rule, handle_behind(rules, i), true);
	rehearsal_forget(r);
	return nf_send(&b);
}
