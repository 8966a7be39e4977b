/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads the rules of nf_tables as the kernel dumps them. Their expressions are not understood,
 * except for their names.
 */
#include <net/if.h>
#include <netinet/in.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <string.h>
#include <sys/socket.h>
#include "lib/grow.h"
#include "net/netlink_talk.h"
#include "rehearsal/parts.h"

/* Types of keys as nft numbers them. */
enum { NFT_IPV4_ADDRESS = 7, NFT_IPV6_ADDRESS = 8 };
#define READ_TRIES 10			/* attempts to read rules that change meanwhile */

/* ---- conditions that a sample cannot know, by the names of expressions and extensions ---- */

static const char *const unknown_names[] = {
	"limit", "quota", "connlimit", "numgen", "dynset", "hash", "queue", "socket", "tproxy",
	"synproxy", "osf", "hashlimit", "statistic", "recent", "time", "connbytes", "nfacct",
	"cgroup", "owner", "string", "rateest", "cpu", "cluster", "NFQUEUE", "TPROXY", "SYNPROXY",
	"CLUSTERIP", NULL
};
/* These decide nothing. Some would be seen outside of the namespace: IDLETIMER, LED and AUDIT have
 * global state, and so has a log at the level audit. */
static const char *const harmless_names[] = {
	"log", "LOG", "NFLOG", "ULOG", "AUDIT", "IDLETIMER", "LED", "TRACE", "TEE", "dup", "SET",
	NULL
};

static bool is_in(const char *const *list, const char *name)
{
	while (*list && strcmp(*list, name))
		list++;
	return *list;
}

const char *expression_name(const struct nlattr *e)
{
	const char *name = attr_text(attr_in(e, NFTA_EXPR_NAME));
	const struct nlattr *data = attr_in(e, NFTA_EXPR_DATA);

	if (!strcmp(name, "match"))
		return attr_text(attr_in(data, NFTA_MATCH_NAME));
	return strcmp(name, "target") ? name : attr_text(attr_in(data, NFTA_TARGET_NAME));
}

bool name_is_unknown(const char *name)
{
	return is_in(unknown_names, name);
}

bool expression_harmless(const struct nlattr *e)
{
	const char *name = expression_name(e);

	if (!strcmp(name, "exthdr"))	/* without a target, it writes an option of TCP */
		return !attr_in(attr_in(e, NFTA_EXPR_DATA), NFTA_EXTHDR_DREG);
	return is_in(harmless_names, name);
}

bool expression_chooses(const struct nlattr *e, __u32 *ret_modulus)
{
	bool numgen = !strcmp(expression_name(e), "numgen");

	*ret_modulus = numgen ? NFTA_NG_MODULUS : NFTA_HASH_MODULUS;
	return numgen || !strcmp(expression_name(e), "hash");
}

const char *expression_unknown(const struct nlattr *e)
{
	const char *name = expression_name(e);
	const struct nlattr *data = attr_in(e, NFTA_EXPR_DATA);
	__u32 key;

	if (expression_chooses(e, &key) && attr_number(attr_in(data, key)) == 1)
		return NULL;			/* it chooses one of one */
	for (const char *const *known = unknown_names; *known; known++)
		if (!strcmp(*known, name))
			return *known;
	if (!strcmp(name, "objref")) {
		key = attr_number(attr_in(data, NFTA_OBJREF_IMM_TYPE));
		return attr_in(data, NFTA_OBJREF_SET_NAME) ? "objects in a map" :
		       key == NFT_OBJECT_QUOTA ? "quota" : key == NFT_OBJECT_LIMIT ? "limit" : NULL;
	}
	if (strcmp(name, "meta"))
		return NULL;
	key = attr_number(attr_in(data, NFTA_META_KEY));
	return key == NFT_META_PRANDOM ? "random" : key == NFT_META_CPU ? "cpu" :
	       key == NFT_META_IIFKIND || key == NFT_META_OIFKIND ? "kind of an interface" :
	       key >= NFT_META_TIME_NS && key <= NFT_META_TIME_HOUR ? "time" : NULL;
}

/* ---- reading ---- */

static __u8 family_of(const struct nlmsghdr *m)
{
	return ((struct nfgenmsg *)mnl_nlmsg_get_payload(m))->nfgen_family;
}

static int read_all(struct dump *d, __u16 type)
{
	char buffer[256] = { 0 };

	d->n = 0;
	return dump_read(NETLINK_NETFILTER, request_begin(buffer, type, NLM_F_DUMP, GEN), GEN, d);
}

