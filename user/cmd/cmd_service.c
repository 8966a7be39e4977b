/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp service: adds, changes or removes a service of the running configuration, and sets which
 * clients may use it. The next `up` or `reload` of a file that does not have the change undoes it.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/types.h>
#include "cmd/command.h"
#include "config/config_check.h"
#include "config/config_diff.h"
#include "config/config_sections.h"
#include "lib/grow.h"
#include "lib/log.h"
#include "config/service_args.h"

#define SET_WORD "nft-set:"

/* Consent to drastic changes. --refuse-others: all clients outside the first prefix in `allow` are
 * refused. --everyone: every client is let in, or refused. */
struct clients_may {
	bool refuse_others, everyone;
};

struct prefix_list {
	struct prefix *list;
	size_t n;
	struct list_config *sets;
	size_t n_sets;
};

struct arguments {
	struct edit edit;
	struct prefix_list prefixes;	/* prefixes and sets after `allow` or `deny` */
	struct service_config wanted;	/* service that the options describe */
	bool listen, nat, ipv6;		/* options that `wanted` does not show were given */
	bool no_ipv4, no_ipv6;
	struct clients_may may;
};

static int parse_listen(struct service_config *s, const char *argument)
{
	char *list = xstrdup(argument), *rest = list, *word;
	struct address a;
	int rc = 0;

	if (address_parse(argument, &a) && !strchr(argument, ',')) {
		rc = is_interface_name(argument) ? 0 : -EINVAL;
		if (!rc)
			strcpy(s->listen_interface, argument);
		rest = NULL;
	}
	while (!rc && (word = strsep(&rest, ","))) {
		rc = address_parse(word, &a);
		if (!rc)
			*append(s->listen_addresses, s->n_listen_addresses) = a;
		if (!rc && a.family == FAMILY_IPV6)
			s->ipv6 = IPV6_DNAT;
	}
	if (rc)
		log_error("--listen '%s': this is neither an interface nor addresses: write eth0 or 203.0.113.1,2001:db8::1",
			  argument);
	return rc;
}

/* Parses --listen. Listening on an IPv6 address implies IPV6_DNAT, unless --ipv6 says otherwise. */
static int parse_listen_option(void *arguments, const struct command_option *o, char *value)
{
	struct arguments *a = arguments;
	enum ipv6_handling before = a->wanted.ipv6;
	int rc = parse_listen(&a->wanted, value);

	a->listen = true;
	if (a->ipv6)
		a->wanted.ipv6 = before;
	return rc;
}

static int parse_ports(void *member, const struct command_option *o, char *value)
{
	return service_ports(member, value);
}

static int parse_backend(void *member, const struct command_option *o, char *value)
{
	return service_backend(member, "--backend", value);
}

static int parse_nat(void *arguments, const struct command_option *o, char *value)
{
	struct arguments *a = arguments;

	a->nat = true;
	return service_nat(&a->wanted, value);
}

static int parse_ipv6(void *arguments, const struct command_option *o, char *value)
{
	struct arguments *a = arguments;

	a->ipv6 = true;
	return parse_choice(&a->wanted.ipv6, o, value);
}

static int parse_key(void *member, const struct command_option *o, char *value)
{
	return service_key(member, value);
}

static bool is_verb(const struct arguments *a, const char *verb)
{
	return !strcmp(a->edit.verb, verb);
}

static bool has_options(const struct arguments *a)
{
	const struct service_config *w = &a->wanted;

	return a->listen || a->nat || a->ipv6 || w->n_ports || w->backend.n_keys ||
	       w->guard.strict || *w->backend.ipv4 || *w->backend.ipv6 || a->no_ipv4 || a->no_ipv6;
}

static const struct command_word list_verbs[] = {
	{ "add", "@service" }, { "del", "@service" }, { 0 },
};

/* Reads nft-set:FAMILY TABLE SET. */
static int parse_set(const char *what, const char *word, struct prefix_list *to)
{
	struct list_config *l = append(to->sets, to->n_sets);

	l->source = LIST_NFT_SET;
	if (strlen(word) < LIST_NAME_LEN && config_set_name(word + strlen(SET_WORD), l->name))
		return 0;
	log_error("%s: '%s' is not the family, table and name of a set: write them as `nft list sets` prints them, such as '" SET_WORD "inet filter blocklist'", what, word);
	return -EINVAL;
}

