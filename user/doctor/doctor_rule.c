/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A ruleset's answer to one packet. What is not understood is IS_MAYBE: nothing is told on a guess.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "doctor/doctor_rule.h"

#define DEPTH_MAX 16			/* of chains that jump, as the kernel has it */

const struct yaml_node *rule_value(const struct yaml_node *map, const char *key)
{
	if (!map || map->type != YAML_MAP)
		return NULL;
	for (const struct yaml_node *n = map->first; n && n->next; n = n->next->next)
		if (n->text && !strcmp(n->text, key))
			return n->next;
	return NULL;
}

const char *rule_text(const struct yaml_node *map, const char *key)
{
	const struct yaml_node *value = rule_value(map, key);

	return value && value->type == YAML_SCALAR && value->text ? value->text : "";
}

static bool is(const struct yaml_node *map, const char *key, const char *text)
{
	return !strcmp(rule_text(map, key), text);
}

static enum answer_of not(enum answer_of a)
{
	return a == IS_YES ? IS_NO : a == IS_NO ? IS_YES : IS_MAYBE;
}

/* ---- values: what the packet has, compared with what stands there ---- */

enum kind { KIND_UNKNOWN, KIND_TEXT, KIND_NUMBER, KIND_ADDRESS };

struct value {				/* of the packet */
	enum kind kind;
	const char *text, *other;	/* other: a second word for the same */
	unsigned long number;
	struct address address;
};

static enum answer_of compare_prefix(const struct value *v, const struct yaml_node *n)
{
	char text[ADDRESS_STRLEN];
	struct prefix p;

	snprintf(text, sizeof(text), "%s/%s", rule_text(n, "addr"), rule_text(n, "len"));
	if (v->kind != KIND_ADDRESS || prefix_parse(text, &p))
		return IS_MAYBE;
	return prefix_covers(&p, &v->address) ? IS_YES : IS_NO;
}

static enum answer_of compare_range(const struct value *v, const struct yaml_node *n)
{
	const struct yaml_node *last = n->first ? n->first->next : NULL;

	if (v->kind != KIND_NUMBER || !last || !n->first->text || !last->text)
		return IS_MAYBE;
	return v->number >= strtoul(n->first->text, NULL, 10) && v->number <= strtoul(last->text, NULL, 10) ? IS_YES : IS_NO;
}

static enum answer_of compare_text(const struct value *v, const char *text)
{
	size_t len = strlen(text);
	struct address a;

	switch (v->kind) {
	case KIND_TEXT:
		if (len && text[len - 1] == '*')
			return !strncmp(v->text, text, len - 1) ? IS_YES : IS_NO;
		return !strcmp(v->text, text) || (v->other && !strcmp(v->other, text)) ? IS_YES : IS_NO;
	case KIND_NUMBER:
		return *text < '0' || *text > '9' ? IS_MAYBE : v->number == strtoul(text, NULL, 0) ? IS_YES : IS_NO;
	case KIND_ADDRESS:
		return address_parse(text, &a) ? IS_MAYBE : address_equal(&a, &v->address) ? IS_YES : IS_NO;
	case KIND_UNKNOWN:
		break;
	}
	return IS_MAYBE;
}

static enum answer_of compare(const struct rules *r, const struct yaml_node *table, const struct value *v, const struct yaml_node *n);

static enum answer_of compare_list(const struct rules *r, const struct yaml_node *table, const struct value *v, const struct yaml_node *list)
{
	enum answer_of found = IS_NO;

	for (const struct yaml_node *n = list ? list->first : NULL; n && found != IS_YES; n = n->next) {
		enum answer_of one = compare(r, table, v, n);

		found = one > found ? one : found;
	}
	return found;
}

static const struct yaml_node *set_by_name(const struct rules *r, const struct yaml_node *table, const char *name)
{
	for (const struct yaml_node *n = r->list->first; n; n = n->next) {
		const struct yaml_node *set = rule_value(n, "set");

		if (set && is(set, "name", name) && is(set, "table", rule_text(table, "table")) && is(set, "family", rule_text(table, "family")))
			return set;
	}
	return NULL;
}

static enum answer_of compare(const struct rules *r, const struct yaml_node *table, const struct value *v, const struct yaml_node *n)
{
	const struct yaml_node *inner, *set;

	if (n->type == YAML_LIST)
		return compare_list(r, table, v, n);
	if (n->type == YAML_SCALAR && n->text && *n->text == '@') {
		set = set_by_name(r, table, n->text + 1);
		if (!set || rule_value(set, "map"))
			return IS_MAYBE;
		return compare_list(r, table, v, rule_value(set, "elem"));
	}
	if (n->type == YAML_SCALAR && n->text)
		return compare_text(v, n->text);
	inner = rule_value(n, "set");
	if (inner)
		return compare_list(r, table, v, inner);
	inner = rule_value(n, "range");
	if (inner)
		return compare_range(v, inner);
	inner = rule_value(n, "prefix");
	if (inner)
		return compare_prefix(v, inner);
	inner = rule_value(n, "elem");
	if (inner && rule_value(inner, "val"))
		return compare(r, table, v, rule_value(inner, "val"));
	return IS_MAYBE;
}

