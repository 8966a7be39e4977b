/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp service: one service of what runs is made, changed or removed, live; and whom it is for. What is so made is marked as
 * made by hand, and is gone with the next `up` or `reload` of a file that does not have it.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "instance/apply.h"
#include "cmd/command.h"
#include "config/config_check.h"
#include "config/config_diff.h"
#include "lib/grow.h"
#include "lib/log.h"
#include "instance/running.h"
#include "config/service_args.h"
#include "instance/state.h"

const char service_help[] =
	"add NAME --listen WHERE --backend BACKEND[,BACKEND][:PORT] [--port N[,N]...] [--nat dnat|none|masquerade]\n"
	"               [--ipv6 direct|dnat|off] [--public-key KEY]... [--strict]\n"
	"       wgxdp service set NAME [--listen WHERE] [--backend ...] [--port ...] [--nat ...] [--ipv6 ...] [--public-key ...]... [--strict]\n"
	"       wgxdp service del NAME\n"
	"       wgxdp service deny NAME PREFIX\n"
	"       wgxdp service allow NAME PREFIX\n\n"
	"Changes what runs, from the next packet on. Of a backend that is replaced, the answers are translated for three minutes more.\n"
	"deny keeps clients of a prefix out. allow takes such a denial back, or, if there is none, lets only that prefix in, and the\n"
	"others that are allowed. deny beats allow.\n\n"
	"  --listen WHERE     an interface, or addresses: ADDRESS[,ADDRESS]...\n"
	"  --backend BACKEND  IPv4 address, IPv6 address or both; :PORT (default 51820), IPv6 in brackets then; a name stands for\n"
	"                     the family that is not there as an address, alone for IPv4\n"
	"  --port N[,N]       UDP ports to listen on (default 51820)\n"
	"  --nat MODE         dnat (default); none: no translation; masquerade: the backend sees an address of this host, and clients of\n"
	"                     either family reach it\n"
	"  --ipv6 MODE        direct: the backend's own address is let through (default); dnat: translated as IPv4 is (default where\n"
	"                     an IPv6 address is listened on); off\n"
	"  --public-key KEY   of WireGuard at the backend: turns the guard on, which lets nothing in that is no WireGuard for this key;\n"
	"                     may be repeated: new and old ones\n"
	"  --strict           the guard lets in data only from whom the backend has answered\n";

struct arguments {
	const char *verb, *name, *prefix_text;
	struct prefix prefix;
	struct service_config wanted;	/* what the options say */
	bool listen, nat, ipv6;		/* which were said; ports and backend tell by themselves */
};

enum { OPT_LISTEN = 256, OPT_PORT, OPT_BACKEND, OPT_NAT, OPT_IPV6, OPT_KEY, OPT_STRICT };

static int parse_listen(struct service_config *s, const char *argument)
{
	char *list = strdup(argument), *rest = list, *word;
	struct address a, *place;
	int rc = list ? 0 : -ENOMEM;

	if (!rc && address_parse(argument, &a) && !strchr(argument, ',')) {
		rc = is_interface_name(argument) ? 0 : -EINVAL;
		if (!rc)
			strcpy(s->listen_interface, argument);
		rest = NULL;
	}
	while (!rc && (word = strsep(&rest, ","))) {
		rc = address_parse(word, &a);
		place = rc ? NULL : append(s->listen_addresses, s->n_listen_addresses);
		if (place)
			*place = a;
		if (!rc && a.family == FAMILY_IPV6)
			s->ipv6 = IPV6_DNAT;
	}
	if (rc)
		log_error("--listen '%s': neither an interface nor addresses, as eth0 or 203.0.113.1,2001:db8::1", argument);
	free(list);
	return rc;
}

static int parse_ipv6(struct service_config *s, const char *text)
{
	for (enum ipv6_handling h = IPV6_DIRECT; h <= IPV6_OFF; h++)
		if (!strcmp(text, ipv6_name(h))) {
			s->ipv6 = h;
			return 0;
		}
	log_error("--ipv6 %s: direct, dnat or off is wanted", text);
	return -EINVAL;
}

static int parse_option(struct arguments *a, int option)
{
	enum ipv6_handling said = a->wanted.ipv6;
	int rc;

	switch (option) {
	case OPT_LISTEN:
		a->listen = true;
		rc = parse_listen(&a->wanted, optarg);
		if (a->ipv6)
			a->wanted.ipv6 = said;
		return rc;
	case OPT_PORT:
		return service_ports(&a->wanted, optarg);
	case OPT_BACKEND:
		return service_backend(&a->wanted.backend, "--backend", optarg);
	case OPT_NAT:
		a->nat = true;
		return service_nat(&a->wanted, optarg);
	case OPT_IPV6:
		a->ipv6 = true;
		return parse_ipv6(&a->wanted, optarg);
	case OPT_KEY:
		return service_key(&a->wanted.backend, optarg);
	case OPT_STRICT:
		a->wanted.guard.strict = true;
		return 0;
	}
	return -EINVAL;
}

static bool is(const struct arguments *a, const char *verb)
{
	return !strcmp(a->verb, verb);
}