/* Reads the words after `allow` or `deny`: add or del, a service's name, prefixes and sets. */
static int check_list_words(struct arguments *a, int n, char **words)
{
	static const char *const verbs[][2] = {
		{ "allow add", "allow del" }, { "deny add", "deny del" },
	};
	const char *list = words[0], *word = n > 1 ? words[1] : "";
	bool del = !strcmp(word, "del");
	char what[32];

	if (!del && strcmp(word, "add")) {
		log_error("service %s: %s%sadd or del must follow: write `wgxdp service %s add %s 192.0.2.0/24`",
			  list, word, *word ? ": " : "", list, *word ? word : "NAME");
		return -EINVAL;
	}
	a->edit.verb = verbs[*list == 'd'][del];
	if (n < 4) {
		log_error("service %s: the service's name or a prefix is missing: see `wgxdp service --help`",
			  a->edit.verb);
		return -EINVAL;
	}
	snprintf(what, sizeof(what), "service %s", a->edit.verb);
	for (int i = 3; i < n; i++) {
		bool set = !strncmp(words[i], SET_WORD, strlen(SET_WORD));
		struct prefix p;

		if (set ? parse_set(what, words[i], &a->prefixes) :
		    edit_parse_prefix(what, words[i], &p))
			return -EINVAL;
		if (set)
			continue;
		*append(a->prefixes.list, a->prefixes.n) = p;
	}
	a->edit.name = words[2];
	return 0;
}

static int check_name_word(struct arguments *a, int n, char **words)
{
	if (n == 2) {
		a->edit.name = words[1];
		return 0;
	}
	if (n > 2)
		log_error("service %s %s: '%s' is not expected: write a list as one word, with commas between its items; see `wgxdp service --help`",
			  a->edit.verb, words[1], words[2]);
	else
		log_error("service %s: the service's name is missing: write `wgxdp service %s NAME`. `wgxdp show services` lists the names",
			  a->edit.verb, a->edit.verb);
	return -EINVAL;
}

static int check_families(const struct arguments *a)
{
	const struct backend_config *b = &a->wanted.backend;
	const char *wrong = a->no_ipv4 && *b->ipv4 ? b->ipv4 :
			    a->no_ipv6 && *b->ipv6 ? b->ipv6 : NULL;

	if (wrong)
		log_error("service %s %s: --backend %s contradicts --no-%s: leave one of them out",
			  a->edit.verb, a->edit.name, wrong, wrong == b->ipv4 ? "ipv4" : "ipv6");
	return wrong ? -EINVAL : 0;
}

/* Checks the words, and the options that the verb needs and accepts. */
static int check_words(struct arguments *a, int n, char **words)
{
	struct edit *e = &a->edit;
	bool lists;
	int rc;

	e->verb = command_word(&service_command, words);
	if (!e->verb)
		return -EINVAL;
	lists = is_verb(a, "deny") || is_verb(a, "allow");
	rc = lists ? check_list_words(a, n, words) : check_name_word(a, n, words);
	if (rc)
		return rc;
	if (!is_service_name(e->name) || strlen(e->name) >= NAME_LEN) {
		log_error("service %s %s: this cannot be the name of a service: write letters, digits, '-', '_' and '.', such as wg-end",
			  e->verb, e->name);
		return -EINVAL;
	}
	if (!lists && (a->may.refuse_others || a->may.everyone)) {
		log_error("service %s: --refuse-others and --everyone are only for `allow` and `deny`: remove them",
			  e->verb);
		return -EINVAL;
	}
	if (edit_check_options(e, has_options(a)) || check_families(a))
		return -EINVAL;
	if (is_verb(a, "add") && !*a->wanted.backend.ipv4 && !*a->wanted.backend.ipv6) {
		log_error("service add %s: --backend is missing: add the backend's address, --backend 192.168.1.10",
			  e->name);
		return -EINVAL;
	}
	return 0;
}

/* ---- the lists allow and deny ---- */

static ssize_t prefix_index(const struct prefix *list, size_t n, const struct prefix *p)
{
	for (size_t i = 0; i < n; i++)
		if (!prefix_compare(&list[i], p))
			return i;
	return -1;
}

/* Warns about entries of the list that contain p: adding or removing p has no effect on these
 * clients. */
static void warn_within(const char *service, const char *list, const struct prefix *in, size_t n,
			const struct prefix *p)
{
	char text[ADDRESS_STRLEN], outer[ADDRESS_STRLEN];

	for (size_t i = 0; i < n; i++)
		if (prefix_within(p, &in[i]))
			log_warning("service %s: %s is still part of %s in the list %s, so the change of it has no effect",
				    service,
				    prefix_format(p, text), prefix_format(&in[i], outer), list);
}

