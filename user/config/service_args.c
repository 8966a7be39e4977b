/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements service_args.h.
 */
#include <arpa/inet.h>
#include <errno.h>
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
			log_error("--port '%s': this is not a list of ports (1 to 65535): write "
				  "51820, or 51820,443 or 400-450", word);
			return -EINVAL;
		}
		if (last - port >= PORTS_MAX - s->n_ports) {
			log_error("--port %s: a service has at most %u ports: divide them among "
				  "several services", word, PORTS_MAX);
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
			log_error("%s '%s': this is not an address: write the port once for all "
				  "addresses, at the end: %s,[2001:db8::10]%s", option, word, host,
				  colon);
		else if (!address_parse(host, &ip))
			log_error("%s '%s': this is not an address: to add a port to an IPv6 "
				  "address, put it in brackets: [%s]:51820", option, word, host);
		else
			log_error("%s '%s': this is neither an address nor a host name: write "
				  "192.168.1.10, or 2001:db8::10, or with a port "
				  "192.168.1.10,[2001:db8::10]:51820", option, word);
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
				log_error("%s %s: ':%s' is not a port: write a number from 1 to "
					  "65535", option, argument, colon + 1);
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
	log_error("--public-key '%s': this is not a WireGuard key: write the 44 characters that "
		  "`wg pubkey` prints", text);
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
