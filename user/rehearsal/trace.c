/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Names the rule that drops a sample, by the kernel's own trace, and removes it from the copy. The
 * few rules that the rehearsal itself needs are written by netlink: the name of an interface is
 * never a part of a text.
 */
#include <net/if.h>
#include <netinet/in.h>
#include <errno.h>
#include <limits.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <string.h>
#include <sys/socket.h>
#include "lib/grow.h"
#include "net/netlink_talk.h"
#include "rehearsal/parts.h"

#define OWN_TABLE "wgxdp-rehearsal"
#define OWN_CHAIN "c"
#define DNAT_BEFORE (-101)		/* priority directly before dstnat */

const char *family_name(__u8 family)
{
	return family == NFPROTO_IPV4 ? "ip" : family == NFPROTO_IPV6 ? "ip6" :
	       family == NFPROTO_INET ? "inet" : family == NFPROTO_NETDEV ? "netdev" :
	       family == NFPROTO_BRIDGE ? "bridge" : "arp";
}

/* ---- own rules ---- */

static void put_table(struct batch *b, __u8 family, bool there)
{
	struct nlmsghdr *m = nf_begin(b, there ? NFT(NEWTABLE) : NFT(DELTABLE),
				   there ? NLM_F_CREATE : 0, family, 0);

	mnl_attr_put_strz(m, NFTA_TABLE_NAME, OWN_TABLE);
	batch_add(b, m);
}

/* r: its interfaces are those of the chain; NULL: it is no chain of ingress. */
static void put_chain(struct batch *b, __u8 family, const char *type, __u32 hook,
		      __s32 priority, __u32 policy, const struct rehearsal *r)
{
	struct nlmsghdr *m = nf_begin(b, NFT(NEWCHAIN), NLM_F_CREATE, family,
				   r ? r->n_links * (IFNAMSIZ + 8) : 0);
	struct nlattr *nest, *devices;

	mnl_attr_put_strz(m, NFTA_CHAIN_TABLE, OWN_TABLE);
	mnl_attr_put_strz(m, NFTA_CHAIN_NAME, OWN_CHAIN);
	nest = mnl_attr_nest_start(m, NFTA_CHAIN_HOOK);
	mnl_attr_put_u32(m, NFTA_HOOK_HOOKNUM, htonl(hook));
	mnl_attr_put_u32(m, NFTA_HOOK_PRIORITY, htonl(priority));
	if (r) {
		devices = mnl_attr_nest_start(m, NFTA_HOOK_DEVS);
		for (size_t i = 0; i < r->n_links; i++)
			if (r->parts->stage.stand_ins[i].made)
				mnl_attr_put_strz(m, NFTA_DEVICE_NAME, r->links[i].name);
		mnl_attr_nest_end(m, devices);
	}
	mnl_attr_nest_end(m, nest);
	mnl_attr_put_strz(m, NFTA_CHAIN_TYPE, type);
	mnl_attr_put_u32(m, NFTA_CHAIN_POLICY, htonl(policy));
	batch_add(b, m);
}

struct rule_writer {
	struct nlmsghdr *m;
	struct nlattr *list, *element, *data;
};

static struct rule_writer begin_rule(struct batch *b, __u8 family)
{
	struct rule_writer w = {
		.m = nf_begin(b, NFT(NEWRULE), NLM_F_CREATE | NLM_F_APPEND, family, 0),
	};

	mnl_attr_put_strz(w.m, NFTA_RULE_TABLE, OWN_TABLE);
	mnl_attr_put_strz(w.m, NFTA_RULE_CHAIN, OWN_CHAIN);
	w.list = mnl_attr_nest_start(w.m, NFTA_RULE_EXPRESSIONS);
	return w;
}

static void begin_expression(struct rule_writer *w, const char *name)
{
	w->element = mnl_attr_nest_start(w->m, NFTA_LIST_ELEM);
	mnl_attr_put_strz(w->m, NFTA_EXPR_NAME, name);
	w->data = mnl_attr_nest_start(w->m, NFTA_EXPR_DATA);
}

static void end_expression(struct rule_writer *w)
{
	mnl_attr_nest_end(w->m, w->data);
	mnl_attr_nest_end(w->m, w->element);
}

static void put_number(struct rule_writer *w, int type, __u32 n)
{
	mnl_attr_put_u32(w->m, type, htonl(n));
}

static void put_immediate(struct rule_writer *w, __u32 to, const void *data, size_t n)
{
	struct nlattr *nest;

	begin_expression(w, "immediate");
	put_number(w, NFTA_IMMEDIATE_DREG, to);
	nest = mnl_attr_nest_start(w->m, NFTA_IMMEDIATE_DATA);
	mnl_attr_put(w->m, NFTA_DATA_VALUE, n, data);
	mnl_attr_nest_end(w->m, nest);
	end_expression(w);
}

