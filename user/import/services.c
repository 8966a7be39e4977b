/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Makes services from rules that translate destinations, and from rules that accept packets for a
 * single host. A trial sends a client's first packet through all chains of the rules, for all
 * sources at once. The sources that remain are the clients of the service.
 */
#include <string.h>
#include "config/config_check.h"
#include "import/service.h"
#include "import/trial.h"
#include "import/way_out.h"
#include "lib/grow.h"

#define DEPTH_MAX 32
#define KEPT_PORTS_MAX 64	/* most ports of a rule that keeps the port */
#define ADDRESSES_MAX 16	/* most addresses of a rule */
#define LANS_MAX 64
#define DIRECT_PORTS_MAX 16	/* most ports of a rule that accepts packets for a host */

/* The rules on the way to a rule, whose conditions all hold. */
struct path {
	size_t rules[DEPTH_MAX + 1];
	size_t n;
	unsigned int families;
	bool unknown;
};

typedef void reached(struct import *im, const struct path *p);

/* ---- walking ---- */

static void walk(struct import *im, size_t chain, struct path *p, reached *call)
{
	for (size_t i = im->rules.chains[chain].first; i != NONE; i = im->rules.list[i].next) {
		const struct rule *rule = &im->rules.list[i];
		struct path next = *p;

		next.families &= rule->families;
		if (rule->never || !next.families || p->n > DEPTH_MAX)
			continue;
		if (!work_step(&im->work))
			return;
		next.rules[next.n++] = i;
		next.unknown |= rule->unknown;
		if (rule->to_chain != NONE && next.n <= DEPTH_MAX)
			walk(im, rule->to_chain, &next, call);
		else
			call(im, &next);
	}
}

static void walk_hook(struct import *im, enum rule_hook hook, bool nat, reached *call)
{
	for (size_t i = 0; i < im->rules.n_chains; i++) {
		const struct rule_chain *c = &im->rules.chains[i];
		struct path p = { .families = c->families };

		if (c->is_base && c->hook == hook && c->nat == nat)
			walk(im, i, &p, call);
	}
}

/* Returns the next condition about a field on the path, from *rule and *match on; NULL: none. */
static const struct rule_match *next_match(const struct import *im, const struct path *p,
					   enum rule_field field, size_t *rule, size_t *match)
{
	for (; *rule < p->n; ++*rule, *match = 0) {
		const struct rule *r = &im->rules.list[p->rules[*rule]];

		while (*match < r->n) {
			const struct rule_match *m = &r->matches[(*match)++];

			if (m->field == field)
				return m;
		}
	}
	return NULL;
}

/* Returns the first condition that a field has one of its values; NULL: none. */
static const struct rule_match *wanted(const struct import *im, const struct path *p,
				       enum rule_field field)
{
	const struct rule_match *m;

	for (size_t rule = 0, match = 0; (m = next_match(im, p, field, &rule, &match));)
		if (!m->unlike)
			return m;
	return NULL;
}

/* Returns whether the packet meets all conditions about a field on the path. */
static bool meets(const struct import *im, const struct path *p, enum rule_field field,
		  const struct import_packet *packet)
{
	const struct rule_match *m;

	for (size_t rule = 0, match = 0; (m = next_match(im, p, field, &rule, &match));)
		if (rule_match_answer(m, packet) == IS_NO)
			return false;
	return true;
}

/* ---- interfaces ---- */

static bool is_wildcard(const char *name)
{
	return name[strlen(name) - 1] == '*';
}

/* Returns the interface that a rule shows to be a wan: masqueraded packets leave by it, or packets
 * of other interfaces are not translated. NULL: none. */
static const char *wan_of(const struct import *im, const struct rule *rule)
{
	const char *name = NULL;
	bool leaves = rule->verdict == RULE_RETURN || rule->verdict == RULE_ACCEPT;
	const struct rule_chain *c = &im->rules.chains[rule->chain];

	if (!strcmp(c->table, UCI_TABLE))
		return NULL;		/* OpenWrt's redirects name their zone */
	for (size_t i = 0; i < rule->n; i++) {
		const struct rule_match *m = &rule->matches[i];

		if (m->field == FIELD_TO)
			return NULL;
		if (m->n == 1 && ((rule->verdict == RULE_SNAT && m->field == FIELD_OUT &&
				   !m->unlike) ||
				  (leaves && m->field == FIELD_IN && m->unlike && c->nat &&
				   c->hooks & 1U << HOOK_PREROUTING)))
			name = m->values[0].name;
	}
	return name && !is_wildcard(name) ? name : NULL;
}

