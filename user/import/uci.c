/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Translates OpenWrt's firewall, as `uci show` prints it, to the rules of nftables that OpenWrt's
 * fw4 makes from it, with fw4's names of chains and comments. No word is copied unread. A section
 * with a word or an option that cannot be translated is left out and named.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include "import/read.h"
#include "lib/grow.h"
#include "lib/log.h"
#include "lib/text.h"

#define SETTINGS_MAX 200000		/* most words that are read */
#define ALIASES_MAX 8	/* longest chain of networks, each of which has a device such as @wan */
#define WORD_LEN (2 * ADDRESS_STRLEN)
#define NAME_MAX_LEN 100		/* longest name in a rule */
#define PLAIN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
#define IPV4 1
#define IPV6 2

struct setting {			/* PACKAGE.SECTION.KEY=VALUE: one for each word of a list */
	char *section, *key, *value;	/* section: "firewall.@redirect[0]"; key: "" is its type */
	unsigned int line;
	bool unlike;			/* the word has a '!' in front, which is not in .value */
	bool named;			/* the network, whose device is unknown, is in .lost */
};

struct zone {
	const struct setting *section;
	const char *name;
	char (*devices)[IFNAMSIZ];
	size_t n;
	bool source;			/* a redirect or rule accepts packets that come by it */
};

struct uci {
	struct import_network *network;
	FILE *nft;
	struct import_lost *lost;
	const struct import_text *t;
	struct setting *list;
	struct zone *zones;
	size_t n, n_zones;
};

/* ---- settings ---- */

/* Adds a setting for each word: 'a' 'b' and 'a b' are both lists. A '!' between blanks belongs to
 * the next word. */
static void add_setting(struct uci *u, char *section, char *key, char *values, unsigned int line)
{
	bool is_list = strcmp(key, "name") != 0, unlike = false;
	char *to = values, *word;

	for (const char *from = values; *from; from++)
		if (*from != '\'' && *from != '\r')
			*to++ = *from;
	*to = '\0';
	while ((word = strsep(&values, is_list ? " \t" : ""))) {
		unlike |= is_list && *word == '!';
		word += is_list && *word == '!';
		if (!*word)
			continue;
		*append(u->list, u->n) = (struct setting){ section, key, word, line, unlike };
		unlike = false;
	}
}

/* Returns false if there are too many. */
static bool read_settings(struct uci *u)
{
	struct import_lines lines = { .text = u->t, .rest = u->t->text };
	char *line;

	while (u->n < SETTINGS_MAX && (line = import_next_line(&lines))) {
		char *value = strchr(line, '='), *first = strchr(line, '.'), *second;

		if (!value || !first || first > value || *line == '#')
			continue;
		*value++ = '\0';
		second = strchr(first + 1, '.');
		if (second)
			*second++ = '\0';
		add_setting(u, line, second ?: value - 1, value, lines.number);
	}
	free(lines.origin);
	return u->n < SETTINGS_MAX;
}

/* Returns the next word of a key in a section, whose settings follow each other, behind `last`
 * (NULL: the first one); NULL: there is none. */
static const struct setting *word(const struct uci *u, const struct setting *of, const char *key,
				  const struct setting *last)
{
	const struct setting *end = u->list + u->n, *s = last ? last + 1 : of;

	while (!last && s > u->list && !strcmp(s[-1].section, of->section))
		s--;
	for (; s < end && !strcmp(s->section, of->section); s++)
		if (!strcmp(s->key, key))
			return s;
	return NULL;
}

#define each_word(s, u, of, key) (const struct setting *s = NULL; (s = word(u, of, key, s));)

static const char *get(const struct uci *u, const struct setting *of, const char *key)
{
	const struct setting *s = word(u, of, key, NULL);

	return s ? s->value : "";
}

static bool is_on(const char *value, bool by_default)
{
	static const char *const off[] = { "0", "no", "off", "false" };

	for (size_t i = 0; i < sizeof(off) / sizeof(*off); i++)
		if (!strcmp(value, off[i]))
			return false;
	return *value || by_default;
}

/* Returns the next enabled section of this type behind `last` (NULL: the first one), or NULL. */
static const struct setting *section(const struct uci *u, const char *type,
				     const struct setting *last)
{
	for (const struct setting *s = last ? last + 1 : u->list; s < u->list + u->n; s++)
		if (!*s->key && !strcmp(s->value, type) && is_on(get(u, s, "enabled"), true))
			return s;
	return NULL;
}

