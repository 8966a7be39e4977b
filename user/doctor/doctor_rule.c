/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Evaluates a ruleset for one packet. It knows the matches of common rulesets: destination port,
 * interface, protocol and connection state. Any other match may hold, so that doctor reports no
 * guess.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "doctor/doctor_rule.h"

#define DEPTH_MAX 16			/* nested jumps at most, as in the kernel */

enum answer { IS_NO, IS_MAYBE, IS_YES };

const char *rule_text(struct yaml_node *object, const char *path)
{
	const struct yaml_node *value = yaml_by_path(object, path);

	return value && value->type == YAML_SCALAR && value->text ? value->text : "";
}

static bool node_is(struct yaml_node *object, const char *path, const char *text)
{
	return !strcmp(rule_text(object, path), text);
}

static bool same_table(struct yaml_node *a, struct yaml_node *b)
{
	return node_is(a, "/table", rule_text(b, "/table")) &&
	       node_is(a, "/family", rule_text(b, "/family"));
}

/* ---- matches ---- */

/* Returns the right side of a match or, if it names a set, the set's elements; NULL: unknown. */
static struct yaml_node *right_side(struct yaml_node *list, struct yaml_node *rule,
				    struct yaml_node *match)
{
	struct yaml_node *right = yaml_by_path(match, "/right"), *set;

	if (*rule_text(right, "") != '@')
		return right;
	for (struct yaml_node *n = list->first; n; n = n->next) {
		set = yaml_by_path(n, "/set");
		if (set && node_is(set, "/name", right->text + 1) && same_table(set, rule))
			return yaml_by_path(set, "/elem");
	}
	return NULL;
}

static bool is_number(const char *text)
{
	return isdigit((unsigned char)*text);
}

static enum answer match_value(const char *value, struct yaml_node *n)
{
	bool is_list = n->type == YAML_LIST;	/* list items have numbers as paths */
	struct yaml_node *range = is_list ? NULL : yaml_by_path(n, "/range");
	struct yaml_node *items = is_list ? n : yaml_by_path(n, "/set");
	const char *text = rule_text(n, "");
	enum answer found = IS_NO, one;
	size_t len = strlen(text);
	bool same;

	/* A number and a name, such as that of a port, cannot be compared. */
	if (*text && is_number(text) == is_number(value)) {
		same = text[len - 1] == '*' ? !strncmp(value, text, len - 1) : !strcmp(value, text);
		return same ? IS_YES : IS_NO;
	}
	if (range && is_number(value))
		return atoi(value) >= atoi(rule_text(range, "/0")) &&
		       atoi(value) <= atoi(rule_text(range, "/1")) ? IS_YES : IS_NO;
	if (!items)
		return IS_MAYBE;
	for (n = items->first; n && found != IS_YES; n = n->next) {
		one = match_value(value, n);
		found = one > found ? one : found;
	}
	return found;
}

/* Returns what the left side of a match reads from the packet. NULL: unknown; "": the packet lacks
 * it, as a UDP packet has no TCP port. */