/* Returns the only interface that the rules show to be a wan; NULL: none, or several. */
static const char *shown_wan(const struct import *im)
{
	const char *found = NULL;

	for (size_t i = 0; i < im->rules.n; i++) {
		const char *name = wan_of(im, &im->rules.list[i]);

		if (name && found && strcmp(found, name))
			return NULL;
		found = name ?: found;
	}
	return found;
}

/* Returns the interface by which packets leave that a rule masquerades on their way to a
 * destination; NULL: it is another rule. */
static const char *lan_of(const struct rule *rule)
{
	const char *out = NULL;
	bool to = false;

	for (size_t i = 0; i < rule->n && rule->verdict == RULE_SNAT; i++) {
		const struct rule_match *m = &rule->matches[i];

		if (m->field == FIELD_OUT && !m->unlike && m->n == 1)
			out = m->values[0].name;
		to |= m->field == FIELD_TO;
	}
	return to ? out : NULL;
}

static bool is_lan(const struct import *im, const char *name)
{
	for (size_t i = 0; i < im->n_lans; i++)
		if (!strcmp(im->lans[i], name))
			return true;
	return false;
}

/* Lists the interfaces that lead to backends whose packets are masqueraded there. */
static void find_lans(struct import *im)
{
	for (size_t i = 0; i < im->rules.n && im->n_lans < LANS_MAX; i++) {
		const char *name = lan_of(&im->rules.list[i]);

		if (name && !is_lan(im, name))
			*append(im->lans, im->n_lans) = name;
	}
}

/* ---- adding services ---- */

/* Returns whether both come from the same rule, perhaps from elements of its map. */
static bool same_origin(const struct import *im, size_t a, size_t b)
{
	return !strcmp(im->rules.list[a].origin, im->rules.list[b].origin);
}

/* Adds the ports from first to last to the service that `made` describes. `made` has at most one
 * address, and no ports. */
void service_add(struct import *im, struct import_service *made, unsigned int first,
		 unsigned int last)
{
	struct import_service *to = NULL;

	for (size_t i = 0; i < im->n_services && !to; i++)
		if (service_same_result(&im->services[i], made) &&
		    service_same_addresses(&im->services[i].s, &made->s) &&
		    (same_origin(im, im->services[i].rules[0], made->rules[0]) ||
		     service_has_ports(&im->services[i].s, first, last)))
			to = &im->services[i];
	if (to) {
		service_absorb(to, made);
	} else {
		to = append(im->services, im->n_services);
		*to = *made;
	}
	for (unsigned int port = first; port <= last; port++)
		if (!service_has_port(&to->s, htons(port)))
			*append(to->s.ports, to->s.n_ports) = htons(port);
}

/* Lets a service follow the named sets of a trial. Names those whose elements the service copies
 * instead. Returns false if the service would have no client then. */
static bool follow_sets(struct import *im, struct trial *t, struct import_service *made)
{
	bool repeated = false;
	char *text;

	if (service_follow_sets(t, made))
		return t->clients.n || made->s.n_allow_lists;
	text = xasprintf("%s: the service copies the elements of sets, and does not follow "
			 "their changes: allow and deny cannot do the same with sets",
			 im->rules.list[t->dnat == NONE ? t->used[0] : t->dnat].origin);
	for (size_t i = 0; i < im->lost.n && !repeated; i++)
		repeated = !strcmp(im->lost.list[i], text);
	if (!repeated)
		import_lose(&im->lost, "%s", text);
	free(text);
	return t->clients.n;
}

/* ---- translated services ---- */