#define each_section(s, u, type) (const struct setting *s = NULL; (s = section(u, type, s));)

static unsigned int families_of(const struct uci *u, const struct setting *s)
{
	const char *family = get(u, s, "family");

	return strchr(family, '4') ? IPV4 : strchr(family, '6') ? IPV6 : IPV4 | IPV6;
}

/* ---- words ---- */

/* Returns whether the text, of at most n bytes, may be a part of a rule as a name. */
static bool is_name(const char *text, size_t n)
{
	size_t has = strspn(text, PLAIN);

	return has && has <= n && !text[has];
}

/* Reads "192.0.2.1", "192.0.2.1/24", or with a mask, which may be another text. */
static bool read_address(const char *text, const char *mask, struct import_address *ret)
{
	char copy[WORD_LEN];
	size_t n = strcspn(text, "/");
	struct prefix p;
	struct in_addr m;

	snprintf(copy, sizeof(copy), "%.*s", (int)n, text);
	if (address_parse(copy, &ret->address))
		return false;
	ret->len = ret->address.family == FAMILY_IPV4 ? 32 : 128;
	if (!text[n] && !*mask)
		return true;
	if (text[n] && !network_parse(text, &p)) {
		ret->len = p.len;
		return true;
	}
	mask = text[n] ? text + n + 1 : mask;
	if (ret->address.family != FAMILY_IPV4 || !inet_aton(mask, &m))
		return false;
	ret->len = __builtin_popcount(m.s_addr);
	return !(~ntohl(m.s_addr) & (~ntohl(m.s_addr) + 1));
}

static struct prefix prefix_of(const struct import_address *a)
{
	struct prefix p = { a->address.addr, a->address.family, a->len };

	prefix_clear_host(&p);
	return p;
}

/* Each reads a word, writes what it says, and returns IPV4, IPV6, or both; 0: it cannot read it. */
typedef unsigned int write_word(const char *word, char ret[WORD_LEN]);

static unsigned int write_addresses(const char *word, char ret[WORD_LEN])
{
	char first[ADDRESS_STRLEN], last[ADDRESS_STRLEN];
	size_t n = strcspn(word, "-");
	struct import_address a;
	struct address b;
	struct prefix p;

	if (read_address(word, "", &a)) {
		p = prefix_of(&a);
		prefix_format(&p, ret);
	} else {
		snprintf(first, sizeof(first), "%.*s", (int)n, word);
		if (!word[n] || address_parse(first, &a.address) ||
		    address_parse(word + n + 1, &b) || a.address.family != b.family)
			return 0;
		snprintf(ret, WORD_LEN, "%s-%s", address_format(&a.address, first),
			 address_format(&b, last));
	}
	return a.address.family == FAMILY_IPV4 ? IPV4 : IPV6;
}

static unsigned int write_ports(const char *word, char ret[WORD_LEN])
{
	unsigned int first, last;
	int one = 0, two = 0;

	if (sscanf(word, "%5u%n%*1[-:]%5u%n", &first, &one, &last, &two) < 2)
		last = first;
	if (!one || word[two ?: one] || word[strspn(word, "0123456789-:")] || last > 65535)
		return 0;
	snprintf(ret, WORD_LEN, first == last ? "%u" : "%u-%u", first, last);
	return IPV4 | IPV6;
}

/* Writes the condition that a field has one of the words of a key, and none with '!'. Returns the
 * families of all words, and WRONG if it cannot read one. */
#define WRONG 4
static unsigned int put_list(FILE *f, const char *field, const struct uci *u,
			     const struct setting *of, const char *key, unsigned int family,
			     write_word *write)
{
	unsigned int found = 0;

	for (int unlike = 0; unlike < 2; unlike++) {
		char text[WORD_LEN];
		size_t n = 0;

		for each_word(s, u, of, key) {
			unsigned int families = write(s->value, text);

			found |= families ?: WRONG;
			if (s->unlike != unlike || !(families & family))
				continue;
			if (!n++)
				fprintf(f, " %s%s {", field, unlike ? " !=" : "");
			fprintf(f, "%s %s", n > 1 ? "," : "", text);
		}
		if (n)
			fputs(" }", f);
	}
	return found;
}