/* Adds a rule that lets the kernel trace each packet. */
static void put_trace(struct batch *b, __u8 family)
{
	struct rule_writer w = begin_rule(b, family);

	put_immediate(&w, NFT_REG_1, &(__u8){ 1 }, 1);
	begin_expression(&w, "meta");
	put_number(&w, NFTA_META_KEY, NFT_META_NFTRACE);
	put_number(&w, NFTA_META_SREG, NFT_REG_1);
	end_expression(&w);
	mnl_attr_nest_end(w.m, w.list);
	batch_add(b, w.m);
}

int rehearsal_translate(struct rehearsal *r, const struct address *to, __u16 port)
{
	bool four = to && to->family == FAMILY_IPV4;
	__u8 family = four ? NFPROTO_IPV4 : NFPROTO_IPV6;
	struct rule_writer w;
	struct batch b = { 0 };

	rehearsal_forget(r);
	put_table(&b, NFPROTO_IPV4, true);
	put_table(&b, NFPROTO_IPV4, false);
	put_table(&b, NFPROTO_IPV6, true);
	put_table(&b, NFPROTO_IPV6, false);
	if (!to)
		return nf_send(&b);
	put_table(&b, family, true);
	put_chain(&b, family, "nat", NF_INET_PRE_ROUTING, DNAT_BEFORE, NF_ACCEPT, NULL);
	w = begin_rule(&b, family);
	put_immediate(&w, NFT_REG_1, to->addr.b + (four ? 12 : 0), four ? 4 : 16);
	put_immediate(&w, NFT_REG_2, &(__be16){ htons(port) }, 2);
	begin_expression(&w, "nat");
	put_number(&w, NFTA_NAT_TYPE, NFT_NAT_DNAT);
	put_number(&w, NFTA_NAT_FAMILY, family);
	put_number(&w, NFTA_NAT_REG_ADDR_MIN, NFT_REG_1);
	put_number(&w, NFTA_NAT_REG_PROTO_MIN, NFT_REG_2);
	end_expression(&w);
	mnl_attr_nest_end(w.m, w.list);
	batch_add(&b, w.m);
	return nf_send(&b);
}

int rehearsal_ignore_here(struct rehearsal *r, bool on)
{
	struct batch b = { 0 };

	put_table(&b, NFPROTO_INET, true);
	put_table(&b, NFPROTO_INET, false);
	if (on) {
		put_table(&b, NFPROTO_INET, true);
		put_chain(&b, NFPROTO_INET, "filter", NF_INET_LOCAL_IN, INT_MIN, NF_DROP, NULL);
	}
	return nf_send(&b);
}

/* ---- the trace ---- */

static int open_trace(struct rehearsal *r)
{
	int group = NFNLGRP_NFTRACE, size = 4 << 20, rc;

	rc = r->parts->trace ? 0 : nl_open(NETLINK_NETFILTER, &r->parts->trace);
	if (rc)
		return rc;
	setsockopt(mnl_socket_get_fd(r->parts->trace), SOL_SOCKET, SO_RCVBUFFORCE, &size,
		   sizeof(size));
	return mnl_socket_setsockopt(r->parts->trace, NETLINK_ADD_MEMBERSHIP, &group,
				     sizeof(group)) ? -errno : 0;
}

/* A chain at all interfaces marks packets before all other rules; another one marks those that this
 * host sends. */
int sample_trace(struct rehearsal *r, bool on)
{
	struct batch b = { 0 };
	int rc = open_trace(r);

	if (rc)
		return rc;
	put_table(&b, NFPROTO_NETDEV, on);
	put_table(&b, NFPROTO_INET, on);
	if (on) {
		put_chain(&b, NFPROTO_NETDEV, "filter", NF_NETDEV_INGRESS, INT_MIN, NF_ACCEPT, r);
		put_trace(&b, NFPROTO_NETDEV);
		put_chain(&b, NFPROTO_INET, "filter", NF_INET_LOCAL_OUT, INT_MIN, NF_ACCEPT, NULL);
		put_trace(&b, NFPROTO_INET);
		legacy_before(r);
	}
	rehearsal_forget(r);
	return nf_send(&b);
}

/* Reads one message of the trace: the rules that decide become .way of the rehearsal, and the last
 * rule or policy that drops becomes *ret. */