/* Makes a trial's result into a service. */
static void add_translated(struct import *im, struct trial *t, const struct port_range *ports)
{
	struct import_service made = {
		.family = t->first.family, .narrows = t->narrows,
	};
	struct service_config *s = &made.s;
	bool ipv4 = t->first.family == FAMILY_IPV4;
	char text[ADDRESS_STRLEN];

	strcpy(ipv4 ? s->backend.ipv4 : s->backend.ipv6, address_format(&t->then.to, text));
	s->backend.port = htons(t->then.port);
	s->nat = t->masquerades ? NAT_MASQUERADE : NAT_DNAT;
	s->ipv6 = ipv4 && t->masquerades ? IPV6_OFF : ipv4 || t->masquerades ? IPV6_DIRECT :
		  IPV6_DNAT;
	s->hairpin = t->hairpin;
	snprintf(made.in, sizeof(made.in), "%s", t->first.in);
	if (t->first.to.family)
		service_add_address(s, &t->first.to);
	else
		strcpy(s->listen_interface, made.in);
	if (t->masquerades) {
		const struct rule *snat = &im->rules.list[t->snat];

		s->flows.ports = snat->ports;
		for (size_t i = 0; i < snat->n_sources; i++)
			*append(s->flows.sources, s->flows.n_sources) = snat->sources[i];
	}
	if (!follow_sets(im, t, &made)) {
		service_free(&made);
		return;
	}
	made.rules = t->used;
	made.n_rules = t->n_used;
	t->used = NULL;
	t->n_used = 0;
	made.clients[!ipv4] = t->clients;
	t->clients = (struct source_set){ 0 };
	service_add(im, &made, ports->first, ports->last);
}

/* Tries one packet that a rule translates, on behalf of all ports of the range. */
static void try_ports(struct import *im, size_t rule, const struct import_packet *first,
		      struct port_range ports)
{
	struct trial t = {
		.im = im, .dnat = rule, .first = *first,
		.ways = way_out_named(&im->rules.list[rule]),
	};

	t.first.port = ports.first;
	if (trial_run(&t) || trial_run_with_sets(&t)) {
		if (t.first.to.family || *t.first.in)
			add_translated(im, &t, &ports);
	} else if (t.refusing && !*t.first.in) {
		rule_name(&im->rules, rule, "rules depend on the interface of its packets, which "
			  "is unknown: add --wan IF");
	} else if (t.refusing) {
		rule_name(&im->rules, rule, "the chain %s %s drops its packets: wgxdp forwards "
			  "none of them", t.refusing->table, t.refusing->name);
	} else {
		rule_name(&im->rules, rule, "earlier rules take its packets%s%s",
			  t.earlier == NONE ? "" : ": ",
			  t.earlier == NONE ? "" : im->rules.list[t.earlier].origin);
	}
	trial_free(&t);
}

/* Returns the last port up to which all rules treat ports like `first`. */
static unsigned int same_until(const struct import *im, unsigned int first, unsigned int last)
{
	for (size_t i = 0; i < im->rules.n; i++)
		for (size_t j = 0; j < im->rules.list[i].n; j++) {
			const struct rule_match *m = &im->rules.list[i].matches[j];

			for (size_t k = 0; k < m->n && m->field == FIELD_PORT; k++) {
				const struct port_range *r = &m->values[k].ports;

				if (r->first > first && r->first <= last)
					last = r->first - 1;
				if (r->last >= first && r->last < last)
					last = r->last;
			}
		}
	return last;
}

static void try_range(struct import *im, const struct path *p, struct import_packet *first,
		      const struct port_range *range)
{
	size_t rule = p->rules[p->n - 1];
	bool keeps = !im->rules.list[rule].ports.first;
	unsigned int last;

	for (unsigned int port = range->first ?: 1; port <= range->last; port = last + 1) {
		last = keeps ? port : same_until(im, port, range->last);
		first->port = port;
		if (meets(im, p, FIELD_PORT, first))
			try_ports(im, rule, first, (struct port_range){ port, last });
		im->work.failed |= im->work.left <= im->rules.n;
		if (im->work.failed)
			return;
		im->work.left -= im->rules.n;
	}
}

static size_t count_ports(const struct rule_match *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++)
		n += m->values[i].ports.last - m->values[i].ports.first + 1;
	return n;
}

/* Tries the packets to one destination, or to any address of the interface. */
static void try_destination(struct import *im, const struct path *p, struct import_packet *first)
{
	const struct rule_match *ports = wanted(im, p, FIELD_PORT);

	if (meets(im, p, FIELD_IN, first) && meets(im, p, FIELD_TO, first))
		for (size_t i = 0; i < ports->n; i++)
			try_range(im, p, first, &ports->values[i].ports);
}

