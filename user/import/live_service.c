/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Makes a service from a port that the rules forward, with its clients, sources and rules.
 */
#include <string.h>
#include "import/live.h"
#include "lib/grow.h"

#define SOURCES_TRIED 64	/* samples that find the sources of a masquerading service */

static struct sample_answer ask_way(struct live *l, const struct way *w, const struct address *from)
{
	return live_ask(l, w->in, from, &w->local, w->port);
}

/* ---- rules ---- */

/* Copies the text between the brackets of a decision, and the comment in it. */
static void read_text(const struct decision *d, struct import_rule *rule)
{
	const char *open = strchr(d->text, '('), *comment;
	size_t n = strlen(d->text);

	rule->text = open && d->text[n - 1] == ')' ? xstrndup(open + 1, n - (open - d->text) - 2) :
						     xstrdup(d->text);
	comment = strstr(rule->text, "--comment ") ?: strstr(rule->text, "comment ");
	if (!comment)
		return;
	comment = strchr(comment, ' ') + 1;
	snprintf(rule->comment, sizeof(rule->comment), "%.*s",
		 (int)strcspn(comment + (*comment == '"'), *comment == '"' ? "\"" : " "),
		 comment + (*comment == '"'));
}

/* Returns the index of a rule for comments, which is added if it is new. */
size_t live_rule(struct import *im, const struct decision *d)
{
	struct import_rule rule = { .drops = false };

	rule.origin = d->by == DECIDED_BY_RULE ?
		      xasprintf("%s %s %s handle %llu", family_name(d->family), d->table, d->chain,
				d->handle) :
		      xasprintf("%s %s", d->by == DECIDED_BY_LEGACY ? "iptables-legacy" :
				family_name(d->family), d->table);
	read_text(d, &rule);
	for (size_t i = 0; i < im->n_rules; i++)
		if (!strcmp(im->rules[i].origin, rule.origin) &&
		    !strcmp(im->rules[i].text, rule.text)) {
			free(rule.origin);
			free(rule.text);
			return i;
		}
	*append(im->rules, im->n_rules) = rule;
	return im->n_rules - 1;
}

bool live_translates(const struct decision *d)
{
	return strstr(d->text, "dnat") || strstr(d->text, "DNAT") || strstr(d->text, "redirect");
}

/* Names the rules that decide about a client: the one that translates comes first. */
static void name_rules(struct live *l, const struct way *w, const struct address *from,
		       struct import_service *made)
{
	const struct sample s = { .in = w->in, .from = *from, .to = w->local, .port = w->port };
	struct decision why;
	bool lost = sample_decision(l->r, &s, &why).end == SAMPLE_LOST;

	for (int first = 1; first >= 0; first--)
		for (size_t i = 0; i < l->r->n_way && !lost; i++)
			if (live_translates(&l->r->way[i]) == first)
				rules_list_add(&made->rules, &made->n_rules,
					       live_rule(l->im, &l->r->way[i]));
	if (lost && why.by) {
		size_t at = live_rule(l->im, &why);

		l->im->rules[at].drops = true;
		rules_list_add(&made->rules, &made->n_rules, at);
	}
}

static void name_all_rules(struct live *l, const struct way *w, struct import_service *made)
{
	struct address from = sample_outsider(w->local.family);
	struct address member = sample_member(w->local.family);
	struct decision none = { .by = DECIDED_BY_LEGACY, .table = "nat", .chain = "PREROUTING",
				 .text = "its rules translate the destination" };

	name_rules(l, w, w->base ? &from : w->n_list ? &w->list[0].first : &from, made);
	for (size_t i = 0; i < w->n_sets + w->n_without; i++) {
		const struct copied_set *s;

		s = &l->r->sets[i < w->n_sets ? w->sets[i] : w->without[i - w->n_sets]];
		if (rehearsal_put(l->r, s, &member, true))
			continue;
		name_rules(l, w, &member, made);
		rehearsal_put(l->r, s, &member, false);
	}
	for (size_t i = 0; i < w->n_list && w->base; i++)
		name_rules(l, w, &w->list[i].first, made);
	if (!made->n_rules)
		rules_list_add(&made->rules, &made->n_rules, live_rule(l->im, &none));
}

/* ---- services ---- */

struct prefixes {
	struct prefix **list;
	size_t *n;
};

static int add_prefix(void *data, const struct prefix *p)
{
	const struct prefixes *to = data;

	*append(*to->list, *to->n) = *p;
	return 0;
}

static void put_spans(const struct span *list, size_t n, struct prefix **to, size_t *n_to)
{
	for (size_t i = 0; i < n; i++)
		range_each(&list[i].first, &list[i].last, add_prefix,
			   &(struct prefixes){ to, n_to });
}

void live_set_name(const struct copied_set *s, char ret[LIST_NAME_LEN])
{
	snprintf(ret, LIST_NAME_LEN, "%s %.*s %.*s", family_name(s->family),
		 LIST_NAME_PART, s->table, LIST_NAME_PART, s->name);
}

static void put_sets(const struct live *l, const size_t *sets, size_t n, struct list_config **to,
		     size_t *n_to)
{
	for (size_t i = 0; i < n; i++) {
		const struct copied_set *s = &l->r->sets[sets[i]];
		struct list_config *list = append(*to, *n_to);

		list->source = LIST_NFT_SET;
		live_set_name(s, list->name);
	}
}

