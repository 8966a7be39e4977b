/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "config/config_check.h"
#include "lib/grow.h"
#include "lib/log.h"
#include "config/service_args.h"

static int add_port(struct service_config *s, __be16 port)
{
	for (size_t i = 0; i < s->n_ports; i++)
		if (s->ports[i] == port) {
			log_error("--port: %u is listed twice: remove one of the two", ntohs(port));
			return -EINVAL;
		}
	*append(s->ports, s->n_ports) = port;
	return 0;
}

int service_ports(struct service_config *s, char *list)
{
	char *word, *rest = list;
	int rc = 0;

	while (!rc && (word = strsep(&rest, ","))) {
		unsigned int port, last;

		if (ports_parse(word, &port, &last)) {
			log_error("--port '%s': this is not a list of ports (1 to 65535): write 51820, or 51820,443 or 400-450",
				  word);
			return -EINVAL;
		}
		if (last - port >= PORTS_MAX - s->n_ports) {
			log_error("--port %s: a service has at most %u ports: divide them among several services",
				  word, PORTS_MAX);
			return -EINVAL;
		}
		for (; !rc && port <= last; port++)
			rc = add_port(s, htons(port));
	}
	return rc;
}

/* names false: adds an address. names true: adds a host name; this comes after all addresses,
 * because a name gets the family that no address has. */
static int add_backend(struct backend_config *b, const char *option, const char *word, bool names)
{
	struct address ip;
	const char *colon = strrchr(word, ':');
	bool name = address_parse(word, &ip);
	char host[ADDRESS_STRLEN];
	char *to = name ? (*b->ipv4 ? b->ipv6 : b->ipv4) :
		   ip.family == FAMILY_IPV4 ? b->ipv4 : b->ipv6;

	if (!*word || strlen(word) >= sizeof(b->ipv4) || (name && strpbrk(word, ":[]"))) {
		snprintf(host, sizeof(host), "%.*s", colon ? (int)(colon - word) : 0, word);
		if (!address_parse(host, &ip) && ip.family == FAMILY_IPV4)
			log_error("%s '%s': this is not an address: write the port once for all addresses, at the end: %s,[2001:db8::10]%s",
				  option, word, host, colon);
		else if (!address_parse(host, &ip))
			log_error("%s '%s': this is not an address: to add a port to an IPv6 address, put it in brackets: [%s]:51820",
				  option, word, host);
		else
			log_error("%s '%s': this is neither an address nor a host name: write 192.168.1.10, or 2001:db8::10, or with a port 192.168.1.10,[2001:db8::10]:51820",
				  option, word);
		return -EINVAL;
	}
	if (name != names)
		return 0;
	if (*to) {
		log_error("%s: %s and %s are %s: write at most one IPv4 and one IPv6 address",
			  option, to, word, name ? "too many" :
			  ip.family == FAMILY_IPV4 ? "both IPv4" : "both IPv6");
		return -EINVAL;
	}
	strcpy(to, word);
	return 0;
}

int service_backend(struct backend_config *b, const char *option, const char *argument)
{
	char *list = xstrdup(argument), *word, *rest, *colon, *bracket;
	int rc = 0;

	for (int names = 0; names < 2 && !rc; names++) {
		rest = strcpy(list, argument);
		colon = strrchr(list, ':');
		bracket = strrchr(list, ']');
		if (bracket ? colon > bracket : colon && strchr(list, ':') == colon) {
			*colon = '\0';
			rc = port_parse(colon + 1, &b->port);
			if (rc)
				log_error("%s %s: ':%s' is not a port: write a number from 1 to 65535",
					  option, argument, colon + 1);
		}
		while (!rc && (word = strsep(&rest, ","))) {
			size_t len = strlen(word);

			if (*word == '[' && len > 2 && word[len - 1] == ']') {
				word[len - 1] = '\0';
				word++;
			}
			rc = add_backend(b, option, word, names);
		}
	}
	free(list);
	return rc;
}

int service_key(struct backend_config *b, const char *text)
{
	struct wg_key *place = append(b->keys, b->n_keys);

	if (!wg_key_parse(text, place) && !wg_key_is_none(place))
		return 0;
	log_error("--public-key '%s': this is not a WireGuard key: write the 44 characters that `wg pubkey` prints",
		  text);
	return -EINVAL;
}

