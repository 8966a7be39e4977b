/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads the JSON of `nft -j list ruleset`. A rule with a map, or with a set of concatenations,
 * becomes one rule for each element.
 */
#include <errno.h>
#include <string.h>
#include "import/nft_text.h"
#include "import/read.h"
#include "lib/grow.h"
#include "lib/log.h"
#include "lib/yaml.h"

#define STEPS 20			/* cost of a look at an object of the ruleset */

struct nft {
	struct rules *rules;
	struct yaml_node *list;		/* all objects of the ruleset */
	struct yaml_node *object;	/* the rule that is read */
	struct rule rule;
	/* Elements of a map or a set of concatenations, of which the rule needs one; NULL: none. */
	struct yaml_node *elements, *keys;
	enum { OF_SET, OF_VERDICTS, OF_ADDRESSES, OF_PORTS } kind;
};

static struct yaml_node *at(struct yaml_node *n, const char *path)
{
	return n && n->type == YAML_MAP ? yaml_by_path(n, path) : NULL;
}

static const char *text_at(struct yaml_node *n, const char *path)
{
	struct yaml_node *value = *path ? at(n, path) : n;

	return value && value->type == YAML_SCALAR && value->text ? value->text : "";
}

static bool is(struct yaml_node *n, const char *path, const char *text)
{
	return !strcmp(text_at(n, path), text);
}

/* ---- sets ---- */

/* Returns the elements of a named set or map of the rule's table; NULL: unknown. */
static struct yaml_node *named_elements(struct nft *x, const char *name)
{
	for (struct yaml_node *n = x->list->first; n && rules_search(x->rules, STEPS);
	     n = n->next) {
		struct yaml_node *set = at(n, "/set") ?: at(n, "/map");

		if (set && is(set, "/name", name) &&
		    is(set, "/table", text_at(x->object, "/table")) &&
		    is(set, "/family", text_at(x->object, "/family")))
			return at(set, "/elem");
	}
	return NULL;
}

/* Returns the list of elements of an anonymous or named set, or of a list; NULL: it is none. */
static struct yaml_node *elements_of(struct nft *x, struct yaml_node *n)
{
	const char *name = text_at(n, "");
	struct yaml_node *list = *name == '@' ? named_elements(x, name + 1) :
				 n && n->type == YAML_LIST ? n : at(n, "/set");

	return list && list->type == YAML_LIST ? list : NULL;
}

/* ---- conditions ---- */

static bool add_value(struct nft *x, struct rule_match *m, struct yaml_node *n);

/* Returns the object of the named set of the rule's table, if it is a set of addresses. */
static struct yaml_node *address_set(struct nft *x, const char *name, __u8 *ret_family)
{
	for (struct yaml_node *n = x->list->first; n && rules_search(x->rules, STEPS);
	     n = n->next) {
		struct yaml_node *set = at(n, "/set");

		if (!set || !is(set, "/name", name) ||
		    !is(set, "/table", text_at(x->object, "/table")) ||
		    !is(set, "/family", text_at(x->object, "/family")))
			continue;
		*ret_family = is(set, "/type", "ipv4_addr") ? FAMILY_IPV4 :
			      is(set, "/type", "ipv6_addr") ? FAMILY_IPV6 : 0;
		return *ret_family ? set : NULL;
	}
	return NULL;
}

/* Adds a named set of addresses to the rules, with its elements. Returns false if it cannot read
 * an element. */
static bool add_set(struct nft *x, const char *name, __u8 family,
		    struct yaml_node *elements)
{
	struct rule_match m = { .field = FIELD_SOURCE };
	bool good = !elements || add_value(x, &m, elements);

	if (good)
		rules_add_set(x->rules, name, family, &m);
	free(m.values);
	return good;
}

/* Returns the number of the named set of addresses, counted from 1; 0: it is none, or its elements
 * or its name cannot be kept. */