/* Returns a reason why no service can do what a rule does to packets; NULL: none is known. */
static const char *why_not(const struct import *im, const struct path *p)
{
	const struct rule *rule = &im->rules.list[p->rules[p->n - 1]];
	const struct rule_match *ports = wanted(im, p, FIELD_PORT), *to;

	to = wanted(im, p, FIELD_TO);
	if (rule->verdict == RULE_REDIRECT || !rule->to.family)
		return "its packets go to this host itself";
	if (p->unknown)
		return "it has a condition that wgxdp lacks";
	if (rule->n_sources > 1)
		return "it spreads clients over several backends: list the backends with their "
		       "public keys under the key backends";
	if (rule->ports.first != rule->ports.last)
		return "a service sends all its ports to one port of the backend";
	if (!ports)
		return "it forwards every UDP port: name the ports that it needs";
	if (count_ports(ports) > (rule->ports.first ? PORTS_MAX : KEPT_PORTS_MAX))
		return rule->ports.first ? "a service has at most 1,024 ports" :
		       "it keeps the numbers of many ports, and each would need a service";
	if (to && (to->n > ADDRESSES_MAX || !to->n))
		return "it is for many addresses: list those that it needs";
	for (size_t i = 0; to && i < to->n; i++)
		if (to->values[i].prefix.len < (to->values[i].prefix.family == FAMILY_IPV4 ?
						32 : 128))
			return "it is for a whole prefix: list the addresses that it needs";
	return NULL;
}

/* Tries the packets that arrive on one interface. in: "": unknown. */
static void try_interface(struct import *im, const struct path *p, __u8 family, const char *in)
{
	const struct rule_match *to = wanted(im, p, FIELD_TO);
	/* Without one, `!= local` is for addresses that no interface has yet */
	const struct rule_match *local = wanted(im, p, FIELD_LOCAL);
	struct import_packet first = { .family = family, .in = in, .local = true,
				       .local_in = true };

	for (size_t rule = 0, match = 0; !local && (local = next_match(im, p, FIELD_LOCAL, &rule,
								       &match));)
		first.local = first.local_in = false;
	for (size_t i = 0; to && i < to->n; i++) {
		first.to = (struct address){ to->values[i].prefix.addr,
					     to->values[i].prefix.family };
		if (first.to.family == family)
			try_destination(im, p, &first);
	}
	if (!to)
		try_destination(im, p, &first);
}

/* Tries an interface that a rule names. If the interface leads to the backend, the rule mostly is a
 * part of a hairpin, which the service of the wan has then used. */
static void try_named(struct import *im, const struct path *p, __u8 family, const char *in)
{
	size_t rule = p->rules[p->n - 1];

	if (is_lan(im, in)) {
		if (!im->later)
			return;
		for (size_t i = 0; i < im->n_services; i++)
			for (size_t j = 0; j < im->services[i].n_rules; j++)
				if (im->services[i].rules[j] == rule)
					return;
	} else if (im->later) {
		return;
	}
	try_interface(im, p, family, in);
}

static void reach_translation(struct import *im, const struct path *p)
{
	static const __u8 families[] = { FAMILY_IPV4, FAMILY_IPV6 };
	size_t i = p->rules[p->n - 1];
	const struct rule *rule = &im->rules.list[i];
	const struct rule_match *in = wanted(im, p, FIELD_IN);
	const char *wan = im->wan, *why;
	bool known = false;

	if (rule->verdict == RULE_OTHER || (rule->verdict == RULE_CONTINUES && rule->unknown))
		rule_name(&im->rules, i, "wgxdp does not know what it does%s",
			  strstr(rule->text, "xt ") ? ": import the output of iptables-save too" :
						      "");
	if (rule->verdict != RULE_DNAT && rule->verdict != RULE_REDIRECT)
		return;
	why = why_not(im, p);
	if (why) {
		rule_name(&im->rules, i, "%s", why);
		return;
	}
	for (size_t f = 0; f < 2; f++) {
		if (!(p->families & (f ? RULE_IPV6 : RULE_IPV4)) ||
		    rule->to.family != families[f])
			continue;
		for (size_t j = 0; in && j < in->n; j++)
			if (!is_wildcard(in->values[j].name)) {
				known = true;
				try_named(im, p, families[f], in->values[j].name);
			}
		if (known)
			continue;
		known = wan || wanted(im, p, FIELD_TO);
		if (known && !im->later)
			try_interface(im, p, families[f], wan ?: "");
	}
	if (!known)
		rule_name(&im->rules, i, "it names neither an interface nor an address of this "
			  "host: add --wan IF");
}

