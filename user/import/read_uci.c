/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads OpenWrt's firewall: the sections `redirect`, `rule` and `nat` of `uci show firewall`. A
 * zone's interfaces come from the zone, or from `uci show network`. OpenWrt accepts translated
 * packets that no rule drops.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>
#include "import/read.h"
#include "lib/grow.h"
#include "lib/log.h"

#define SETTINGS_MAX 20000		/* most settings that are read */
#define TEXT_MAX 400			/* bytes after which the text of a rule is cut */
#define ALIASES_MAX 8	/* longest chain of networks, each of which has a device such as @wan */

struct setting {			/* PACKAGE.SECTION.KEY=VALUE, without quotes */
	char *section, *key, *value;	/* section: "firewall.@redirect[0]"; key: "" is its type */
	unsigned int line;
	bool named;			/* the network, whose device is unknown, is in .lost */
};

struct uci {
	struct rules *rules;
	struct import_lost *lost;
	const struct import_text *t;
	struct setting *list;
	size_t n;
	bool has_networks, lacks_networks;	/* lacks: a zone names a network */
};

/* ---- settings ---- */

/* Removes the quotes of a list such as 'a' 'b'. */
static void unquote(char *s)
{
	char *to = s;

	for (; *s; s++)
		if (*s != '\'' && *s != '\r')
			*to++ = *s;
	*to = '\0';
}

/* Returns false if there are too many. */
static bool read_settings(struct uci *u)
{
	struct import_lines lines = { .text = u->t, .rest = u->t->text };
	char *line;

	while ((line = import_next_line(&lines))) {
		char *value = strchr(line, '='), *first, *second;

		if (!value || *line == '#')
			continue;
		u->has_networks |= !strncmp(line, "network.", 8);
		*value++ = '\0';
		unquote(value);
		first = strchr(line, '.');
		if (u->n == SETTINGS_MAX)
			break;
		if (!first)
			continue;
		second = strchr(first + 1, '.');
		if (second)
			*second++ = '\0';
		*append(u->list, u->n) = (struct setting){
			line, second ?: value + strlen(value), value, lines.number, false,
		};
	}
	free(lines.origin);
	return !line;
}

/* Returns the value of a key in the section of a setting, whose settings follow each other. */
static const char *get(const struct uci *u, const struct setting *of, const char *key)
{
	const struct setting *end = u->list + u->n, *s = of;

	while (s > u->list && !strcmp(s[-1].section, of->section))
		s--;
	for (; s < end && !strcmp(s->section, of->section); s++)
		if (!strcmp(s->key, key))
			return s->value;
	return "";
}

/* Returns whether a value switches an option off. */
static bool is_off(const char *value)
{
	static const char *const words[] = { "0", "no", "off", "false" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strcmp(value, words[i]))
			return true;
	return false;
}

/* ---- interfaces ---- */

/* Returns whether one of them can be the name of a network device. */
static bool add_names(struct rule_match *m, const char *list)
{
	char *copy = xstrdup(list), *rest = copy, *name;
	bool any = false;

	while ((name = strsep(&rest, " ")))
		any |= *name != '@' && rule_add_name(m, name);
	free(copy);
	return any;
}

/* Returns the first setting of the section; NULL: there is no such section. */
static struct setting *find_network(const struct uci *u, const char *name)
{
	for (size_t i = 0; i < u->n; i++)
		if (!strncmp(u->list[i].section, "network.", 8) &&
		    !strcmp(u->list[i].section + 8, name))
			return &u->list[i];
	return NULL;
}

/* Adds the devices of a network. If its protocol makes a device of its own, `device` is what
 * carries that, such as the modem of PPPoE. Names a network whose device exists only at run time,
 * such as that of an LTE modem. */