static size_t set_of(struct nft *x, const char *name)
{
	char full[LIST_NAME_LEN];
	struct yaml_node *object;
	struct rule_set *s;
	__u8 family;
	const char *table = text_at(x->object, "/table");

	if (strlen(name) > LIST_NAME_PART || strlen(table) > LIST_NAME_PART)
		return 0;
	snprintf(full, sizeof(full), "%.8s %.120s %.120s", text_at(x->object, "/family"), table,
		 name);
	s = rules_set(x->rules, full);
	if (!s) {
		object = address_set(x, name, &family);
		if (!object || !add_set(x, full, family, at(object, "/elem")))
			return 0;
		s = &x->rules->sets[x->rules->n_sets - 1];
	}
	return s - x->rules->sets + 1;
}

/* Adds a value, such as an address, a range, a prefix or a set of them, to a condition. Returns
 * false if it is none. */
static bool add_value(struct nft *x, struct rule_match *m, struct yaml_node *n)
{
	struct yaml_node *list = elements_of(x, n), *range = at(n, "/range");
	char text[2 * ADDRESS_STRLEN];
	bool good = true;

	if (at(n, "/elem"))
		return add_value(x, m, at(n, "/elem/val"));
	if (list) {
		for (n = list->first; n; n = n->next)
			good &= n->type != YAML_LIST && *text_at(n, "") != '@' &&
				!at(n, "/set") && add_value(x, m, n);
		return good;
	}
	if (*text_at(n, "") == '@')	/* a named set without elements */
		return true;
	if (range && range->type == YAML_LIST)
		snprintf(text, sizeof(text), "%.60s-%.60s", text_at(range->first, ""),
			 range->first ? text_at(range->first->next, "") : "");
	else if (at(n, "/prefix"))
		snprintf(text, sizeof(text), "%.60s/%.3s", text_at(n, "/prefix/addr"),
			 text_at(n, "/prefix/len"));
	else
		snprintf(text, sizeof(text), "%.120s", text_at(n, ""));
	switch (m->field) {
	case FIELD_IN:
	case FIELD_OUT:
		return rule_add_name(m, text);
	case FIELD_PORT:
	case FIELD_FIRST_PORT:
		return rule_add_ports(m, text);
	default:
		return rule_add_address(m, text);
	}
}

/* Returns whether the value, or the set, has one of these words. */
static bool has_word(struct nft *x, struct yaml_node *n, const char *a, const char *b)
{
	struct yaml_node *list = elements_of(x, n);
	bool found = false;

	if (!list)
		return is(n, "", a) || is(n, "", b);
	for (n = list->first; n && !found; n = n->next)
		found = n->type == YAML_SCALAR && (is(n, "", a) || is(n, "", b));
	return found;
}

static void set_families(struct nft *x, struct yaml_node *right, bool unlike)
{
	unsigned int families = (has_word(x, right, "ipv4", "ip") ? RULE_IPV4 : 0) |
				(has_word(x, right, "ipv6", "ip6") ? RULE_IPV6 : 0);

	x->rule.families &= unlike ? ~families : families;
}

/* Returns the field that the left side of a condition reads, or -1: it is none of them. */
static int field_of(struct nft *x, struct yaml_node *left)
{
	const char *protocol = text_at(left, "/payload/protocol");
	const char *field = text_at(left, "/payload/field"), *meta = text_at(left, "/meta/key");
	bool ip = !strcmp(protocol, "ip"), ip6 = !strcmp(protocol, "ip6"), first;

	if ((ip || ip6) && !strcmp(field, "saddr"))
		return FIELD_SOURCE;
	if ((ip || ip6) && !strcmp(field, "daddr"))
		return FIELD_TO;
	if (!strcmp(field, "dport") && (!strcmp(protocol, "udp") || !strcmp(protocol, "th")))
		return FIELD_PORT;
	if (!strcmp(meta, "iifname") || !strcmp(meta, "iif"))
		return FIELD_IN;
	if (!strcmp(meta, "oifname") || !strcmp(meta, "oif"))
		return FIELD_OUT;
	first = is(left, "/ct/dir", "original");
	if (first && is(left, "/ct/key", "proto-dst"))
		return FIELD_FIRST_PORT;
	if (first && (is(left, "/ct/key", "ip daddr") || is(left, "/ct/key", "ip6 daddr"))) {
		x->rule.families &= is(left, "/ct/key", "ip daddr") ? RULE_IPV4 : RULE_IPV6;
		return FIELD_FIRST_TO;
	}
	return -1;
}