/* Returns the protocols of a section. fw4 ignores a '!' in front of them. */
#define TCP 1
#define UDP 2
#define ALL 4
static unsigned int protocols_of(const struct uci *u, const struct setting *of, unsigned int none)
{
	unsigned int found = 0;

	for each_word(s, u, of, "proto") {
		const char *p = s->value;

		found |= !strcasecmp(p, "all") || !strcasecmp(p, "any") || !strcmp(p, "*") ? ALL :
			 !strcasecmp(p, "tcp") || !strcmp(p, "6") ? TCP :
			 !strcasecmp(p, "udp") || !strcmp(p, "17") ? UDP :
			 !strcasecmp(p, "tcpudp") ? TCP | UDP : 0;
	}
	return *get(u, of, "proto") ? found : none;
}

/* ---- interfaces ---- */

static bool add_device(struct zone *z, const char *name)
{
	return is_name(name, IFNAMSIZ - 1) && strcpy(*append(z->devices, z->n), name);
}

/* Adds the devices of a key to the zone. Returns whether one can be a network device. */
static bool add_devices(const struct uci *u, struct zone *z, const struct setting *of,
			const char *key)
{
	bool any = false;

	for each_word(s, u, of, key)
		any |= !s->unlike && add_device(z, s->value);
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

/* Returns whether rules name the zone or, with `source`, accept packets that come by it. */
static bool is_used(const struct uci *u, const struct zone *z, bool source)
{
	for (const struct setting *s = u->list; s < u->list + u->n && z->name; s++)
		if ((!strcmp(s->key, "src") || (!strcmp(s->key, "dest") && !source)) &&
		    !strcmp(s->value, z->name) &&
		    (!source || !strcmp(get(u, s, ""), "redirect") ||
		     !strcasecmp(get(u, s, "target"), "ACCEPT")))
			return true;
	return false;
}

/* Adds the devices of a network. If its protocol makes a device of its own, `device` is what
 * carries that, such as the modem of PPPoE. Names a network whose device exists only at run time,
 * such as that of an LTE modem. */
static void add_network(struct uci *u, struct zone *z, const char *name)
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
	if (!s)
		return;
	for (size_t i = 0; i < sizeof(makers) / sizeof(*makers); i++) {
		if (strcmp(get(u, s, "proto"), makers[i].protocol))
			continue;
		snprintf(made, sizeof(made), "%s%.40s", makers[i].before, name);
		add_device(z, made);
		return;
	}
	if (add_devices(u, z, s, "device") || add_devices(u, z, s, "ifname") || s->named ||
	    !is_used(u, z, false))
		return;
	s->named = true;
	import_lose(u->lost, "%s:%u: network %s: uci does not give its network device, so its "
		    "zone lacks it: write it as `device` of the zone (see `ifstatus %s`)",
		    u->t->name, s->line, name, name);
}

/* A zone without a device gets --wan if clients come by it, or a stand-in with its name. */
static void add_zone(struct uci *u, const struct setting *s, const char *wan)
{
	struct zone *z = append(u->zones, u->n_zones);

	*z = (struct zone){ .section = s, .name = get(u, s, "name") };
	z->source = is_used(u, z, true);
	add_devices(u, z, s, "device");
	for each_word(network, u, s, "network")
		add_network(u, z, network->value);
	if (!is_name(z->name, IFNAMSIZ - 1)) {
		import_lose(u->lost, "%s:%u: the name of this zone is not valid", u->t->name,
			    s->line);
		free(u->zones[--u->n_zones].devices);
		return;
	}
	if (*get(u, s, "subnet") || *get(u, s, "family"))
		import_lose(u->lost, "%s:%u: zone %s: import does not know the options subnet and "
			    "family", u->t->name, s->line, z->name);
	if (!z->n && is_used(u, z, false) && !(z->source && wan))
		import_lose(u->lost, "%s:%u: zone %s: uci does not give its devices: add the "
			    "output of `uci show network`%s", u->t->name, s->line, z->name,
			    z->source ? " or --wan IF" : "");
	if (!z->n && !(z->source && wan && add_device(z, wan)))
		add_device(z, z->name);
	for (size_t i = 0; i < z->n; i++)
		strcpy(append(u->network->addresses, u->network->n_addresses)->device,
		       z->devices[i]);
}