static void add_network(struct uci *u, struct rule_match *m, const char *name)
{
	static const struct {
		const char *protocol, *before;	/* before: what precedes the network's name */
	} makers[] = {
		{ "pppoe", "pppoe-" }, { "pppoa", "pppoa-" }, { "pptp", "pptp-" },
		{ "l2tp", "l2tp-" }, { "3g", "3g-" }, { "wireguard", "" }, { "amneziawg", "" },
	};
	struct setting *s = NULL;
	const char *device = "";
	char made[64];

	for (int i = 0; i < ALIASES_MAX; i++) {
		s = find_network(u, name);
		device = s ? get(u, s, "device") : "";
		if (*device != '@')
			break;
		name = device + 1;
	}
	u->lacks_networks |= *name && !u->has_networks;
	if (!s)
		return;
	for (size_t i = 0; i < sizeof(makers) / sizeof(*makers); i++) {
		if (strcmp(get(u, s, "proto"), makers[i].protocol))
			continue;
		snprintf(made, sizeof(made), "%s%.40s", makers[i].before, name);
		rule_add_name(m, made);
		return;
	}
	if (add_names(m, device) || add_names(m, get(u, s, "ifname")) || s->named)
		return;
	s->named = true;
	import_lose(u->lost, "%s:%u: network %s: uci does not give its network device, so its "
		    "zone lacks it: write it as `device` of the zone (see `ifstatus %s`)",
		    u->t->name, s->line, name, name);
}

/* Ends a condition about devices. Returns false, and removes it, if no device was added. */
static bool has_devices(struct rule *rule, const struct rule_match *m)
{
	if (!m->n)
		rule->n--;		/* unknown: as a rule without an interface */
	return m->n;
}

/* Adds the devices of a zone: those that it names, and those of its networks. Returns false if none
 * is known. */
static bool add_zone(struct uci *u, struct rule *rule, const char *zone, enum rule_field field)
{
	struct rule_match *m = rule_add_match(rule, field, false);

	for (size_t i = 0; i < u->n; i++) {
		const struct setting *s = &u->list[i];
		char *networks, *rest, *name;

		if (strcmp(s->key, "name") || strcmp(s->value, zone))
			continue;
		add_names(m, get(u, s, "device"));
		networks = xstrdup(get(u, s, "network"));
		rest = networks;
		while ((name = strsep(&rest, " ")))
			add_network(u, m, name);
		free(networks);
	}
	return has_devices(rule, m);
}

/* Adds the devices of the networks that have the address, as OpenWrt does for a redirect without
 * `dest`. */
static void add_way_to(struct uci *u, struct rule *rule, const char *text)
{
	struct rule_match *m = rule_add_match(rule, FIELD_OUT, false);
	struct address to;
	bool good = !address_parse(text, &to);

	for (size_t i = 0; i < u->n && good; i++) {
		const struct setting *s = &u->list[i];
		const char *mask = get(u, s, "netmask");
		struct rule_match net = { .field = FIELD_TO };
		char subnet[2 * ADDRESS_STRLEN];

		if (strncmp(s->section, "network.", 8) || strcmp(s->key, "ipaddr"))
			continue;
		snprintf(subnet, sizeof(subnet), "%.40s%s%.40s", s->value, *mask ? "/" : "", mask);
		if (rule_add_address(&net, subnet) &&
		    prefix_covers(&net.values->prefix, &to))
			add_network(u, m, s->section + 8);
		free(net.values);
	}
	has_devices(rule, m);
}

/* ---- redirects ---- */

/* Returns the next word of a list, without the '!' in front; NULL: there is none left. A '!'
 * between blanks belongs to the next word. */
static char *next_word(char **rest, bool *ret_unlike)
{
	char *word;

	*ret_unlike = false;
	while ((word = strsep(rest, " \t"))) {
		*ret_unlike |= *word == '!';
		word += *word == '!';
		if (*word)
			break;
	}
	return word;
}

/* Returns whether UDP is one of the protocols. OpenWrt makes a rule for each, and two for
 * `tcpudp`: `!tcpudp` is for UDP too, because it is not TCP. */