/* Reads a condition about protocols, states and the kind of an address. Returns false if it is
 * another one. */
static bool read_kind(struct nft *x, struct yaml_node *left, struct yaml_node *right, bool unlike)
{
	const char *protocol = text_at(left, "/payload/protocol");
	const char *field = text_at(left, "/payload/field"), *meta = text_at(left, "/meta/key");

	if (!strcmp(meta, "nfproto") || !strcmp(meta, "protocol")) {
		set_families(x, right, unlike);
	} else if (!strcmp(meta, "l4proto") || !strcmp(field, "protocol") ||
		   !strcmp(field, "nexthdr")) {
		x->rule.never |= has_word(x, right, "udp", "17") == unlike;
	} else if (!strcmp(protocol, "tcp") || !strcmp(protocol, "icmp") ||
		   !strcmp(protocol, "icmpv6") || !strcmp(protocol, "sctp") ||
		   !strcmp(protocol, "dccp") || !strcmp(protocol, "ah") ||
		   !strcmp(protocol, "esp") || !strcmp(protocol, "igmp")) {
		x->rule.never = true;
	} else if (is(left, "/ct/key", "state")) {
		x->rule.never |= has_word(x, right, "new", "new") == unlike;
	} else if (is(left, "/ct/key", "status") && has_word(x, right, "dnat", "dnat")) {
		rule_add_match(&x->rule, FIELD_TRANSLATED, unlike);
	} else if (is(left, "/ct/key", "direction")) {
		x->rule.never |= has_word(x, right, "original", "0") == unlike;
	} else if (is(left, "/fib/result", "type") &&
		   has_word(x, at(left, "/fib/flags"), "daddr", "daddr") &&
		   has_word(x, right, "local", "local")) {
		rule_add_match(&x->rule,
			       has_word(x, at(left, "/fib/flags"), "iif", "iif") ?
			       FIELD_LOCAL_IN : FIELD_LOCAL, unlike);
	} else if (is(left, "/fib/result", "oif") &&
		   has_word(x, at(left, "/fib/flags"), "saddr", "saddr")) {
		x->rule.checks_source = true;
	} else {
		return false;
	}
	return true;
}

static void need_one_of(struct nft *x, struct yaml_node *keys, struct yaml_node *elements, int kind)
{
	if (x->elements || !elements) {
		x->rule.unknown = true;
		return;
	}
	x->keys = keys;
	x->elements = elements;
	x->kind = kind;
}

static void read_condition(struct nft *x, struct yaml_node *left, struct yaml_node *right,
			   bool unlike)
{
	struct rule_match *m;
	int field;

	/* A field of a header is only in packets of its family */
	if (is(left, "/payload/protocol", "ip"))
		x->rule.families &= RULE_IPV4;
	else if (is(left, "/payload/protocol", "ip6"))
		x->rule.families &= RULE_IPV6;
	if (read_kind(x, left, right, unlike))
		return;
	field = field_of(x, left);
	m = field < 0 ? NULL : rule_add_match(&x->rule, field, unlike);
	if (m && field == FIELD_SOURCE && *text_at(right, "") == '@')
		m->set = set_of(x, text_at(right, "") + 1);
	if (!m)
		x->rule.unknown = true;
	else if (!m->set && !add_value(x, m, right))
		rule_drop_match(&x->rule);
}