static const struct zone *find_zone(const struct uci *u, const char *name)
{
	for (size_t i = 0; i < u->n_zones; i++)
		if (!strcmp(u->zones[i].name, name))
			return &u->zones[i];
	return NULL;
}

/* Adds the addresses of networks. */
static void add_addresses(struct uci *u)
{
	for (const struct setting *s = u->list; s < u->list + u->n; s++) {
		struct zone of = { 0 };
		struct import_address a;

		if (strncmp(s->section, "network.", 8) ||
		    (strcmp(s->key, "ipaddr") && strcmp(s->key, "ip6addr") &&
		     strcmp(s->key, "addresses")) ||
		    !read_address(s->value, get(u, s, "netmask"), &a))
			continue;
		add_network(u, &of, s->section + 8);
		if (of.n) {
			strcpy(a.device, of.devices[0]);
			*append(u->network->addresses, u->network->n_addresses) = a;
		}
		free(of.devices);
	}
}

/* Returns the zone of the network that has an address; NULL: there is none. */
static const struct zone *zone_beside(const struct uci *u, const struct address *a)
{
	for (size_t i = 0; i < u->network->n_addresses; i++) {
		struct prefix p = prefix_of(&u->network->addresses[i]);

		for (const struct zone *z = u->zones; z < u->zones + u->n_zones; z++)
			for (size_t k = 0; k < z->n && prefix_covers(&p, a); k++)
				if (!strcmp(z->devices[k], u->network->addresses[i].device))
					return z;
	}
	return NULL;
}

/* ---- rules ---- */

/* Returns fw4's verdict for a target such as ACCEPT; NULL: it is another one. */
static const char *verdict_of(const char *target)
{
	static const char *const verdicts[] = { "accept", "drop", "reject" };

	for (size_t i = 0; i < sizeof(verdicts) / sizeof(*verdicts); i++)
		if (!strcasecmp(verdicts[i], target))
			return verdicts[i];
	return NULL;
}

/* Returns the ipset with this name, if it is a set of sources' addresses, and its family. */
static const struct setting *find_set(const struct uci *u, const char *name, unsigned int *ret)
{
	for each_section(s, u, "ipset") {
		const struct setting *match = word(u, s, "match", NULL);
		const char *type = match && !word(u, s, "match", match) ? match->value : "";

		*ret = families_of(u, s) == IPV6 ? IPV6 : IPV4;
		type += strncmp(type, "src_", 4) ? 0 : 4;
		if (!strcmp(get(u, s, "name"), name) && is_name(name, NAME_MAX_LEN) &&
		    strcspn(name, "0123456789-") && (!strcmp(type, "net") || !strcmp(type, "ip")))
			return s;
	}
	return NULL;
}

/* Writes fw4's set with the entries of an ipset. */
static void put_set(struct uci *u, const struct setting *s)
{
	const char *name = get(u, s, "name"), *file = get(u, s, "loadfile");
	bool net = strstr(get(u, s, "match"), "net");
	char text[WORD_LEN];
	unsigned int family;

	if (find_set(u, name, &family) != s)
		return;
	fprintf(u->nft, "add set inet fw4 %s {\ntype ipv%c_addr\n%s}\n", name,
		family == IPV6 ? '6' : '4', net ? "flags interval\nauto-merge\n" : "");
	for each_word(entry, u, s, "entry") {
		if (write_addresses(entry->value, text) != family)
			continue;
		text[net ? strlen(text) : strcspn(text, "/-")] = '\0';
		fprintf(u->nft, "add element inet fw4 %s { %s }\n", name, text);
	}
	if (*file)
		import_lose(u->lost, "%s:%u: ipset %s: import has not read the addresses in %s: "
			    "they count only if the service follows the set", u->t->name, s->line,
			    name, file);
}

struct part {				/* a rule */
	const char *const *keys;	/* its conditions: sources, destinations, both ports */
	unsigned int families, protocols;	/* protocols: without `proto` */
	bool quiet;			/* not for packets of clients: it is not named */
	char chain[WORD_LEN], end[2 * WORD_LEN];	/* end: the rest of the rule */
};

static const char *const forward_keys[] = { "src_ip", "dest_ip", "src_port", "dest_port" };
static const char *const redirect_keys[] = { "src_ip", "src_dip", "src_port", "src_dport" };
static const char *const reflection_keys[] = { "none", "src_dip", "src_port", "src_dport" };
static const char *const masquerade_keys[] = { "masq_src", "masq_dest", "none", "none" };