static bool has_udp(const char *protocols)
{
	static const char *const all[] = { "tcpudp", "all", "any", "*" };
	char *copy = xstrdup(protocols), *rest = copy, *word;
	bool found = !*protocols, unlike;

	while ((word = next_word(&rest, &unlike))) {
		found |= (!strcasecmp(word, "udp") || !strcmp(word, "17")) != unlike;
		for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
			found |= !strcasecmp(word, all[i]);
	}
	free(copy);
	return found;
}

/* Adds those words of a list that have a '!' in front, or those that have none. */
static void add_words(struct rule *rule, enum rule_field field, const char *list, bool unlike)
{
	struct rule_match *m = NULL;
	bool good = true, not;
	char *copy = xstrdup(list), *rest = copy, *word;

	while (good && (word = next_word(&rest, &not))) {
		if (not != unlike)
			continue;
		m = m ?: rule_add_match(rule, field, unlike);
		good = (field == FIELD_PORT ? rule_add_ports : rule_add_address)(m, word);
	}
	if (m && !good)
		rule_drop_match(rule);
	free(copy);
}

/* Adds a condition, whose value may be a list. */
static void add_condition(struct rule *rule, enum rule_field field, const char *list)
{
	add_words(rule, field, list, false);
	add_words(rule, field, list, true);
}

/* Begins the rule of a section, in a base chain for this hook. Returns false if it is disabled. */
static bool begin(struct uci *u, const struct setting *s, enum rule_hook hook, bool nat,
		  struct rule *rule)
{
	static const char *const chains[HOOKS] = {
		[HOOK_PREROUTING] = "prerouting", [HOOK_FORWARD] = "forward",
		[HOOK_POSTROUTING] = "postrouting",
	};
	const char *family = get(u, s, "family");
	struct rule_chain *c;

	if (is_off(get(u, s, "enabled")))
		return false;
	*rule = (struct rule){
		.chain = rules_chain(u->rules, UCI_TABLE, chains[hook],
				     RULE_IPV4 | RULE_IPV6),
		.families = !strcmp(family, "ipv4") ? RULE_IPV4 : !strcmp(family, "ipv6") ?
			    RULE_IPV6 : RULE_IPV4 | RULE_IPV6,
		.never = !has_udp(get(u, s, "proto")),
	};
	if (rule->chain == NONE)
		return false;
	c = &u->rules->chains[rule->chain];
	c->is_base = true;
	c->nat = nat;
	c->hook = hook;
	c->priority = hook == HOOK_PREROUTING ? -100 : 0;
	return true;
}

/* Names the rule of a section, and adds it. */
static void add_named(struct uci *u, const struct setting *s, struct rule *rule)
{
	char *text = NULL;

	rule->origin = xasprintf("%s:%u", u->t->name, s->line);
	for (const struct setting *next = s + 1; next < u->list + u->n; next++) {
		char *longer;

		if (strcmp(next->section, s->section) || (text && strlen(text) > TEXT_MAX))
			break;
		longer = xasprintf("%s%s%s %s", text ?: s->section, text ? ", " : ": ", next->key,
				   next->value);
		free(text);
		text = longer;
	}
	rule->text = text ?: xstrdup(s->section);
	snprintf(rule->comment, sizeof(rule->comment), "%s", get(u, s, "name"));
	rules_add(u->rules, rule, 0);
}

/* Returns fw4's set of nftables with the entries of an ipset. NULL: these are not only addresses of
 * sources, or import cannot read them. */
static struct rule_set *find_set(struct uci *u, const char *ipset)
{
	struct rule_match m = { .field = FIELD_SOURCE };
	const struct setting *s = u->list, *end = s + u->n;
	char name[LIST_NAME_LEN], *entries, *rest, *word;
	bool good = strlen(ipset) <= LIST_NAME_PART;
	struct rule_set *set;