static void read_match(struct nft *x, struct yaml_node *match)
{
	struct yaml_node *left = at(match, "/left"), *right = at(match, "/right");
	bool unlike = is(match, "/op", "!=");

	if (!unlike && !is(match, "/op", "==") && !is(match, "/op", "in"))
		x->rule.unknown = true;
	else if (at(left, "/concat") && !unlike)
		need_one_of(x, left, elements_of(x, right), OF_SET);
	else
		read_condition(x, left, right, unlike);
}

/* ---- translations ---- */

/* Writes a prefix as a range of addresses. */
static void prefix_text(struct yaml_node *n, char ret[2 * ADDRESS_STRLEN])
{
	char text[ADDRESS_STRLEN], first[ADDRESS_STRLEN], last[ADDRESS_STRLEN];
	struct address a;
	struct prefix p;

	*ret = '\0';
	snprintf(text, sizeof(text), "%.45s/%.3s", text_at(n, "/addr"), text_at(n, "/len"));
	if (prefix_parse(text, &p))
		return;
	a = (struct address){ p.addr, p.family };
	address_format(&a, first);
	a.addr = prefix_last(&p);
	snprintf(ret, 2 * ADDRESS_STRLEN, "%s-%s", first, address_format(&a, last));
}

/* Writes an address, a port or a range as rule_parse_target() reads it. */
static const char *target_text(struct yaml_node *n, char ret[2 * ADDRESS_STRLEN])
{
	struct yaml_node *range = at(n, "/range");

	if (range && range->type == YAML_LIST)
		snprintf(ret, 2 * ADDRESS_STRLEN, "%.60s-%.60s", text_at(range->first, ""),
			 range->first ? text_at(range->first->next, "") : "");
	else if (at(n, "/prefix"))
		prefix_text(at(n, "/prefix"), ret);
	else
		snprintf(ret, 2 * ADDRESS_STRLEN, "%.120s", text_at(n, ""));
	return ret;
}

static void set_address(struct nft *x, struct yaml_node *n)
{
	struct yaml_node *parts = at(n, "/concat");
	char text[2 * ADDRESS_STRLEN];

	if (parts && parts->type == YAML_LIST && parts->first) {
		if (!parts->first->next ||
		    !rule_parse_ports(target_text(parts->first->next, text), &x->rule.ports))
			x->rule.verdict = RULE_OTHER;
		n = parts->first;
	}
	if (!rule_parse_target(&x->rule, target_text(n, text)) || !x->rule.to.family)
		x->rule.verdict = RULE_OTHER;
}

static void set_port(struct nft *x, struct yaml_node *n)
{
	char text[2 * ADDRESS_STRLEN];

	if (!rule_parse_ports(target_text(n, text), &x->rule.ports))
		x->rule.verdict = RULE_OTHER;
}

/* Adds all addresses of a map, of which each client gets one, as sources. */
static void set_sources(struct nft *x, struct yaml_node *elements)
{
	size_t n = 0;

	for (struct yaml_node *e = elements ? elements->first : NULL; e; e = e->next) {
		struct address a;

		if (e->type != YAML_LIST || e->n != 2 || n == RULE_SOURCES ||
		    address_parse(text_at(e->last, ""), &a))
			x->rule.verdict = RULE_OTHER;
		else
			x->rule.sources[n++] = a;
	}
	x->rule.n_sources = n;
	if (n)
		x->rule.to = x->rule.sources[0];
	else
		x->rule.verdict = RULE_OTHER;
}