static void look_at_message(struct rehearsal *r, const struct nlmsghdr *m, struct decision *ret)
{
	const char *table = attr_text(attr_of(m, GEN, NFTA_TRACE_TABLE));
	const char *chain = attr_text(attr_of(m, GEN, NFTA_TRACE_CHAIN));
	__u8 family = ((struct nfgenmsg *)mnl_nlmsg_get_payload(m))->nfgen_family;
	const struct nlattr *verdict = attr_of(m, GEN, NFTA_TRACE_VERDICT);
	const struct nlattr *policy = attr_of(m, GEN, NFTA_TRACE_POLICY);
	__u64 handle = attr_number64(attr_of(m, GEN, NFTA_TRACE_RULE_HANDLE));
	const struct nlattr *code = attr_in(verdict, NFTA_VERDICT_CODE);
	__u32 how = attr_number(policy ?: code);
	const struct rules *rules = &r->parts->rules;
	struct decision d = { .by = policy ? DECIDED_BY_POLICY : DECIDED_BY_RULE,
			      .family = family };
	char text[sizeof(d.text) - 16];

	if (!strcmp(table, OWN_TABLE) ||
	    (policy ? how != NF_DROP : !handle || !code || how > NF_ACCEPT))
		return;
	snprintf(d.table, sizeof(d.table), "%s", table);
	snprintf(d.chain, sizeof(d.chain), "%s", chain);
	snprintf(d.text, sizeof(d.text), "the policy of %s %s %s", family_name(family), table,
		 chain);
	for (size_t i = 0; i < rules->n_rules && !policy; i++)
		if (rules->rules[i].here == handle && rules->rules[i].family == family &&
		    !strcmp(rules->rules[i].table, table)) {
			d.at = i;
			d.handle = rules->rules[i].handle;
			d.position = rules->rules[i].position;
			rule_print(rules, &rules->rules[i], text, sizeof(text));
			snprintf(d.text, sizeof(d.text), "the rule %s", text);
		}
	if (how == NF_DROP)
		*ret = d;
	if (!policy)
		*append(r->way, r->n_way) = d;
}

static void read_trace(struct rehearsal *r, struct decision *ret)
{
	static char buffer[65536];
	ssize_t n;

	while ((n = recv(mnl_socket_get_fd(r->parts->trace), buffer, sizeof(buffer),
			 MSG_DONTWAIT)) > 0) {
		int left = n;

		for (struct nlmsghdr *m = (void *)buffer; mnl_nlmsg_ok(m, left);
		     m = mnl_nlmsg_next(m, &left))
			if (m->nlmsg_type == NFT(TRACE))
				look_at_message(r, m, ret);
	}
}

struct sample_answer sample_decision(struct rehearsal *r, const struct sample *s,
				     struct decision *ret)
{
	struct sample_answer a = sample_play(r, s);

	*ret = (struct decision){ .text = "no rule" };
	free(r->way);
	r->way = NULL;
	r->n_way = 0;
	read_trace(r, ret);
	if (a.end == SAMPLE_LOST)
		legacy_after(r, ret);
	return a;
}

bool decision_equal(const struct decision *a, const struct decision *b)
{
	return a->by == b->by && a->family == b->family && a->handle == b->handle &&
	       !strcmp(a->table, b->table) && !strcmp(a->chain, b->chain);
}

bool decision_at_egress(const struct rehearsal *r, const struct decision *d)
{
	for each_message(m, &r->parts->rules.chains) {
		const struct nfgenmsg *header = mnl_nlmsg_get_payload(m);
		const struct nlattr *hook = attr_of(m, GEN, NFTA_CHAIN_HOOK);

		if (header->nfgen_family == NFPROTO_NETDEV && d->family == NFPROTO_NETDEV && hook &&
		    !strcmp(attr_text(attr_of(m, GEN, NFTA_CHAIN_TABLE)), d->table) &&
		    attr_number(attr_in(hook, NFTA_HOOK_HOOKNUM)) == NF_NETDEV_EGRESS)
			return true;
	}
	return false;
}

/* ---- changing the copy ---- */

int rehearsal_forgive(struct rehearsal *r, const struct decision *d)
{
	struct batch b = { 0 };
	struct nlmsghdr *m;

	rehearsal_forget(r);
	if (d->by == DECIDED_BY_LEGACY)
		return legacy_forgive(r, d);
	if (d->by == DECIDED_BY_NONE)
		return -ENOENT;
	if (d->by == DECIDED_BY_RULE) {
		m = nf_begin(&b, NFT(DELRULE), 0, d->family, 0);
		mnl_attr_put_strz(m, NFTA_RULE_TABLE, d->table);
		mnl_attr_put_strz(m, NFTA_RULE_CHAIN, d->chain);
		mnl_attr_put_u64(m, NFTA_RULE_HANDLE, htobe64(r->parts->rules.rules[d->at].here));
	} else {
		m = nf_begin(&b, NFT(NEWCHAIN), 0, d->family, 0);
		mnl_attr_put_strz(m, NFTA_CHAIN_TABLE, d->table);
		mnl_attr_put_strz(m, NFTA_CHAIN_NAME, d->chain);
		mnl_attr_put_u32(m, NFTA_CHAIN_POLICY, htonl(NF_ACCEPT));
	}
	batch_add(&b, m);
	return nf_send(&b);
}

void rehearsal_remove_rules(struct rehearsal *r)
{
	struct batch b = { 0 };

	for each_message(table, &r->parts->rules.tables) {
		const struct nfgenmsg *header = mnl_nlmsg_get_payload(table);
		struct nlmsghdr *m = nf_begin(&b, NFT(DELRULE), 0, header->nfgen_family, 512);

		mnl_attr_put_strz(m, NFTA_RULE_TABLE,
				  attr_text(attr_of(table, GEN, NFTA_TABLE_NAME)));
		batch_add(&b, m);
	}
	nf_send(&b);
	rehearsal_forget(r);
}