	while (s < end && (*s->key || strcmp(s->value, "ipset") ||
			   strcmp(get(u, s, "name"), ipset)))
		s++;
	if (s == end || is_off(get(u, s, "enabled")) ||
	    (strcmp(get(u, s, "match"), "src_net") && strcmp(get(u, s, "match"), "src_ip")))
		return NULL;
	snprintf(name, sizeof(name), "inet fw4 %.120s", ipset);
	set = rules_set(u->rules, name);
	if (set)
		return set;
	entries = rest = xstrdup(get(u, s, "entry"));
	while (good && (word = strsep(&rest, " ")))
		good = !*word || rule_add_address(&m, word);
	if (good)
		set = rules_add_set(u->rules, name, strcmp(get(u, s, "family"), "ipv6") ?
				    FAMILY_IPV4 : FAMILY_IPV6, &m);
	if (good && *get(u, s, "loadfile"))
		import_lose(u->lost, "%s:%u: ipset %s: import has not read the addresses in %s: "
			    "they count only if the service follows the set", u->t->name, s->line,
			    ipset, get(u, s, "loadfile"));
	free(entries);
	free(m.values);
	return set;
}

/* Adds the condition of an ipset, such as "blocklist" or "!blocklist". */
static void add_ipset(struct uci *u, struct rule *rule, const char *text)
{
	struct rule_set *set = *text ? find_set(u, text + (*text == '!')) : NULL;

	if (set) {
		rule->families &= set->family == FAMILY_IPV4 ? RULE_IPV4 : RULE_IPV6;
		rule_add_match(rule, FIELD_SOURCE, *text == '!')->set =
			set - u->rules->sets + 1;
	} else {
		rule->unknown |= *text;
	}
}

/* Adds the conditions that rules, redirects and `nat` have, and the rule. */
static void end(struct uci *u, const struct setting *s, struct rule *rule)
{
	static const char *const unknown[] = {
		"src_mac", "extra", "limit", "src_port", "mark", "weekdays", "monthdays",
		"start_date", "start_time", "stop_date", "stop_time", "helper", "device",
	};

	add_condition(rule, FIELD_SOURCE, get(u, s, "src_ip"));
	add_ipset(u, rule, get(u, s, "ipset"));
	for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown); i++)
		rule->unknown |= *get(u, s, unknown[i]);
	add_named(u, s, rule);
}

static void add_redirect(struct uci *u, const struct setting *s)
{
	const char *to = get(u, s, "dest_ip"), *port = get(u, s, "dest_port");
	const char *target = get(u, s, "target"), *zone = get(u, s, "dest");
	struct rule rule;

	if (!begin(u, s, HOOK_PREROUTING, true, &rule))
		return;
	rule.verdict = RULE_DNAT;
	rule.hairpin = !is_off(get(u, s, "reflection"));
	add_zone(u, &rule, get(u, s, "src"), FIELD_IN);
	if (!*zone)
		add_way_to(u, &rule, to);
	else if (strcmp(zone, "*"))
		add_zone(u, &rule, zone, FIELD_OUT);
	add_condition(&rule, FIELD_PORT, get(u, s, "src_dport"));
	add_condition(&rule, FIELD_TO, get(u, s, "src_dip"));
	if (*target && strcasecmp(target, "DNAT"))
		rule.verdict = RULE_OTHER;
	else if (!*to)
		rule.verdict = RULE_REDIRECT;
	else if (!rule_parse_target(&rule, to) ||
		 (*port && !rule_parse_ports(port, &rule.ports)))
		rule.verdict = RULE_OTHER;
	end(u, s, &rule);
}