static void add_prefixes(const struct service_config *s, const char *list, struct prefix **to,
			 size_t *n, const struct prefix_list *prefixes)
{
	for (size_t i = 0; i < prefixes->n; i++) {
		const struct prefix *p = &prefixes->list[i];

		if (prefix_index(*to, *n, p) < 0)
			*append(*to, *n) = *p;
		if (*list == 'a')
			warn_within(s->name, "deny", s->deny, s->n_deny, p);
	}
}

static void del_prefixes(const struct service_config *s, const char *list, struct prefix *from,
			 size_t *n, const struct prefix_list *prefixes)
{
	char text[ADDRESS_STRLEN];

	for (size_t i = 0; i < prefixes->n; i++) {
		const struct prefix *p = &prefixes->list[i];
		ssize_t at = prefix_index(from, *n, p);

		if (at < 0)
			log_warning("service %s: the list %s does not have %s", s->name, list,
				    prefix_format(p, text));
		else
			memmove(&from[at], &from[at + 1], (--*n - at) * sizeof(*from));
	}
	for (size_t i = 0; i < prefixes->n; i++)
		warn_within(s->name, list, from, *n, &prefixes->list[i]);
}

static void change_sets(const char *service, const char *list, bool del,
			struct list_config **to, size_t *n, const struct prefix_list *sets)
{
	for (size_t i = 0; i < sets->n_sets; i++) {
		const struct list_config *set = &sets->sets[i];
		size_t at = 0;

		while (at < *n && !config_list_equal(&(*to)[at], set))
			at++;
		if (del && at < *n)
			memmove(&(*to)[at], &(*to)[at + 1], (--*n - at) * sizeof(**to));
		else if (del)
			log_warning("service %s: the list %s does not have the set %s", service,
				    list, set->name);
		else if (at == *n)
			*append(*to, *n) = *set;
	}
}

static bool has_family_whole(const struct prefix *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!list[i].len)
			return true;
	return false;
}

/* Changes a service's list. verb: "allow add", "allow del", "deny add" or "deny del". It is no
 * error to add what is there, or to remove what is not. Returns 0, or -errno after printing an
 * error. */
static int clients_change(struct service_config *s, const char *verb,
			  const struct prefix_list *prefixes, const struct clients_may *may)
{
	bool to_allow = *verb == 'a', del = strstr(verb, "del");
	bool denied = has_family_whole(s->deny, s->n_deny);
	struct prefix **list = to_allow ? &s->allow : &s->deny;
	size_t *n = to_allow ? &s->n_allow : &s->n_deny, allowed = s->n_allow + s->n_allow_lists;
	const char *name = to_allow ? "allow" : "deny", *why = NULL, *option = "--everyone";

	if (del)
		del_prefixes(s, name, *list, n, prefixes);
	else
		add_prefixes(s, name, list, n, prefixes);
	if (to_allow)
		change_sets(s->name, name, del, &s->allow_lists, &s->n_allow_lists, prefixes);
	else
		change_sets(s->name, name, del, &s->deny_lists, &s->n_deny_lists, prefixes);
	if (!allowed && s->n_allow + s->n_allow_lists && !may->refuse_others) {
		why = "allow is empty, so this would refuse all other clients";
		option = "--refuse-others";
	} else if (allowed && !s->n_allow && !s->n_allow_lists && !may->everyone) {
		why = "allow would be empty, so this would let every client in";
	} else if (!denied && has_family_whole(s->deny, s->n_deny) && !may->everyone) {
		why = "this would refuse every client of a family";
	}
	if (!why)
		return 0;
	log_error("service %s %s: %s: nothing was changed. If you want that, add %s", verb, s->name, why, option);
	return -EPERM;
}

/* ---- the change ---- */

static void replace_listen(struct service_config *s, struct service_config *from)
{
	strcpy(s->listen_interface, from->listen_interface);
	s->listen_addresses = from->listen_addresses;
	s->n_listen_addresses = from->n_listen_addresses;
}

static void replace_ports(struct service_config *s, struct service_config *from)
{
	s->ports = from->ports;
	s->n_ports = from->n_ports;
}