static void read_nat(struct nft *x, struct yaml_node *nat, enum rule_verdict verdict)
{
	struct yaml_node *addr = at(nat, "/addr"), *port = at(nat, "/port");
	const char *family = text_at(nat, "/family");

	x->rule.verdict = verdict;
	if (*family)
		x->rule.families &= !strcmp(family, "ip") ? RULE_IPV4 : RULE_IPV6;
	if (addr && at(addr, "/map") && verdict == RULE_SNAT)
		set_sources(x, elements_of(x, at(addr, "/map/data")));
	else if (addr && at(addr, "/map"))
		need_one_of(x, at(addr, "/map/key"), elements_of(x, at(addr, "/map/data")),
			    OF_ADDRESSES);
	else if (addr)
		set_address(x, addr);
	if (port && at(port, "/map"))
		need_one_of(x, at(port, "/map/key"), elements_of(x, at(port, "/map/data")),
			    OF_PORTS);
	else if (port)
		set_port(x, port);
}

/* ---- statements ---- */

/* Reads a verdict. Returns false if the statement is none. */
static bool read_verdict(struct nft *x, struct yaml_node *s)
{
	static const struct {
		const char *path;
		enum rule_verdict verdict;
	} verdicts[] = {
		{ "/accept", RULE_ACCEPT }, { "/drop", RULE_DROP }, { "/reject", RULE_DROP },
		{ "/return", RULE_RETURN }, { "/jump", RULE_JUMP }, { "/goto", RULE_GOTO },
		{ "/queue", RULE_OTHER }, { "/tproxy", RULE_OTHER }, { "/fwd", RULE_OTHER },
		{ "/synproxy", RULE_OTHER },
	};

	for (size_t i = 0; i < sizeof(verdicts) / sizeof(*verdicts); i++) {
		struct yaml_node *v = at(s, verdicts[i].path);

		if (!v)
			continue;
		x->rule.verdict = verdicts[i].verdict;
		snprintf(x->rule.target, sizeof(x->rule.target), "%s", text_at(v, "/target"));
		return true;
	}
	return false;
}

/* Returns whether a set's element has a condition, such as a limit, which decides about packets. */
static bool element_decides(struct yaml_node *s)
{
	struct yaml_node *list = at(s, "/set/stmt");

	for (s = list && list->type == YAML_LIST ? list->first : NULL; s; s = s->next)
		if (!at(s, "/counter"))
			return true;
	return false;
}

static void read_statement(struct nft *x, struct yaml_node *s)
{
	static const char *const continues[] = {
		"/counter", "/log", "/mangle", "/notrack", "/dup", "/ct helper", "/ct timeout",
		"/ct expectation", "/flow", "/set", "/secmark", "/tcp option",
	};
	static const char *const translations[] = { "/dnat", "/snat", "/masquerade", "/redirect" };
	static const enum rule_verdict translated[] = {
		RULE_DNAT, RULE_SNAT, RULE_SNAT, RULE_REDIRECT
	};

	if (at(s, "/match")) {
		read_match(x, at(s, "/match"));
		return;
	}
	if (at(s, "/vmap")) {
		x->rule.verdict = RULE_OTHER;
		need_one_of(x, at(s, "/vmap/key"), elements_of(x, at(s, "/vmap/data")),
			    OF_VERDICTS);
		return;
	}
	if (read_verdict(x, s))
		return;
	for (size_t i = 0; i < sizeof(translations) / sizeof(*translations); i++)
		if (at(s, translations[i])) {
			read_nat(x, at(s, translations[i]), translated[i]);
			return;
		}
	for (size_t i = 0; i < sizeof(continues) / sizeof(*continues); i++)
		if (at(s, continues[i])) {
			x->rule.unknown |= element_decides(s);
			return;
		}
	if (at(s, "/xt"))
		x->rule.verdict = RULE_OTHER;
	x->rule.unknown = true;
}

/* ---- rules ---- */

/* Copies a rule for an element of its map. */
static struct rule copy_rule(struct nft *x)
{
	struct rule copy = x->rule;