/* Names a section that is left out. Returns false. */
static bool lose(struct uci *u, const struct setting *s, const struct part *p, const char *why,
		 const char *what)
{
	if (!p->quiet)
		import_lose(u->lost, "%s:%u: %s: %s%s: import has left it out", u->t->name,
			    s->line, s->section, why, what);
	return false;
}

/* Returns whether all conditions of the section are known. ret: its ipset ("": none) */
static bool is_known(struct uci *u, const struct setting *s, const struct part *p,
		     const struct setting **ret, unsigned int *ret_families)
{
	static const char *const unknown[] = {
		"src_mac", "extra", "limit", "mark", "weekdays", "monthdays", "start_date",
		"start_time", "stop_date", "stop_time", "helper", "device", "dscp",
	};

	for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown); i++)
		if (*get(u, s, unknown[i]) && strcmp(s->value, "zone"))
			return lose(u, s, p, "wgxdp has no counterpart of its option ", unknown[i]);
	*ret = strcmp(p->keys[0], "none") ? word(u, s, "ipset", NULL) : NULL;
	return !*ret || (find_set(u, (*ret)->value, ret_families) && !word(u, s, "ipset", *ret)) ||
	       lose(u, s, p, "this is no set of sources' addresses: ", (*ret)->value);
}

/* Writes the rules of a section: one, or one for each family whose addresses it has. Returns false
 * if it could not. */
static bool put_rule(struct uci *u, const struct setting *s, const struct part *p)
{
	static const char *const l4[] = { "", "tcp", "udp", "{ tcp, udp }" };
	unsigned int protocols = protocols_of(u, s, p->protocols), wrong = 0, of_set = IPV4 | IPV6;
	unsigned int families = p->families & families_of(u, s);
	const char *const *keys = p->keys, *name = *get(u, s, "name") ? get(u, s, "name") :
						   s->section + strlen("firewall.");
	const struct setting *set;
	bool one = false;
	char *text;
	size_t n;

	if (!protocols || !is_known(u, s, p, &set, &of_set))
		return !protocols;
	for (unsigned int f = IPV4; f <= IPV6 && !one; f++) {
		const char *ip = f == IPV4 ? "ip saddr" : "ip6 saddr";
		FILE *line = text_open(&text, &n);
		unsigned int seen;

		fprintf(line, "add rule inet fw4 %s", p->chain);
		if (!(protocols & ALL))
			fprintf(line, " meta l4proto %s", l4[protocols]);
		seen = put_list(line, ip, u, s, keys[0], f, write_addresses) |
		       put_list(line, f == IPV4 ? "ip daddr" : "ip6 daddr", u, s, keys[1], f,
				write_addresses);
		wrong |= seen;
		if (!(protocols & ALL))
			wrong |= put_list(line, "th sport", u, s, keys[2], f, write_ports) |
				 put_list(line, "th dport", u, s, keys[3], f, write_ports);
		one = !seen && families == (IPV4 | IPV6) && !set;
		if (set)
			fprintf(line, " %s %s@%s", ip, set->unlike ? "!= " : "", set->value);
		else if (!one)
			fprintf(line, " meta nfproto ipv%c", f == IPV4 ? '4' : '6');
		fprintf(line, "%s comment \"!fw4: ", p->end);
		for (int i = 0; i < NAME_MAX_LEN && name[i]; i++)
			fputc(name[i] < ' ' || name[i] > '~' || strchr("\"\\", name[i]) ? '_' :
			      name[i], line);
		fputs("\"\n", line);
		fclose(line);
		if (families & of_set & f && !(wrong & WRONG) && (!seen || seen & f))
			fputs(text, u->nft);
		free(text);
	}
	return !(wrong & WRONG) || lose(u, s, p, "import cannot read one of its values", "");
}

/* Writes the rule once for each device of a zone, or without one. */
static void put_rules(struct uci *u, const struct setting *s, struct part *p, const char *name,
		      const struct zone *z, const char *verdict)
{
	size_t i = 0;

	do {
		if (z && z->n)
			snprintf(p->end, sizeof(p->end), " %s \"%s\" %s", name, z->devices[i],
				 verdict);
		else
			snprintf(p->end, sizeof(p->end), " %s", verdict);
	} while (put_rule(u, s, p) && z && ++i < z->n);
}