static bool said_options(const struct arguments *a)
{
	return a->listen || a->nat || a->ipv6 || a->wanted.n_ports || a->wanted.backend.n_keys || a->wanted.guard.strict || *a->wanted.backend.ipv4 || *a->wanted.backend.ipv6;
}

/* What has to be said, and what may not */
static int check_words(struct arguments *a, int n, char **words)
{
	bool lists = n && (!strcmp(words[0], "deny") || !strcmp(words[0], "allow"));
	const char *why;

	if (!n || (strcmp(words[0], "add") && strcmp(words[0], "set") && strcmp(words[0], "del") && !lists)) {
		log_error("service: %s%sadd, set, del, deny or allow is wanted", n ? words[0] : "", n ? ": " : "");
		return -EINVAL;
	}
	a->verb = words[0];
	if (n != 2 + lists) {
		log_error("service %s: %s; `wgxdp service --help` says more", a->verb, n < 2 + lists ?
			  lists ? "a service's name and a prefix are wanted" : "a service's name is wanted" : "too many words");
		return -EINVAL;
	}
	a->name = words[1];
	if (!is_service_name(a->name) || strlen(a->name) >= NAME_LEN) {
		log_error("service %s %s: no name of a service: letters, digits, '-', '_' and '.', as wg-end", a->verb, a->name);
		return -EINVAL;
	}
	if (said_options(a) && !is(a, "add") && !is(a, "set")) {
		log_error("service %s: takes no options", a->verb);
		return -EINVAL;
	}
	if (is(a, "set") && !said_options(a)) {
		log_error("service set %s: what is to change? `wgxdp service --help` lists the options", a->name);
		return -EINVAL;
	}
	if (is(a, "add") && !*a->wanted.backend.ipv4 && !*a->wanted.backend.ipv6) {
		log_error("service add %s: --backend is missing: wg-end's address", a->name);
		return -EINVAL;
	}
	if (!lists)
		return 0;
	a->prefix_text = words[2];
	why = prefix_wrong(a->prefix_text);
	if (why)
		log_error("service %s: '%s' %s", a->verb, a->prefix_text, why);
	return why ? -EINVAL : prefix_parse(a->prefix_text, &a->prefix);
}