static void put_clients(const struct live *l, const struct way *w, struct service_config *s)
{
	if (w->base) {
		put_sets(l, w->sets, w->n_sets, &s->deny_lists, &s->n_deny_lists);
		put_spans(w->list, w->n_list, &s->deny, &s->n_deny);
		return;
	}
	put_sets(l, w->sets, w->n_sets, &s->allow_lists, &s->n_allow_lists);
	put_spans(w->list, w->n_list, &s->allow, &s->n_allow);
	put_sets(l, w->without, w->n_without, &s->deny_lists, &s->n_deny_lists);
	put_spans(w->except, w->n_except, &s->deny, &s->n_deny);
}

/* Returns the mentioned port that is nearest to a limit of what was seen. Rules mention a port if
 * both its neighbours are edges too. */
static __u16 mentioned(const struct rehearsal *r, __u16 seen, bool below)
{
	__u16 best = 0;

	for (size_t i = 1; i + 1 < r->n_ports; i++)
		if (r->ports[i - 1] + 1 == r->ports[i] && r->ports[i] + 1 == r->ports[i + 1] &&
		    (below ? r->ports[i] <= seen : r->ports[i] >= seen && !best))
			best = r->ports[i];
	return best;
}

/* Finds the addresses and ports from which a masquerading service sends. By default wgxdp sends
 * from the first address of the interface, and chooses the ports. chosen: so does the rule. */
static void find_sources(struct live *l, const struct way *w, bool chosen,
			 struct service_config *s)
{
	struct address from = w->base ? sample_outsider(w->local.family) : w->list[0].first;
	__u16 lowest = 65535, highest = 0;
	bool kept = true;

	for (unsigned int i = 0; i < SOURCES_TRIED; i++) {
		struct sample p = { .in = w->in, .from = from, .to = w->local, .port = w->port,
				    .sport = 3000 + 900 * i };
		struct sample_answer a = sample_play(l->r, &p);

		if (!live_same_backend(&a, &w->answer))
			continue;
		if (address_find(s->flows.sources, s->flows.n_sources, &a.from) ==
		    s->flows.n_sources)
			*append(s->flows.sources, s->flows.n_sources) = a.from;
		kept &= a.sport == p.sport;
		lowest = a.sport < lowest ? a.sport : lowest;
		highest = a.sport > highest ? a.sport : highest;
		from.addr.b[15] ^= w->base ? i + 1 : 0;
	}
	if (!kept)
		s->flows.ports = (struct port_range){ mentioned(l->r, lowest, true),
						      mentioned(l->r, highest, false) };
	for (size_t i = 0; i < l->r->n_addresses && s->flows.n_sources == 1 && chosen; i++) {
		const struct copied_address *a = &l->r->addresses[i];

		if (a->index != w->answer.out || a->address.family != w->local.family)
			continue;
		if (address_equal(&a->address, s->flows.sources))
			s->flows.n_sources = 0;
		break;
	}
}

/* Returns whether a client beside the backend, who sends to the address of the wan, gets there, and
 * is masqueraded. */
static bool is_hairpin(struct live *l, const struct way *w)
{
	struct address from = w->answer.to;
	struct sample_answer a;

	from.addr.b[15] ^= 64;
	a = live_ask(l, w->answer.out, &from, &w->local, w->port);
	return live_same_backend(&a, &w->answer) && !address_equal(&a.from, &from);
}

void live_add_service(struct live *l, struct way *w)
{
	struct import_service made = { .family = w->local.family };
	struct service_config *s = &made.s;
	bool four = w->local.family == FAMILY_IPV4, chosen = false;
	char text[ADDRESS_STRLEN];
	struct address base = sample_outsider(w->local.family);

	strcpy(four ? s->backend.ipv4 : s->backend.ipv6, address_format(&w->answer.to, text));
	s->backend.port = htons(w->answer.port);
	s->nat = w->direct ? NAT_NONE : w->masquerade ? NAT_MASQUERADE : NAT_DNAT;
	s->ipv6 = w->direct ? IPV6_DIRECT : w->masquerade ? (four ? IPV6_OFF : IPV6_DIRECT) :
		  four ? IPV6_DIRECT : IPV6_DNAT;
	snprintf(made.in, sizeof(made.in), "%s", live_name(l->r, w->in));
	put_clients(l, w, s);
	made.narrows = !w->base && ask_way(l, w, &base).end != SAMPLE_LOST;
	sample_trace(l->r, true);
	name_all_rules(l, w, &made);
	sample_trace(l->r, false);
	for (size_t i = 0; i < made.n_rules; i++)
		chosen |= strcasestr(l->im->rules[made.rules[i]].text, "masquerade") != NULL;
	if (w->masquerade)
		find_sources(l, w, chosen, s);
	s->hairpin = !w->direct && !w->masquerade && is_hairpin(l, w);
	if (w->direct) {
		strcpy(s->listen_interface, made.in);
		*append(l->im->services, l->im->n_services) = made;
		return;
	}
	service_add_address(s, &w->local);
	service_add(l->im, &made, w->port);
}