/* Adds a rule for packets to other hosts or to this host. Those without `src` are for packets that
 * this host sends. */
static void add_rule(struct uci *u, const struct setting *s, const char *target,
		     unsigned int protocols)
{
	const char *src = get(u, s, "src"), *dest = get(u, s, "dest");
	const struct zone *from = find_zone(u, src), *to = find_zone(u, dest);
	struct part p = { forward_keys, IPV4 | IPV6, protocols, from && !from->source };

	snprintf(p.chain, sizeof(p.chain), "%s%s%s", *dest ? "forward" : "input", from ? "_" : "",
		 from ? from->name : "");
	if ((!from && *src && strcmp(src, "*")) || (!to && *dest && strcmp(dest, "*")))
		lose(u, s, &p, "there is no zone ", from || !strcmp(src, "*") ? dest : src);
	else if (*target && !verdict_of(target))
		lose(u, s, &p, "import does not know its target ", target);
	else if (*target && *src)
		put_rules(u, s, &p, "oifname", to, verdict_of(target));
}

/* Lets hosts in the zone reach a redirected port by an address of another zone, as clients do:
 * their packets are translated too, and come from this host. */
static void put_reflection(struct uci *u, const struct setting *s, struct part *p,
			   const struct zone *z)
{
	const char *back[] = { "none", "dest_ip", "none",
			       *get(u, s, "dest_port") ? "dest_port" : "src_dport" };

	p->keys = reflection_keys;
	p->quiet = true;
	snprintf(p->chain, sizeof(p->chain), "dstnat_%s fib daddr type local "
		 "fib daddr . iif type != local", z->name);
	put_rule(u, s, p);
	p->keys = back;
	snprintf(p->chain, sizeof(p->chain), "srcnat_%s", z->name);
	put_rules(u, s, p, "iifname", z, "masquerade");
}

static void add_redirect(struct uci *u, const struct setting *s)
{
	const char *to = get(u, s, "dest_ip"), *dest = get(u, s, "dest"), *port = "";
	const char *target = get(u, s, "target"), *mirror = get(u, s, "reflection_zone");
	const struct zone *from = find_zone(u, get(u, s, "src")), *zone = find_zone(u, dest);
	struct part p = { redirect_keys, *get(u, s, "family") ? IPV4 | IPV6 : IPV4, TCP | UDP,
			  false };
	char text[ADDRESS_STRLEN], ports[WORD_LEN] = "";
	bool good, four = true;
	struct import_address a;
	struct import_route *r;

	if (!(protocols_of(u, s, 0) & ALL))
		port = get(u, s, "dest_port");
	good = !*port || write_ports(port, ports);
	if (*to) {
		good = good && read_address(to, "", &a);
		four = good && a.address.family == FAMILY_IPV4;
		p.families = four ? IPV4 : IPV6;
	}
	if (*target && strcasecmp(target, "DNAT")) {
		lose(u, s, &p, "import does not know its target ", target);
	} else if (!from || (!zone && *dest && strcmp(dest, "*"))) {
		lose(u, s, &p, "there is no zone ", from ? dest : get(u, s, "src"));
	} else if (!good) {
		lose(u, s, &p, "import cannot read its dest_ip and dest_port", "");
	} else {
		snprintf(p.chain, sizeof(p.chain), "dstnat_%s", from->name);
		snprintf(p.end, sizeof(p.end), !*to ? " redirect%s%s%s" : four ?
			 " dnat ip to %s%s%s" : " dnat ip6 to [%s]%s%s",
			 *to ? address_format(&a.address, text) : *port ? " to " : "",
			 *port ? ":" : "", ports);
		zone = *to && !*dest ? zone_beside(u, &a.address) : zone;
		if (!put_rule(u, s, &p) || !*to || !zone)
			return;
		r = append(u->network->routes, u->network->n_routes);
		strcpy(r->device, zone->devices[0]);
		r->to = prefix_of(&a);
		if (is_on(get(u, s, "reflection"), true) &&
		    (!*mirror || !strcmp(mirror, zone->name)) &&
		    is_on(get(u, from->section, four ? "masq" : "masq6"), false))
			put_reflection(u, s, &p, zone);
	}
}

/* ---- the ruleset ---- */

static const char *const chains[] = { "input", "forward", "dstnat", "srcnat" };