	copy.origin = xstrdup(x->rule.origin);
	copy.text = xstrdup(x->rule.text);
	copy.matches = NULL;
	copy.n = 0;
	for (size_t i = 0; i < x->rule.n; i++) {
		const struct rule_match *from = &x->rule.matches[i];
		struct rule_match *m = rule_add_match(&copy, from->field, from->unlike);

		m->set = from->set;
		for (size_t j = 0; j < from->n; j++)
			*append(m->values, m->n) = from->values[j];
	}
	return copy;
}

/* Adds the conditions under which an element of a map or set applies. */
static void add_keys(struct nft *x, struct yaml_node *values)
{
	struct yaml_node *keys = at(x->keys, "/concat"), *parts;

	if (at(values, "/elem"))
		values = at(values, "/elem/val");
	parts = at(values, "/concat");
	if (!keys) {
		read_condition(x, x->keys, values, false);
		return;
	}
	if (keys->type != YAML_LIST || !parts || parts->type != YAML_LIST || keys->n != parts->n) {
		x->rule.unknown = true;
		return;
	}
	for (keys = keys->first, parts = parts->first; keys && parts;
	     keys = keys->next, parts = parts->next)
		read_condition(x, keys, parts, false);
}

/* Adds the rule for one element. */
static void add_element(struct nft *x, struct yaml_node *e)
{
	struct nft one = *x;
	struct yaml_node *value = NULL, *key = e;

	one.rule = copy_rule(x);
	if (x->kind != OF_SET && e->type == YAML_LIST && e->n == 2) {
		key = e->first;
		value = e->last;
	}
	if (is(key, "", "*"))
		key = NULL;		/* any value */
	if (key)
		add_keys(&one, key);
	if (x->kind == OF_VERDICTS) {
		one.rule.verdict = RULE_OTHER;
		if (!value || !read_verdict(&one, value))
			one.rule.verdict = value && at(value, "/continue") ? RULE_CONTINUES :
									     RULE_OTHER;
	} else if (x->kind == OF_ADDRESSES) {
		set_address(&one, value);
	} else if (x->kind == OF_PORTS) {
		set_port(&one, value);
	}
	rules_add(x->rules, &one.rule, 0);
}

static void add_rule(struct nft *x)
{
	if (!x->elements) {
		rules_add(x->rules, &x->rule, 0);
		return;
	}
	for (struct yaml_node *e = x->elements->first; e; e = e->next)
		add_element(x, e);
	rule_free(&x->rule);
}

static const char *table_of(struct yaml_node *n, char ret[128])
{
	snprintf(ret, 128, "%.8s %.110s", text_at(n, "/family"), text_at(n, "/table"));
	return ret;
}

static unsigned int families_of(struct yaml_node *n)
{
	return is(n, "/family", "ip") ? RULE_IPV4 : is(n, "/family", "ip6") ? RULE_IPV6 :
	       RULE_IPV4 | RULE_IPV6;
}

static void read_rule(struct nft *x, struct yaml_node *n)
{
	struct yaml_node *statements = at(n, "/expr");
	char table[128];

	x->object = n;
	x->elements = NULL;
	x->rule = (struct rule){
		.chain = rules_chain(x->rules, table_of(n, table), text_at(n, "/chain"),
				     families_of(n)),
		.families = families_of(n), .text = nft_rule_text(statements),
	};
	snprintf(x->rule.comment, sizeof(x->rule.comment), "%s", text_at(n, "/comment"));
	x->rule.origin = xasprintf("%s %.100s handle %.12s", table, text_at(n, "/chain"),
				   text_at(n, "/handle"));
	if (!statements || statements->type != YAML_LIST)
		x->rule.unknown = true;
	else
		for (struct yaml_node *s = statements->first; s; s = s->next)
			read_statement(x, s);
	add_rule(x);
}