static const char *packet_value(struct yaml_node *left, const struct packet *p)
{
	bool ipv4 = p->family == FAMILY_IPV4;
	const struct {
		const char *path, *text, *value;
	} known[] = {
		{ "/payload/protocol", "tcp", "" },
		{ "/payload/protocol", "icmp", "" },
		{ "/payload/protocol", "icmpv6", "" },
		{ "/payload/protocol", ipv4 ? "ip6" : "ip", "" },
		{ "/payload/field", "protocol", "udp" },
		{ "/payload/field", "nexthdr", "udp" },
		{ "/meta/key", "l4proto", "udp" },
		{ "/meta/key", "nfproto", ipv4 ? "ipv4" : "ipv6" },
		{ "/meta/key", "protocol", ipv4 ? "ip" : "ip6" },
		{ "/meta/key", "iifname", p->in },
		{ "/meta/key", "iif", p->in },
		{ "/ct/key", "state", "new" },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (node_is(left, known[i].path, known[i].text))
			return known[i].value;
	return node_is(left, "/payload/field", "dport") &&
	       (node_is(left, "/payload/protocol", "udp") ||
		node_is(left, "/payload/protocol", "th")) ?
	       p->port : NULL;
}

static enum answer match_holds(struct yaml_node *list, struct yaml_node *rule,
			       struct yaml_node *match, const struct packet *p)
{
	const char *value = packet_value(yaml_by_path(match, "/left"), p);
	struct yaml_node *right = right_side(list, rule, match);
	bool unlike = node_is(match, "/op", "!=");
	enum answer found;

	if (value && !*value)
		return IS_NO;
	if (!value || !right ||
	    !(unlike || node_is(match, "/op", "==") || node_is(match, "/op", "in")))
		return IS_MAYBE;
	found = match_value(value, right);
	return unlike ? IS_YES - found : found;
}

/* ---- verdicts ---- */

enum verdict { GOES_ON, RETURNS, DROPPED, MAY_PASS };

static enum verdict run_chain(struct yaml_node *list, struct yaml_node *of, const char *name,
			      const struct packet *p, int depth);

/* Runs a statement of a rule, or a verdict in a map, and returns the verdict so far. */
static enum verdict run_statement(struct yaml_node *list, struct yaml_node *rule,
				  struct yaml_node *s, const struct packet *p, int depth)
{
	static const char *const passes[] = {
		"/accept", "/queue", "/xt", "/fwd", "/tproxy", "/vmap",
	};
	struct yaml_node *leave = yaml_by_path(s, "/goto");
	struct yaml_node *target = leave ?: yaml_by_path(s, "/jump");
	struct yaml_node *pairs = yaml_by_path(s, "/vmap/data/set");
	const char *value = packet_value(yaml_by_path(s, "/vmap/key"), p);
	enum verdict v;

	if (yaml_by_path(s, "/drop") || yaml_by_path(s, "/reject"))
		return DROPPED;
	if (yaml_by_path(s, "/return"))
		return RETURNS;
	if (target) {
		v = run_chain(list, rule, rule_text(target, "/target"), p, depth + 1);
		return v == DROPPED || v == MAY_PASS ? v : leave ? RETURNS : GOES_ON;
	}
	if (pairs && value) {
		for (s = *value ? pairs->first : NULL; s; s = s->next) {
			enum answer holds = s->n == 2 ? match_value(value, s->first) : IS_MAYBE;

			if (holds != IS_NO)
				return holds == IS_MAYBE ? MAY_PASS :
				       run_statement(list, rule, s->last, p, depth);
		}
		return GOES_ON;
	}
	for (size_t i = 0; i < sizeof(passes) / sizeof(*passes); i++)
		if (yaml_by_path(s, passes[i]))
			return MAY_PASS;
	return GOES_ON;
}

/* Takes the place of by_source after a match or a limit that some of the packets may not meet, such
 * as a destination address: the rule does not drop all packets of these sources. */
static void ignore_sources(void *data, struct yaml_node *sources)
{
}

static enum verdict run_rule(struct yaml_node *list, struct yaml_node *rule,
			     const struct packet *p, int depth)
{
	struct yaml_node *statements = yaml_by_path(rule, "/expr"), *sources = NULL;
	enum verdict v = GOES_ON;
	struct packet inner = *p;
	bool sure = true;

	for (struct yaml_node *s = statements ? statements->first : NULL; s && v == GOES_ON;
	     s = s->next) {
		struct yaml_node *match = yaml_by_path(s, "/match");
		enum answer holds = match ? match_holds(list, rule, match, p) : IS_YES;
		bool by_source = node_is(match, "/left/payload/field", "saddr") &&
				 !node_is(match, "/op", "!=");
		bool certain = holds == IS_YES && !yaml_by_path(s, "/limit") &&
			       !yaml_by_path(s, "/quota");

		if (holds == IS_NO)
			return GOES_ON;
		sure &= certain;
		if (by_source)
			sources = right_side(list, rule, match);
		else if (!certain && inner.by_source)
			inner.by_source = ignore_sources;
		v = run_statement(list, rule, s, &inner, depth);
	}
	if (v == DROPPED && sources && inner.by_source)
		inner.by_source(p->data, sources);
	if (sure || v == GOES_ON)
		return v;
	return v == DROPPED || p->by_source ? GOES_ON : MAY_PASS;
}

/* Runs the chain with this name. of: a chain or rule that tells the table. */
static enum verdict run_chain(struct yaml_node *list, struct yaml_node *of, const char *name,
			      const struct packet *p, int depth)
{
	enum verdict v = depth > DEPTH_MAX ? MAY_PASS : GOES_ON;

	for (struct yaml_node *n = list->first; n && v == GOES_ON; n = n->next) {
		struct yaml_node *rule = yaml_by_path(n, "/rule");

		if (rule && node_is(rule, "/chain", name) && same_table(rule, of))
			v = run_rule(list, rule, p, depth);
	}
	return v;
}

bool chain_sees(struct yaml_node *chain, const struct packet *p)
{
	if (!node_is(chain, "/hook", p->hook))
		return false;
	if (node_is(chain, "/family", "netdev"))
		return node_is(chain, "/dev", p->in);
	return node_is(chain, "/family", "inet") ||
	       node_is(chain, "/family", p->family == FAMILY_IPV4 ? "ip" : "ip6");
}

bool chain_drops(struct yaml_node *list, struct yaml_node *chain, const struct packet *p)
{
	enum verdict v = run_chain(list, chain, rule_text(chain, "/name"), p, 0);

	return v == DROPPED || (v != MAY_PASS && node_is(chain, "/policy", "drop"));
}
