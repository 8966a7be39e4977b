/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads the host and builds the copy, and prints rules.
 */
#include <net/if.h>
#include <netinet/in.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <stdarg.h>
#include <string.h>
#include "lib/grow.h"
#include "rehearsal/parts.h"

/* Elements whose keys are edges, at most: a set that rules ask for one address is tried by a member
 * of its own. */
#define ELEMENTS_MAX 4096
#define SAMPLED_MAX 256			/* the same of one set with addresses */

void lacks(struct rehearsal *r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	*append(r->missing, r->n_missing) = xvasprintf(format, args);
	va_end(args);
}

char *output_of(const char *command)
{
	FILE *in = popen(command, "re");
	char *text = NULL;
	size_t size = 0;

	if (!in || getdelim(&text, &size, '\0', in) < 0) {
		free(text);
		text = NULL;
	}
	if (in)
		pclose(in);
	return text;
}

/* Finds the rule in the output of iptables-save, if its table is of iptables, or of nft. */
void rule_print(const struct rules *r, const struct host_rule *rule, char *ret, size_t size)
{
	char head[600];
	const char *at = r->text;
	int len, n;

	n = snprintf(ret, size, "%s %s %s handle %llu", family_name(rule->family), rule->table,
		     rule->chain, rule->handle);
	if (n >= size)
		return;
	if (rule->family == NFPROTO_IPV4 || rule->family == NFPROTO_IPV6) {
		at = saved_rule(r->saved[rule->family == NFPROTO_IPV6], rule->table, rule->chain,
				rule->position, &len);
		if (at)
			snprintf(ret + n, size - n, " (%.*s)", len, at);
		if (at)
			return;
		at = r->text;
	}
	snprintf(head, sizeof(head), "table %s %s {", family_name(rule->family), rule->table);
	at = at ? strstr(at, head) : NULL;
	snprintf(head, sizeof(head), "\n\tchain %s {", rule->chain);
	at = at ? strstr(at, head) : NULL;
	snprintf(head, sizeof(head), " # handle %llu\n", rule->handle);
	at = at ? strstr(at, head) : NULL;
	if (!at)
		return;
	for (len = 0; at[-1 - len] != '\n';)
		len++;
	while (len && at[-len] == '\t')
		len--;
	snprintf(ret + n, size - n, " (%.*s)", len, at - len);
}

/* ---- reading ---- */

/* A set that has addresses is tried by a member of its own, so some of its elements are enough. */
static void harvest_set(struct rehearsal *r, const struct host_set *s, size_t *left)
{
	size_t room = s->set.addresses && *left > SAMPLED_MAX ? SAMPLED_MAX : *left, before = room;

	for each_message(m, &s->elements) {
		const struct nlattr *list = attr_of(m, GEN, NFTA_SET_ELEM_LIST_ELEMENTS), *e, *v;

		if (!list)
			continue;
		mnl_attr_for_each_nested(e, list)
			for (int end = 0; end < 2; end++) {
				v = attr_in(attr_in(e, end ? NFTA_SET_ELEM_KEY_END :
						    NFTA_SET_ELEM_KEY), NFTA_DATA_VALUE);
				if (v && room && room--)
					harvest_element(r, mnl_attr_get_payload(v),
							mnl_attr_get_payload_len(v));
			}
	}
	*left -= before - room;
}

struct ipset_harvest {
	struct rehearsal *r;
	size_t *left;
};

static void harvest_ipset(void *data, const struct prefix *p)
{
	const struct ipset_harvest *h = data;

	if (*h->left && (*h->left)--)
		harvest_prefix(h->r, p);
}

static void harvest(struct rehearsal *r)
{
	const struct rules *rules = &r->parts->rules;
	size_t left = ELEMENTS_MAX;

	harvest_text(r, rules->text);
	for (int i = 0; i < 4; i++)
		harvest_text(r, rules->saved[i]);
	for (size_t i = 0; i < rules->n_named; i++)
		harvest_set(r, &rules->named[i], &left);
	for each_message(m, &rules->ip.sets)
		ip_set_each(m, harvest_ipset, &(struct ipset_harvest){ r, &left });
	if (!left)
		lacks(r, "samples for all elements of sets: the first %d were tried",
		      ELEMENTS_MAX);
	harvest_done(r);
}

static int read_rules(struct rehearsal *r)
{
	struct rules *rules = &r->parts->rules;
	int rc = nf_read(r);

	if (rc)
		return rc;
	legacy_read(r);
	ip_sets_read(r);
	if (rules->n_rules) {
		rules->text = output_of("nft -a -s -t list ruleset 2> /dev/null");
		if (!rules->text)
			lacks(r, "the text of the rules, and so samples for the addresses in "
			      "them: the command nft is missing or failed");
		if (!rules->text || strstr(rules->text, "table ip")) {
			rules->saved[0] = output_of("iptables-nft-save 2> /dev/null");
			rules->saved[1] = output_of("ip6tables-nft-save 2> /dev/null");
		}
	}
	harvest(r);
	return 0;
}

int rehearsal_read(struct rehearsal *r)
{
	*r = (struct rehearsal){ .parts = xcalloc(1, sizeof(struct parts)) };
	return stage_read(r) ?: read_rules(r);
}

int rehearsal_begin(struct rehearsal *r)
{
	int rc = stage_enter() ?: stage_build(r);

	if (rc)
		return rc;
	ip_sets_load(r);
	legacy_load(r);
	return nf_load(r) ?: play_open(r);
}