/* ---- services without translation ---- */

static bool is_backend(const struct import *im, const struct address *a)
{
	char text[ADDRESS_STRLEN];

	address_format(a, text);
	for (size_t i = 0; i < im->n_services; i++)
		if (im->services[i].s.nat != NAT_NONE &&
		    (!strcmp(im->services[i].s.backend.ipv4, text) ||
		     !strcmp(im->services[i].s.backend.ipv6, text)))
			return true;
	return false;
}

static bool is_wan(const struct import *im, const char *name)
{
	for (size_t i = 0; i < im->n_services; i++)
		if (!strcmp(im->services[i].in, name))
			return true;
	return im->wan && !strcmp(im->wan, name);
}

static bool serves_port(const struct import *im, __u16 port)
{
	for (size_t i = 0; i < im->n_services; i++)
		if (im->services[i].s.backend.port == htons(port))
			return true;
	return false;
}

/* Adds a service that forwards packets to the host's own address, if all chains let them pass, one
 * of them by this rule. */
static void try_direct(struct import *im, size_t rule, const char *in, const struct address *to,
		       __u16 port)
{
	struct trial t = { .im = im, .dnat = NONE, .first = {
		.family = to->family, .in = in, .to = *to, .port = port,
	}, .ways = way_out_named(&im->rules.list[rule]) };
	struct import_service made = { .family = to->family };
	bool ipv4 = to->family == FAMILY_IPV4;
	char text[ADDRESS_STRLEN];

	if ((trial_run(&t) || trial_run_with_sets(&t)) && !t.masquerades &&
	    rules_list_has(t.used, t.n_used, rule) && follow_sets(im, &t, &made)) {
		made.rules = t.used;
		made.n_rules = t.n_used;
		t.used = NULL;
		strcpy(ipv4 ? made.s.backend.ipv4 : made.s.backend.ipv6,
		       address_format(to, text));
		made.s.backend.port = htons(port);
		made.s.nat = NAT_NONE;
		made.clients[!ipv4] = t.clients;
		t.clients = (struct source_set){ 0 };
		strcpy(made.in, in);
		strcpy(made.s.listen_interface, in);
		service_add(im, &made, 1, 0);
	}
	trial_free(&t);
}

/* A rule that accepts packets for one port of one host becomes a service, if they arrive on a wan.
 * If the rule names no interface, a translated service must have the same port. */
static void reach_accepted(struct import *im, const struct path *p)
{
	const struct rule *rule = &im->rules.list[p->rules[p->n - 1]];
	const struct rule_match *in = wanted(im, p, FIELD_IN), *to = wanted(im, p, FIELD_TO);
	const struct rule_match *ports = wanted(im, p, FIELD_PORT);
	const char *wan = in && in->n == 1 ? in->values[0].name : im->wan;
	struct address a;

	if (!wan && im->n_services && *im->services[0].in)
		wan = im->services[0].in;
	if (rule->verdict != RULE_ACCEPT || p->unknown || !to || to->n != 1 || !ports ||
	    (in && in->n != 1) || !wan || !is_wan(im, wan))
		return;
	a = (struct address){ to->values[0].prefix.addr, to->values[0].prefix.family };
	if (to->values[0].prefix.len != (a.family == FAMILY_IPV4 ? 32 : 128) || is_backend(im, &a))
		return;
	for (size_t i = 0; i < ports->n && i < DIRECT_PORTS_MAX; i++) {
		const struct port_range *range = &ports->values[i].ports;

		if (range->first == range->last && range->first &&
		    (in || im->wan_given || serves_port(im, range->first)))
			try_direct(im, p->rules[p->n - 1], wan, &a, range->first);
	}
}

void import_find_interfaces(struct import *im)
{
	find_lans(im);
	im->wan_given = im->wan;
	im->wan = im->wan ?: shown_wan(im);
}

void import_services(struct import *im)
{
	walk_hook(im, HOOK_PREROUTING, true, reach_translation);
	im->later = true;
	walk_hook(im, HOOK_PREROUTING, true, reach_translation);
	services_join_addresses(im);
	services_join_families(im);
	walk_hook(im, HOOK_FORWARD, false, reach_accepted);
	services_finish(im);
}