/* Adds a rule for forwarded packets. Rules without `dest` are for packets to the router itself. */
static void add_forward(struct uci *u, const struct setting *s)
{
	const char *target = get(u, s, "target"), *zone = get(u, s, "dest");
	struct rule rule;

	if (!*zone || !begin(u, s, HOOK_FORWARD, false, &rule))
		return;
	rule.verdict = !strcasecmp(target, "ACCEPT") ? RULE_ACCEPT :
		       !strcasecmp(target, "DROP") || !strcasecmp(target, "REJECT") ? RULE_DROP :
		       RULE_CONTINUES;
	if (*get(u, s, "src") && strcmp(get(u, s, "src"), "*"))
		add_zone(u, &rule, get(u, s, "src"), FIELD_IN);
	if (strcmp(zone, "*") && !add_zone(u, &rule, zone, FIELD_OUT))
		rule.unknown |= rule.verdict == RULE_ACCEPT;
	add_condition(&rule, FIELD_TO, get(u, s, "dest_ip"));
	add_condition(&rule, FIELD_PORT, get(u, s, "dest_port"));
	end(u, s, &rule);
}

/* Adds a rule that translates sources, as a rule with an unknown condition. */
static void add_source_rule(struct uci *u, const struct setting *s)
{
	struct rule rule;

	if (!begin(u, s, HOOK_POSTROUTING, true, &rule))
		return;
	rule.verdict = RULE_SNAT;
	rule.unknown = true;
	add_condition(&rule, FIELD_TO, get(u, s, "dest_ip"));
	add_condition(&rule, FIELD_PORT, get(u, s, "dest_port"));
	end(u, s, &rule);
}

/* Returns whether packets may leave by a zone: OpenWrt redirects some there. */
static bool is_way(const struct uci *u, const char *zone)
{
	for (size_t i = 0; i < u->n; i++)
		if (!*u->list[i].key && !strcmp(u->list[i].value, "redirect") &&
		    !strcmp(get(u, &u->list[i], "dest"), zone))
			return true;
	return false;
}

/* Adds the rule that masquerades packets that leave by a zone. key: masq for IPv4, or masq6. If no
 * device of the zone is known, the rule matters only to redirects that name the zone. */
static void add_masquerade(struct uci *u, const struct setting *s, const char *key,
			   unsigned int family)
{
	const char *value = get(u, s, key), *zone = get(u, s, "name");
	struct rule rule;

	if (!*value || is_off(value) || !begin(u, s, HOOK_POSTROUTING, true, &rule))
		return;
	rule.verdict = RULE_SNAT;
	rule.families &= family;
	rule.unknown = *get(u, s, "masq_src") || *get(u, s, "masq_dest");
	if (!add_zone(u, &rule, zone, FIELD_OUT)) {
		rule.unknown = true;
		rule.never = !is_way(u, zone);
	}
	add_named(u, s, &rule);
}

int read_uci(struct rules *r, struct import_lost *lost, const struct import_text *t)
{
	struct uci u = { .rules = r, .lost = lost, .t = t };

	if (!read_settings(&u)) {
		log_error("%s: more than %d settings: write only those of the firewall and the "
			  "network", t->name, SETTINGS_MAX);
		free(u.list);
		return -E2BIG;
	}
	for (size_t i = 0; i < u.n; i++) {
		const struct setting *s = &u.list[i];

		if (*s->key)
			continue;
		if (!strcmp(s->value, "redirect"))
			add_redirect(&u, s);
		else if (!strcmp(s->value, "rule"))
			add_forward(&u, s);
		else if (!strcmp(s->value, "nat"))
			add_source_rule(&u, s);
	}
	/* OpenWrt masquerades what its sections `nat` have left. */
	for (size_t i = 0; i < u.n; i++) {
		const struct setting *s = &u.list[i];

		if (*s->key || strcmp(s->value, "zone"))
			continue;
		add_masquerade(&u, s, "masq", RULE_IPV4);
		add_masquerade(&u, s, "masq6", RULE_IPV6);
	}
	if (u.lacks_networks)
		import_lose(lost, "%s: the devices of the zones are missing: add the output of "
			    "`uci show network`", t->name);
	free(u.list);
	return 0;
}