static void read_chain(struct nft *x, struct yaml_node *n)
{
	static const char *const hooks[] = {
		[HOOK_INGRESS] = "ingress", [HOOK_PREROUTING] = "prerouting",
		[HOOK_INPUT] = "input", [HOOK_FORWARD] = "forward", [HOOK_OUTPUT] = "output",
		[HOOK_POSTROUTING] = "postrouting",
	};
	struct yaml_node *device = at(n, "/dev");
	char table[128];
	size_t i = rules_chain(x->rules, table_of(n, table), text_at(n, "/name"), families_of(n));
	struct rule_chain *c = i == NONE ? NULL : &x->rules->chains[i];

	if (device && device->type == YAML_LIST)
		device = device->first;
	for (i = 0; c && i < HOOKS; i++)
		if (is(n, "/hook", hooks[i])) {
			c->is_base = true;
			c->hook = i;
		}
	if (!c)
		return;
	if (is(n, "/hook", "egress")) {
		c->is_base = true;
		c->hook = HOOK_POSTROUTING;
	}
	/* Frames of a bridge's ports pass these chains as before. */
	if (is(n, "/family", "bridge") || is(n, "/family", "arp"))
		c->is_base = false;
	c->nat = is(n, "/type", "nat");
	c->drops = is(n, "/policy", "drop");
	c->priority = atoi(text_at(n, "/prio"));
	snprintf(c->device, sizeof(c->device), "%.15s", text_at(device, ""));
}

/* Returns whether iptables-save wrote rules of this table. It leaves out a table with rules that
 * iptables could not have made. */
static bool was_saved(struct nft *x, const char *family, const char *table)
{
	char name[128];
	bool ipv6 = !strcmp(family, "ip6");

	if (!ipv6 && strcmp(family, "ip") != 0)
		return false;
	snprintf(name, sizeof(name), "%s %s", ipv6 ? "ip6tables" : "iptables", table);
	for (size_t i = 0; i < x->rules->n_chains && rules_search(x->rules, 1); i++)
		if (!strcmp(x->rules->chains[i].table, name))
			return true;
	return false;
}

/* Returns whether iptables-nft made this table: it has a chain of iptables, and was read already as
 * iptables-save wrote it. */
static bool is_iptables(struct nft *x, const char *family, const char *table)
{
	static const char *const names[] = {
		"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING",
	};

	if (!was_saved(x, family, table))
		return false;
	for (struct yaml_node *n = x->list->first; n && rules_search(x->rules, STEPS);
	     n = n->next) {
		struct yaml_node *chain = at(n, "/chain");

		for (size_t i = 0; chain && i < sizeof(names) / sizeof(*names); i++)
			if (is(chain, "/name", names[i]) && at(chain, "/hook") &&
			    is(chain, "/family", family) && is(chain, "/table", table))
				return true;
	}
	return false;
}

/* Calls `read` for each object of this kind, without those of iptables-nft's tables. */
static void read_each(struct nft *x, const char *kind,
		      void (*read)(struct nft *, struct yaml_node *), bool iptables_too)
{
	for (struct yaml_node *n = x->list->first; n && !x->rules->too_many; n = n->next) {
		struct yaml_node *object = at(n, kind);

		if (object && !(iptables_too && is_iptables(x, text_at(object, "/family"),
							    text_at(object, "/table"))))
			read(x, object);
	}
}

int read_nft(struct rules *r, const struct import_text *t, bool iptables_too)
{
	struct yaml y = { 0 };
	int rc = yaml_open_json(&y, t->text, t->n, t->name);
	struct nft x = { .rules = r, .list = rc ? NULL : at(yaml_root(&y), "/nftables") };

	if (!rc && (!x.list || x.list->type != YAML_LIST)) {
		log_error("%s: this JSON is not a ruleset: write the output of `nft -j list "
			  "ruleset`", t->name);
		rc = -EINVAL;
	}
	if (!rc) {
		read_each(&x, "/chain", read_chain, iptables_too);
		read_each(&x, "/rule", read_rule, iptables_too);
	}
	yaml_close(&y);
	return rc;
}