/* Returns the policy of a section or, if it has none, the default one. */
static const char *policy_of(const struct uci *u, const struct setting *s, const char *key)
{
	const struct setting *defaults = section(u, "defaults", NULL);

	return (s ? verdict_of(get(u, s, key)) : NULL) ?:
	       (defaults ? verdict_of(get(u, defaults, key)) : NULL) ?: "drop";
}

/* Writes the base chains and, for each zone, an empty chain for each of them. Samples begin
 * connections, so fw4's rules for the others are left out. */
static void put_chains(struct uci *u)
{
	static const char *const bases[] = {
		"filter hook input priority filter", "filter hook forward priority filter",
		"nat hook prerouting priority dstnat", "nat hook postrouting priority srcnat",
	};

	fputs("add table inet fw4\n", u->nft);
	for (int i = 0; i < 4; i++) {
		bool open = i > 1 || !strcmp(policy_of(u, NULL, chains[i]), "accept");

		fprintf(u->nft, "add chain inet fw4 %s { type %s; policy %s; }\n", chains[i],
			bases[i], open ? "accept" : "drop");
		for (size_t k = 0; k < u->n_zones; k++)
			fprintf(u->nft, "add chain inet fw4 %s_%s\n", chains[i],
				u->zones[k].name);
	}
}

/* Sends the packets of each zone to its chains, and lets the first two end with its policies. */
static void put_jumps(struct uci *u)
{
	for (const struct zone *z = u->zones; z < u->zones + u->n_zones; z++) {
		fprintf(u->nft, "add rule inet fw4 input_%s ct status dnat accept\n"
			"add rule inet fw4 input_%s %s\n"
			"add rule inet fw4 forward_%s ct status dnat accept\n", z->name, z->name,
			policy_of(u, z->section, "input"), z->name);
		for (size_t k = 0; k < z->n; k++)
			fprintf(u->nft, "add rule inet fw4 forward_%s oifname \"%s\" %s\n",
				z->name, z->devices[k], policy_of(u, z->section, "forward"));
		for (size_t k = 0; k < 4 * z->n; k++)
			fprintf(u->nft, "add rule inet fw4 %s %sifname \"%s\" jump %s_%s\n",
				chains[k % 4], k % 4 == 3 ? "o" : "i", z->devices[k / 4],
				chains[k % 4], z->name);
	}
	for (int k = 0; k < 2; k++)
		if (!strcmp(policy_of(u, NULL, chains[k]), "reject"))
			fprintf(u->nft, "add rule inet fw4 %s reject\n", chains[k]);
}

static void put_ruleset(struct uci *u)
{
	put_chains(u);
	for each_section(s, u, "ipset")
		put_set(u, s);
	for each_section(s, u, "rule")
		add_rule(u, s, get(u, s, "target"), TCP | UDP);
	for each_section(s, u, "forwarding")
		add_rule(u, s, "ACCEPT", ALL);
	put_jumps(u);
	for each_section(s, u, "redirect")
		add_redirect(u, s);
	for each_section(s, u, "nat")
		lose(u, s, &(struct part){ .quiet = false }, "import knows no such section", "");
	for (size_t i = 0; i < 2 * u->n_zones; i++) {
		const struct zone *z = &u->zones[i / 2];
		struct part p = { masquerade_keys, i % 2 ? IPV6 : IPV4, ALL, false,
				  .end = " masquerade" };

		snprintf(p.chain, sizeof(p.chain), "srcnat_%s", z->name);
		if (is_on(get(u, z->section, i % 2 ? "masq6" : "masq"), false))
			put_rule(u, z->section, &p);
	}
}

int translate_uci(struct import_network *network, FILE *nft, struct import_lost *lost,
		  const struct import_text *t, const char *wan)
{
	struct uci u = { .network = network, .nft = nft, .lost = lost, .t = t };
	bool good = read_settings(&u);

	if (!u.n)
		return 0;
	for each_section(s, &u, "zone")
		add_zone(&u, s, wan);
	add_addresses(&u);
	if (u.n_zones)		/* otherwise it is only the network */
		put_ruleset(&u);
	for (size_t i = 0; i < u.n_zones; i++)
		free(u.zones[i].devices);
	if (!good)
		log_error("%s: more than %d words: write only the settings of the firewall and the network", t->name, SETTINGS_MAX);
	free(u.zones);
	free(u.list);
	return good ? 0 : -E2BIG;
}