int service_nat(struct service_config *s, const char *text)
{
	if (!nat_parse(text, &s->nat))
		return 0;
	log_error("--nat %s: this value is unknown: write dnat, none or masquerade", text);
	return -EINVAL;
}

const char *without_key(const char *text)
{
	size_t key = strcspn(text, ": ");

	return text[key] == ':' ? text + key + 2 : text;
}

/* ---- a configuration with one service ---- */

static void create_service(struct quick_service *l)
{
	l->config = xcalloc(1, sizeof(*l->config));
	l->service = append(l->config->services, l->config->n_services);
	strcpy(l->service->name, "wg-end");
	l->service->backend.port = htons(51820);
}

static int add_interface(struct quick_service *l, const char *name, enum link_role role)
{
	struct interface_config *i;

	if (!*name || strlen(name) >= IFNAMSIZ) {
		log_error("--%s %s: this cannot be the name of an interface: write one such as eth0",
			  role_names[role], name);
		return -EINVAL;
	}
	i = append(l->config->interfaces, l->config->n_interfaces);
	strcpy(i->name, name);
	i->role = role;
	return 0;
}

int quick_service_option(struct quick_service *l, enum quick_service_option option, char *argument)
{
	if (!l->config)
		create_service(l);
	switch (option) {
	case QUICK_WAN:
		return add_interface(l, argument, ROLE_WAN);
	case QUICK_LAN:
		return add_interface(l, argument, ROLE_LAN);
	case QUICK_TO:
		return service_backend(&l->service->backend, "--to", argument);
	case QUICK_PORT:
		l->port_said = true;
		return service_ports(l->service, argument);
	case QUICK_NAT:
		return service_nat(l->service, argument);
	case QUICK_OPTIONS:
		break;
	}
	return -EINVAL;
}

struct option_errors {
	const struct config *config;
	const char *command;
	unsigned int reported;
};

/* Reports an error of config_check_each() with the option that caused it. Skips errors of further
 * services and of listen interfaces, which repeat an earlier error. */
static void report_by_option(void *data, const struct config_place *place, const char *text)
{
	struct option_errors *e = data;
	const char *argument = e->command;
	size_t i;

	if (e->reported &&
	    (strstr(place->path, "/listen/interface") ||
	     (!strncmp(place->path, "/services/", 10) && strncmp(place->path, "/services/0/", 12))))
		return;
	e->reported++;
	if (sscanf(place->path, "/interfaces/%zu", &i) == 1)
		argument = e->config->interfaces[i].role == ROLE_WAN ? "--wan" : "--lan";
	else if (strstr(place->path, "/backend"))
		argument = "--to";
	else if (strstr(place->path, "/listen/ports"))
		argument = "--port";
	log_error("%s: %s", argument, without_key(text));
}

int quick_service_finish(struct quick_service *l, const char *command)
{
	struct config *c = l->config;
	struct option_errors errors = { .config = c, .command = command };
	size_t wans = 0;

	if (!*l->service->backend.ipv4 && !*l->service->backend.ipv6) {
		log_error("%s: --to is missing: add the backend's address, --to 192.168.1.10", command);
		return -EINVAL;
	}
	if (l->service->nat != NAT_NONE && !l->port_said)
		*append(l->service->ports, l->service->n_ports) = htons(51820);
	for (size_t i = 0; i < c->n_interfaces; i++) {
		struct service_config *s;
		__be16 *ports;

		if (c->interfaces[i].role != ROLE_WAN)
			continue;
		if (!wans++) {
			strcpy(l->service->listen_interface, c->interfaces[i].name);
			continue;
		}
		s = append(c->services, c->n_services);
		ports = xcalloc(c->services->n_ports + 1, sizeof(*ports));
		*s = c->services[0];
		s->ports = memcpy(ports, s->ports, s->n_ports * sizeof(*ports));
		snprintf(s->name, sizeof(s->name), "wg-end-%zu", wans);
		strcpy(s->listen_interface, c->interfaces[i].name);
	}
	if (!wans) {
		log_error("%s: --wan is missing: add the interface on which clients arrive, --wan eth0", command);
		return -EINVAL;
	}
	return config_check_each(c, 0, report_by_option, &errors) ? -EINVAL : 0;
}