static int read_elements(struct host_set *s)
{
	char buffer[1024] = { 0 };
	struct nlmsghdr *q = request_begin(buffer, NFT(GETSETELEM), NLM_F_DUMP, GEN);

	((struct nfgenmsg *)mnl_nlmsg_get_payload(q))->nfgen_family = s->set.family;
	mnl_attr_put_strz(q, NFTA_SET_ELEM_LIST_TABLE, s->set.table);
	mnl_attr_put_strz(q, NFTA_SET_ELEM_LIST_SET, s->set.name);
	return dump_read(NETLINK_NETFILTER, q, GEN, &s->elements);
}

static void describe_set(struct rules *r, const struct nlmsghdr *m)
{
	__u32 flags = attr_number(attr_of(m, GEN, NFTA_SET_FLAGS));
	__u32 type = attr_number(attr_of(m, GEN, NFTA_SET_KEY_TYPE));
	struct host_set *s = append(r->named, r->n_named);

	s->set.family = family_of(m);
	s->set.table = attr_text(attr_of(m, GEN, NFTA_SET_TABLE));
	s->set.name = attr_text(attr_of(m, GEN, NFTA_SET_NAME));
	s->anonymous = flags & NFT_SET_ANONYMOUS;
	s->set.interval = flags & NFT_SET_INTERVAL;
	if (!(flags & (NFT_SET_ANONYMOUS | NFT_SET_MAP | NFT_SET_OBJECT | NFT_SET_CONSTANT)))
		s->set.addresses = type == NFT_IPV4_ADDRESS ? FAMILY_IPV4 :
				   type == NFT_IPV6_ADDRESS ? FAMILY_IPV6 : 0;
}

static void describe_rule(struct rules *r, const struct nlmsghdr *m)
{
	const struct nlattr *list = attr_of(m, GEN, NFTA_RULE_EXPRESSIONS), *e;
	struct host_rule *rule = append(r->rules, r->n_rules), *last = rule - 1;

	rule->family = family_of(m);
	rule->table = attr_text(attr_of(m, GEN, NFTA_RULE_TABLE));
	rule->chain = attr_text(attr_of(m, GEN, NFTA_RULE_CHAIN));
	rule->handle = attr_number64(attr_of(m, GEN, NFTA_RULE_HANDLE));
	rule->position = r->n_rules > 1 && last->family == rule->family &&
			 !strcmp(last->table, rule->table) && !strcmp(last->chain, rule->chain) ?
			 last->position + 1 : 1;
	if (list)
		mnl_attr_for_each_nested(e, list)
			rule->unknown = rule->unknown ?: expression_unknown(e);
	r->n_unknown += !!rule->unknown;
}

void nf_describe(struct rules *r)
{
	for (size_t i = 0; i < r->n_named; i++)
		free(r->named[i].elements.data);
	free(r->named);
	free(r->rules);
	r->named = NULL;
	r->rules = NULL;
	r->n_named = r->n_rules = r->n_unknown = 0;
	for each_message(m, &r->sets)
		describe_set(r, m);
	for each_message(m, &r->list)
		describe_rule(r, m);
}

/* Returns the number of the ruleset's latest change. */
static __u32 generation(void)
{
	char buffer[256] = { 0 };
	struct nlmsghdr *q = request_begin(buffer, NFT(GETGEN), NLM_F_ACK, GEN);
	struct dump d = { 0 };
	__u32 n = 0;

	if (!dump_read(NETLINK_NETFILTER, q, GEN, &d) && d.n)
		n = attr_number(attr_of((void *)d.data, GEN, NFTA_GEN_ID));
	free(d.data);
	return n;
}

static int read_once(struct rules *r)
{
	int rc = read_all(&r->tables, NFT(GETTABLE)) ?: read_all(&r->chains, NFT(GETCHAIN)) ?:
		 read_all(&r->sets, NFT(GETSET)) ?: read_all(&r->objects, NFT(GETOBJ)) ?:
		 read_all(&r->list, NFT(GETRULE));

	read_all(&r->flowtables, NFT(GETFLOWTABLE));	/* the kernel may lack them */
	nf_describe(r);
	for (size_t i = 0; i < r->n_named && !rc; i++)
		rc = read_elements(&r->named[i]);
	return rc;
}

int nf_read(struct rehearsal *r)
{
	struct rules *rules = &r->parts->rules;
	__u32 before;
	int rc, tries = 0;

	do {
		before = generation();
		rc = read_once(rules);
	} while (++tries < READ_TRIES && (rc == -ENOENT || (!rc && generation() != before)));
	for (size_t i = 0; i < rules->n_named && !rc; i++)
		if (!rules->named[i].anonymous)
			*append(r->sets, r->n_sets) = rules->named[i].set;
	r->n_unknown = rules->n_unknown;
	r->rules |= rules->n_rules || rules->chains.n;
	return rc == -EINVAL || rc == -EOPNOTSUPP ? 0 : rc;	/* no nf_tables: no rules */
}