static int parse(struct arguments *a, int argc, char **argv)
{
	static const struct option options[] = {
		{ "listen", required_argument, NULL, OPT_LISTEN }, { "port", required_argument, NULL, OPT_PORT },
		{ "backend", required_argument, NULL, OPT_BACKEND }, { "nat", required_argument, NULL, OPT_NAT },
		{ "ipv6", required_argument, NULL, OPT_IPV6 },
		{ "public-key", required_argument, NULL, OPT_KEY }, { "strict", no_argument, NULL, OPT_STRICT }, { 0 },
	};
	int option, rc = 0;

	opterr = 0;
	while (!rc && (option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (option == ':' || option == '?')
			option_error("service", option, argv);
		rc = option == ':' || option == '?' ? -EINVAL : parse_option(a, option);
	}
	return rc ?: check_words(a, argc - optind, argv + optind);
}

/* ---- the change ---- */

static void take_listen(struct service_config *s, struct service_config *from)
{
	free(s->listen_addresses);
	strcpy(s->listen_interface, from->listen_interface);
	s->listen_addresses = from->listen_addresses;
	s->n_listen_addresses = from->n_listen_addresses;
	from->listen_addresses = NULL;
}

static void take_ports(struct service_config *s, struct service_config *from)
{
	free(s->ports);
	s->ports = from->ports;
	s->n_ports = from->n_ports;
	from->ports = NULL;
}

static void take_hosts(struct backend_config *b, const struct backend_config *from)
{
	strcpy(b->ipv4, from->ipv4);
	strcpy(b->ipv6, from->ipv6);
}

/* Other keys than it had are what it has */
static void take_guard(struct service_config *s, struct service_config *from)
{
	if (from->backend.n_keys) {
		free(s->backend.keys);
		s->backend.keys = from->backend.keys;
		s->backend.n_keys = from->backend.n_keys;
		from->backend.keys = NULL;
		from->backend.n_keys = 0;
	}
	s->guard.on |= s->backend.n_keys || from->guard.strict;
	s->guard.strict |= from->guard.strict;
}

static int default_port(struct service_config *s)
{
	__be16 *port = s->nat != NAT_NONE && !s->n_ports ? append(s->ports, s->n_ports) : NULL;

	if (port)
		*port = htons(51820);
	return s->nat != NAT_NONE && !s->n_ports ? -ENOMEM : 0;
}

/* What an IPv6 address to listen on brought with it goes with it, and with translation */
static bool no_ipv6_dnat(const struct service_config *s)
{
	bool ipv6 = *s->listen_interface;

	for (size_t i = 0; i < s->n_listen_addresses; i++)
		ipv6 |= s->listen_addresses[i].family == FAMILY_IPV6;
	return s->ipv6 == IPV6_DNAT && (s->nat != NAT_DNAT || !ipv6);
}

/* The options' words, on a new service or on one that runs */
static int change(struct arguments *a, struct service_config *s)
{
	struct service_config *from = &a->wanted, none = { 0 };
	__be16 port = from->backend.port ?: s->backend.port ?: htons(51820);

	if (a->nat)
		s->nat = from->nat;
	if (s->nat == NAT_NONE) {		/* it listens where the backend is */
		take_ports(s, &none);
		if (!*s->listen_interface)
			take_listen(s, &none);
	}
	if (s->nat != NAT_MASQUERADE) {
		free(s->flows.sources);
		s->flows = none.flows;
	}
	if (a->listen)
		take_listen(s, from);
	if (from->n_ports)
		take_ports(s, from);
	if (*from->backend.ipv4 || *from->backend.ipv6)
		take_hosts(&s->backend, &from->backend);
	if (!s->n_backends || *from->backend.ipv4 || *from->backend.ipv6)
		s->backend.port = port;
	take_guard(s, from);
	if (a->ipv6 || (a->listen && from->ipv6 != IPV6_DIRECT && s->nat != NAT_MASQUERADE))
		s->ipv6 = from->ipv6;
	else if (no_ipv6_dnat(s))
		s->ipv6 = IPV6_DIRECT;
	return default_port(s);
}

static ssize_t prefix_index(const struct prefix *list, size_t n, const struct prefix *p)
{
	for (size_t i = 0; i < n; i++)
		if (prefix_within(&list[i], p) && prefix_within(p, &list[i]))
			return i;
	return -1;
}

static int add_prefix(struct prefix **list, size_t *n, const struct prefix *p)
{
	struct prefix *place = prefix_index(*list, *n, p) < 0 ? append(*list, *n) : NULL;

	if (place)
		*place = *p;
	return place || prefix_index(*list, *n, p) >= 0 ? 0 : -ENOMEM;
}

static int allow(const struct arguments *a, struct service_config *s)
{
	ssize_t denied = prefix_index(s->deny, s->n_deny, &a->prefix);
	char text[ADDRESS_STRLEN];
	int rc = 0;

	if (denied >= 0)
		memmove(&s->deny[denied], &s->deny[denied + 1], (--s->n_deny - denied) * sizeof(*s->deny));
	if (denied < 0 || s->n_allow)
		rc = add_prefix(&s->allow, &s->n_allow, &a->prefix);
	for (size_t i = 0; i < s->n_deny; i++)
		if (prefix_within(&a->prefix, &s->deny[i]))
			log_warning("service %s: %s lies within %s, which is denied, and deny beats allow", s->name, a->prefix_text,
				    prefix_format(&s->deny[i], text));
	if (s->n_allow == 1 && denied < 0)
		log_warning("service %s is now for %s alone", s->name, a->prefix_text);
	return rc;
}

static int edit(struct arguments *a, struct config *c)
{
	struct service_config *s = config_service(c, a->name);
	int rc = 0;

	if (is(a, "add") ? s != NULL : !s) {
		log_error("service %s %s: %s", a->verb, a->name, s ? "there is one of that name: `service set` changes it" :
			  "there is none of that name: `wgxdp show services` names those that are");
		return -ENOENT;
	}
	if (is(a, "del")) {
		config_free_service(s);
		memmove(s, s + 1, (c->services + --c->n_services - s) * sizeof(*s));
		return 0;
	}
	if (is(a, "add")) {
		s = append(c->services, c->n_services);
		if (!s)
			return -ENOMEM;
		strcpy(s->name, a->name);
	}
	s->by_hand = true;
	if (is(a, "deny"))
		rc = add_prefix(&s->deny, &s->n_deny, &a->prefix);
	else if (is(a, "allow"))
		rc = allow(a, s);
	else
		rc = change(a, s);
	return rc;
}

/* By the option that said it, or the service that was there */
static void tell_option(void *data, const struct config_place *place, const char *text)
{
	const struct arguments *a = data;
	const char *option = strstr(place->path, "/strict") ? "--strict: " : strstr(place->path, "/wireguard") ? "--public-key: " :
			     strstr(place->path, "/backend") ? "--backend: " : strstr(place->path, "/listen/ports") ? "--port: " :
			     strstr(place->path, "/listen") ? "--listen: " : strstr(place->path, "/ipv6") ? "--ipv6: " : "";

	log_error("service %s %s: %s%s", a->verb, a->name, option, without_key(text));
}

int cmd_service(const struct global *g, int argc, char **argv)
{
	struct arguments a = { 0 };
	struct config *c = NULL;
	int lock = -1, status = EXIT_USAGE;

	if (parse(&a, argc, argv))
		goto cleanup;
	status = EXIT_FAILED;
	lock = state_lock(g->instance);
	if (lock < 0 || running_read(g->instance, &c) || edit(&a, c))
		goto cleanup;
	status = EXIT_USAGE;
	if (config_check_each(c, 0, tell_option, &a))
		goto cleanup;
	status = apply(g->instance, c) ? EXIT_FAILED : EXIT_DONE;
cleanup:
	if (lock >= 0)
		close(lock);
	config_free_service(&a.wanted);
	config_free(c);
	return status;
}