/* ---- what a rule looks at ---- */

/* IS_NO: no packet of this kind has such a thing, as one of UDP has no port of TCP */
static enum answer_of value_of_payload(const struct yaml_node *payload, const struct packet *p, struct value *v)
{
	const char *protocol = rule_text(payload, "protocol"), *field = rule_text(payload, "field");

	if (!strcmp(protocol, "udp") || !strcmp(protocol, "th")) {
		if (!strcmp(field, "dport"))
			*v = (struct value){ .kind = KIND_NUMBER, .number = p->port };
		return IS_YES;
	}
	if (!strcmp(protocol, "ip") || !strcmp(protocol, "ip6")) {
		if (p->family != (protocol[2] ? FAMILY_IPV6 : FAMILY_IPV4))
			return IS_NO;
		if (!strcmp(field, "protocol") || !strcmp(field, "nexthdr"))
			*v = (struct value){ .kind = KIND_TEXT, .text = "udp", .other = "17" };
		else if (!strcmp(field, "daddr") && p->to.family)
			*v = (struct value){ .kind = KIND_ADDRESS, .address = p->to };
		return IS_YES;
	}
	if (!strcmp(protocol, "tcp") || !strcmp(protocol, "icmp") || !strcmp(protocol, "icmpv6") || !strcmp(protocol, "sctp") ||
	    !strcmp(protocol, "dccp") || !strcmp(protocol, "esp") || !strcmp(protocol, "ah") || !strcmp(protocol, "arp") ||
	    !strcmp(protocol, "igmp") || !strcmp(protocol, "udplite") || !strcmp(protocol, "vlan"))
		return IS_NO;
	return IS_MAYBE;
}

static enum answer_of value_of_meta(const char *key, const struct packet *p, struct value *v)
{
	bool in = !strcmp(key, "iifname") || !strcmp(key, "iif"), out = !strcmp(key, "oifname") || !strcmp(key, "oif");

	if ((in && p->in) || (out && p->out))
		*v = (struct value){ .kind = KIND_TEXT, .text = in ? p->in : p->out };
	else if (!strcmp(key, "l4proto"))
		*v = (struct value){ .kind = KIND_TEXT, .text = "udp", .other = "17" };
	else if (!strcmp(key, "nfproto"))
		*v = (struct value){ .kind = KIND_TEXT, .text = p->family == FAMILY_IPV4 ? "ipv4" : "ipv6" };
	else if (!strcmp(key, "protocol"))
		*v = (struct value){ .kind = KIND_TEXT, .text = p->family == FAMILY_IPV4 ? "ip" : "ip6" };
	return out && !p->out ? IS_NO : IS_YES;
}

enum answer_of rule_matches(const struct rules *r, const struct yaml_node *table, const struct yaml_node *match, const struct packet *p)
{
	const struct yaml_node *left = rule_value(match, "left"), *right = rule_value(match, "right"), *what;
	const char *op = rule_text(match, "op");
	struct value v = { .kind = KIND_UNKNOWN };
	enum answer_of has = IS_MAYBE, found;

	if (!left || !right)
		return IS_MAYBE;
	what = rule_value(left, "payload");
	if (what)
		has = value_of_payload(what, p, &v);
	what = rule_value(left, "meta");
	if (what)
		has = value_of_meta(rule_text(what, "key"), p, &v);
	what = rule_value(left, "ct");
	if (what && is(what, "key", "state")) {
		v = (struct value){ .kind = KIND_TEXT, .text = "new" };
		has = IS_YES;
	}
	if (has == IS_NO)
		return IS_NO;
	if (strcmp(op, "==") && strcmp(op, "!=") && strcmp(op, "in"))
		return IS_MAYBE;
	found = v.kind == KIND_UNKNOWN ? IS_MAYBE : compare(r, table, &v, right);
	return !strcmp(op, "!=") ? not(found) : found;
}

/* ---- verdicts ---- */

enum verdict { GOES_ON, RETURNS, ACCEPTED, DROPPED, UNSURE };

static enum verdict run_chain(const struct rules *r, const struct yaml_node *table, const char *name, const struct packet *p, int depth);

/* Of a rule's verdict, or a verdict map's; GOES_ON where it is none */
static enum verdict run_verdict(const struct rules *r, const struct yaml_node *table, const struct yaml_node *s, const struct packet *p, int depth)
{
	const struct yaml_node *target;
	enum verdict v;