/* Replaces the backend's addresses or names of those families that the options give. */
static void replace_hosts(struct backend_config *b, const struct arguments *a)
{
	const struct backend_config *from = &a->wanted.backend;

	if (*from->ipv4 || a->no_ipv4)
		strcpy(b->ipv4, from->ipv4);
	if (*from->ipv6 || a->no_ipv6)
		strcpy(b->ipv6, from->ipv6);
}

/* Replaces the guard. Keys in the options replace all keys that the service had. */
static void replace_guard(struct service_config *s, struct service_config *from)
{
	if (from->backend.n_keys) {
		s->backend.keys = from->backend.keys;
		s->backend.n_keys = from->backend.n_keys;
	}
	s->guard.on |= s->backend.n_keys || from->guard.strict;
	s->guard.strict |= from->guard.strict;
}

/* Returns whether IPV6_DNAT, which an IPv6 address to listen on implied, must end: the address is
 * gone, or IPv4 is not translated either. */
static bool no_ipv6_dnat(const struct service_config *s)
{
	bool ipv6 = *s->listen_interface;

	for (size_t i = 0; i < s->n_listen_addresses; i++)
		ipv6 |= s->listen_addresses[i].family == FAMILY_IPV6;
	return s->ipv6 == IPV6_DNAT && (s->nat != NAT_DNAT || !ipv6);
}

/* Checks that the service keeps exactly one backend. */
static int check_backend(const struct arguments *a, const struct service_config *s)
{
	struct backend_config b = s->backend;

	replace_hosts(&b, a);
	if (s->n_backends && (*b.ipv4 || *b.ipv6 || a->no_ipv4 || a->no_ipv6))
		log_error("service set %s: this service has several backends: change them in the file, and run `wgxdp reload`",
			  s->name);
	else if ((a->no_ipv4 || a->no_ipv6) && !*b.ipv4 && !*b.ipv6)
		log_error("service set %s: the backend would have no address left: name another one with --backend",
			  s->name);
	else
		return 0;
	return -EINVAL;
}

/* Applies the options to a new or running service. */
static int change_service(struct arguments *a, struct service_config *s)
{
	struct service_config *from = &a->wanted, none = { 0 };
	__be16 port = from->backend.port ?: s->backend.port ?: htons(51820);

	if (a->nat)
		s->nat = from->nat;
	if (s->nat == NAT_NONE) {	/* it listens on the backend's own address */
		replace_ports(s, &none);
		if (!*s->listen_interface)
			replace_listen(s, &none);
	}
	if (!service_has_flows(s))
		s->flows = none.flows;
	if (a->listen)
		replace_listen(s, from);
	if (from->n_ports)
		replace_ports(s, from);
	replace_hosts(&s->backend, a);
	if (!s->n_backends)
		s->backend.port = port;
	replace_guard(s, from);
	if (a->ipv6 || (a->listen && from->ipv6 != IPV6_DIRECT && s->nat != NAT_MASQUERADE))
		s->ipv6 = from->ipv6;
	else if (no_ipv6_dnat(s))
		s->ipv6 = IPV6_DIRECT;
	if (s->nat != NAT_NONE && !s->n_ports)
		*append(s->ports, s->n_ports) = htons(51820);
	return 0;
}

static int change(struct edit *e, struct config *c, const char *instance)
{
	struct arguments *a = e->arguments;
	struct service_config *s = config_service(c, e->name);

	if (is_verb(a, "add") ? s != NULL : !s) {
		log_error("service %s %s: %s", e->verb, e->name,
			  s ? "this service exists already: change it with `wgxdp service set`" :
			  "there is no such service: `wgxdp show services` lists the services");
		return -ENOENT;
	}
	if (is_verb(a, "del")) {
		memmove(s, s + 1, (c->services + --c->n_services - s) * sizeof(*s));
		config_drop_rates(c, e->name, "");
		return 0;
	}
	if (is_verb(a, "add")) {
		s = append(c->services, c->n_services);
		strcpy(s->name, e->name);
	}
	return a->prefixes.n || a->prefixes.n_sets ?
	       clients_change(s, e->verb, &a->prefixes, &a->may) :
	       check_backend(a, s) ?: change_service(a, s);
}

static const struct edit_option options_by_path[] = {
	{ "/strict", "--strict: " }, { "/wireguard", "--public-key: " },
	{ "/backend", "--backend: " }, { "/listen/ports", "--port: " },
	{ "/listen", "--listen: " }, { "/ipv6", "--ipv6: " }, { 0 },
};

static int run_service(const struct global *g, int argc, char **argv)
{
	struct arguments a = { .edit = {
		.command = &service_command, .options = options_by_path, .change = change,
		.arguments = &a,
	} };
	int n;
	char **words = options_parse(&service_command, argc, argv, &a, &n);

	return words && !check_words(&a, n, words) ? edit_running(g, &a.edit) : EXIT_USAGE;
}

static const struct command_option options[] = {
	{ 0, "listen", "WHERE", 0,
	  "the interface or the addresses to listen on: ADDRESS[,ADDRESS]...",
	  parse_listen_option, .values = "@interface" },
	{ 0, "backend", "BACKEND", offsetof(struct arguments, wanted.backend),
	  "the backend's IPv4 address, IPv6 address or both, with :PORT (default 51820; then put IPv6 in brackets). A host name stands for the family without an address; alone, for IPv4. `set` changes only the families that are given.",
	  parse_backend },
	{ 0, "no-ipv4", NULL, offsetof(struct arguments, no_ipv4),
	  "with `set`: remove the backend's IPv4 address" },
	{ 0, "no-ipv6", NULL, offsetof(struct arguments, no_ipv6),
	  "with `set`: remove the backend's IPv6 address" },
	{ 0, "port", "PORTS", offsetof(struct arguments, wanted),
	  "UDP ports to listen on, such as 51820,443 or 400-450 (default: 51820)", parse_ports },
	{ 0, "nat", "MODE", 0,
	  "dnat (default): the destination is translated. none: no translation. masquerade: the backend sees an address of this host, and clients of either family reach it.",
	  parse_nat, .values = "dnat none masquerade" },
	{ 0, "ipv6", "MODE", 0,
	  "direct (default): IPv6 passes to the backend's own address. dnat: IPv6 is translated like IPv4 (default with an IPv6 address in --listen). off: wgxdp leaves IPv6 to the kernel.",
	  parse_ipv6, .values = "direct dnat off" },
	{ 0, "public-key", "KEY", offsetof(struct arguments, wanted.backend),
	  "the backend's WireGuard public key. With it, the guard lets only WireGuard packets for this key pass. May be repeated, for a new and an old key.",
	  parse_key },
	{ 0, "strict", NULL, offsetof(struct arguments, wanted.guard.strict),
	  "with a public key: pass data only from clients that the backend has answered" },
	{ 0, "refuse-others", NULL, offsetof(struct arguments, may.refuse_others),
	  "confirm `allow add` to an empty allow, which refuses all other clients" },
	{ 0, "everyone", NULL, offsetof(struct arguments, may.everyone),
	  "confirm `allow del` of the last prefix, which lets every client in, or `deny add` of 0.0.0.0/0 or ::/0, which refuses every client of that family" },
	{ 0 },
};

static const struct command_word words[] = {
	{ "add" }, { "set", "@service" }, { "del", "@service" }, { "allow", .below = list_verbs },
	{ "deny", .below = list_verbs }, { 0 },
};

const struct command service_command = {
	.name = "service",
	.heading = " Change:\n",
	.summary = "add, change and remove running services, and allow or deny clients",
	.usage = "add NAME --listen WHERE --backend BACKEND[,BACKEND][:PORT] [--port PORTS] [--nat dnat|none|masquerade] [--ipv6 direct|dnat|off] [--public-key KEY]... [--strict]\n"
		 "set NAME [--listen WHERE] [--backend ...] [--no-ipv4] [--no-ipv6] [--port ...] [--nat ...] [--ipv6 ...] [--public-key ...]... [--strict]\n"
		 "del NAME\n"
		 "allow add NAME PREFIX|'nft-set:FAMILY TABLE SET'... [--refuse-others]\n"
		 "allow del NAME PREFIX|'nft-set:FAMILY TABLE SET'... [--everyone]\n"
		 "deny add NAME PREFIX|'nft-set:FAMILY TABLE SET'... [--everyone]\n"
		 "deny del NAME PREFIX|'nft-set:FAMILY TABLE SET'...",
	.about = "Changes the running configuration, from the next packet on. `set` changes only the settings that its options name. After a backend is replaced, its replies are still translated for three minutes.\n"
		 "A service refuses clients in the prefixes and sets of deny. If allow has any, it refuses all clients outside of them. deny is stronger than allow. `wgxdp show services` prints both lists.",
	.run = run_service,
	.options = options,
	.words = words,
};