	if (rule_value(s, "accept"))
		return ACCEPTED;
	if (rule_value(s, "drop") || rule_value(s, "reject"))
		return DROPPED;
	if (rule_value(s, "return"))
		return RETURNS;
	if (rule_value(s, "queue") || rule_value(s, "xt") || rule_value(s, "fwd") || rule_value(s, "tproxy"))
		return UNSURE;
	target = rule_value(s, "jump") ?: rule_value(s, "goto");
	if (!target)
		return GOES_ON;
	v = run_chain(r, table, rule_text(target, "target"), p, depth + 1);
	return v == RETURNS || v == GOES_ON ? (rule_value(s, "goto") ? RETURNS : GOES_ON) : v;
}

static enum verdict run_map(const struct rules *r, const struct yaml_node *table, const struct yaml_node *vmap, const struct packet *p, int depth)
{
	const struct yaml_node *data = rule_value(rule_value(vmap, "data"), "set");
	struct yaml_node as = { .type = YAML_MAP }, left = { .type = YAML_SCALAR, .text = "left", .n = 4 };
	struct yaml_node right = { .type = YAML_SCALAR, .text = "right", .n = 5 }, op = { .type = YAML_SCALAR, .text = "op", .n = 2 };
	struct yaml_node equal = { .type = YAML_SCALAR, .text = "==", .n = 2 }, key, value;

	if (!data || !rule_value(vmap, "key"))
		return UNSURE;
	for (const struct yaml_node *pair = data->first; pair; pair = pair->next) {
		if (pair->type != YAML_LIST || !pair->first || !pair->first->next)
			return UNSURE;
		key = *rule_value(vmap, "key");
		value = *pair->first;
		as.first = &left, left.next = &key, key.next = &right, right.next = &value, value.next = &op, op.next = &equal;
		switch (rule_matches(r, table, &as, p)) {
		case IS_YES:
			return run_verdict(r, table, pair->first->next, p, depth);
		case IS_MAYBE:
			return UNSURE;
		case IS_NO:
			break;
		}
	}
	return GOES_ON;
}

static enum verdict run_rule(const struct rules *r, const struct yaml_node *rule, const struct packet *p, int depth)
{
	const struct yaml_node *list = rule_value(rule, "expr"), *inner;
	enum verdict v = GOES_ON;
	bool sure = true;

	for (const struct yaml_node *s = list ? list->first : NULL; s && v == GOES_ON; s = s->next) {
		inner = rule_value(s, "match");
		if (inner) {
			enum answer_of holds = rule_matches(r, rule, inner, p);

			if (holds == IS_NO)
				return GOES_ON;
			sure &= holds == IS_YES;
		} else if (rule_value(s, "limit") || rule_value(s, "quota")) {
			sure = false;
		} else if (rule_value(s, "vmap")) {
			v = run_map(r, rule, rule_value(s, "vmap"), p, depth);
		} else {
			v = run_verdict(r, rule, s, p, depth);
		}
	}
	return v == GOES_ON || sure ? v : UNSURE;
}

static enum verdict run_chain(const struct rules *r, const struct yaml_node *table, const char *name, const struct packet *p, int depth)
{
	if (depth > DEPTH_MAX)
		return UNSURE;
	for (const struct yaml_node *n = r->list->first; n; n = n->next) {
		const struct yaml_node *rule = rule_value(n, "rule");
		enum verdict v;

		if (!rule || !is(rule, "chain", name) || !is(rule, "table", rule_text(table, "table")) ||
		    !is(rule, "family", rule_text(table, "family")))
			continue;
		v = run_rule(r, rule, p, depth);
		if (v != GOES_ON)
			return v;
	}
	return GOES_ON;
}

bool chain_sees(const struct yaml_node *chain, const struct packet *p)
{
	const char *family = rule_text(chain, "family");

	if (!is(chain, "hook", p->hook))
		return false;
	if (!strcmp(family, "netdev"))
		return p->in && is(chain, "dev", p->in);
	return !strcmp(family, "inet") || !strcmp(family, p->family == FAMILY_IPV4 ? "ip" : "ip6");
}

enum answer_of chain_drops(const struct rules *r, const struct yaml_node *chain, const struct packet *p)
{
	struct yaml_node word = { .type = YAML_SCALAR, .text = "table" }, name = { .type = YAML_SCALAR, .text = rule_text(chain, "table") };
	struct yaml_node other = { .type = YAML_SCALAR, .text = "family" }, family = { .type = YAML_SCALAR, .text = rule_text(chain, "family") };
	struct yaml_node table = { .type = YAML_MAP, .first = &word };

	word.next = &name, name.next = &other, other.next = &family;
	switch (run_chain(r, &table, rule_text(chain, "name"), p, 0)) {
	case DROPPED:
		return IS_YES;
	case UNSURE:
		return IS_MAYBE;
	case ACCEPTED:
		return IS_NO;
	case GOES_ON: case RETURNS:
		break;
	}
	return is(chain, "policy", "drop") ? IS_YES : IS_NO;
}
