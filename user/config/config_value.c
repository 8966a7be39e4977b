/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Parses, checks, names and writes single values of the configuration, and answers questions about
 * a configuration. All other files of config/ may call it, and it calls none of them.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "config/config_diff.h"
#include "config/config_parts.h"

static int number_parse(const char *s, const char *end, unsigned int *ret)
{
	char text[6];
	__be16 port;

	if ((size_t)(end - s) >= sizeof(text))
		return -EINVAL;
	memcpy(text, s, end - s);
	text[end - s] = '\0';
	if (port_parse(text, &port))
		return -EINVAL;
	*ret = ntohs(port);
	return 0;
}

int ports_parse(const char *text, unsigned int *ret_first, unsigned int *ret_last)
{
	const char *end = text + strlen(text), *dash = strchr(text, '-');
	unsigned int first, last;

	if (number_parse(text, dash ?: end, &first) ||
	    number_parse(dash ? dash + 1 : text, end, &last) || last < first)
		return -EINVAL;
	*ret_first = first;
	*ret_last = last;
	return 0;
}

const char *ports_wrong(const char *text, const char *like)
{
	static char why[128];
	unsigned int first, last;
	char more;

	if (sscanf(text, "%5u-%5u%c", &first, &last, &more) == 2 && first > last && last &&
	    first <= 65535)
		snprintf(why, sizeof(why), "is a range that ends before it begins: write %u-%u", last, first);
	else if (sscanf(text, "%5u:%5u%c", &first, &last, &more) == 2 && first <= last)
		snprintf(why, sizeof(why), "has a ':': write a range with '-', %u-%u", first, last);
	else if (sscanf(text, "%5u/%c", &first, &more) == 2 && first <= 65535)
		snprintf(why, sizeof(why), "has other text after the number: write %u", first);
	else
		snprintf(why, sizeof(why), "is not a port or a range of ports (1 to 65535): write one such as %s",
			 like);
	return why;
}

bool is_interface_name(const char *s)
{
	const char *c;

	for (c = s; *c; c++)
		if (!isascii(*c) || !isgraph(*c) || *c == '/' || *c == ':')
			return false;
	return c != s && c - s < IFNAMSIZ && strcmp(s, ".") && strcmp(s, "..");
}

bool is_service_name(const char *s)
{
	const char *c;

	for (c = s; *c; c++)
		if (!isascii(*c) || (!isalnum(*c) && (c == s || !strchr("-_.", *c))))
			return false;
	return c != s;
}

bool is_peer_name(const char *s)
{
	const char *c;

	for (c = s; *c; c++)
		if (!isascii(*c) || (!isalnum(*c) && !strchr(c == s ? "+/" : "-_.+/", *c)))
			return false;
	return c != s;
}

const char *prefix_wrong(const char *text)
{
	const char *slash = strchr(text, '/');
	struct in6_addr mapped;
	struct prefix p;
	struct address a;
	char host[ADDRESS_STRLEN];
	static char why[ADDRESS_STRLEN + 64];

	if (!prefix_parse(text, &p))
		return NULL;
	snprintf(host, sizeof(host), "%.*s", (int)(slash ? slash - text : strlen(text)), text);
	if (slash && address_parse(host, &a) && inet_pton(AF_INET6, host, &mapped) == 1)
		return "is an IPv4 prefix written as IPv6: write the IPv4 prefix itself";
	slash = strchr(text, '-');
	if (slash && snprintf(host, sizeof(host), "%.*s", (int)(slash - text), text) &&
	    !address_parse(host, &a) && !address_parse(slash + 1, &a))
		return "is a range: write it as prefixes, each such as 10.1.2.0/24";
	slash = strchr(text, '/');
	if (!slash || address_parse(host, &a))
		return "is not a prefix: write one such as 192.0.2.0/24 or 2001:db8::/32";
	if (!slash[1] || slash[1 + strspn(slash + 1, "0123456789")] || strlen(slash) > 4 ||
	    atoi(slash + 1) > (a.family == FAMILY_IPV4 ? 32 : 128) || (slash[1] == '0' && slash[2]))
		return a.family == FAMILY_IPV4 ? "needs a length from 0 to 32 after '/': write a prefix such as 192.0.2.0/24"
					       : "needs a length from 0 to 128 after '/': write a prefix such as 2001:db8::/32";
	p = (struct prefix){ .addr = a.addr, .family = a.family, .len = atoi(slash + 1) };
	p.addr.q[0] &= prefix_mask(&p).q[0];
	p.addr.q[1] &= prefix_mask(&p).q[1];
	snprintf(why, sizeof(why), "has bits set beyond its length: write %s",
				   prefix_format(&p, host));
	return why;
}

const char *config_key_wrong(const char *text)
{
	static char wrong[160];
	size_t n = 0;
	struct wg_key key;

	while (isalnum((unsigned char)text[n]) || (text[n] && strchr("+/", text[n])))
		n++;
	if (!wg_key_parse(text, &key))
		return "is all zeros, which is no key: copy what `wg pubkey` prints";
	if (strlen(text) == WG_KEY_STRLEN - 1 && n < WG_KEY_STRLEN - 2)
		snprintf(wrong, sizeof(wrong), "has the character '%c' in place %zu, which no key has: copy the key again",
			 text[n], n + 1);
	else
		snprintf(wrong, sizeof(wrong), "is not a WireGuard key (%zu characters): copy all 44 characters that `wg pubkey` prints, with the '=' at their end",
			 strlen(text));
	return wrong;
}

/* ---- prefixes of the relay ---- */

/* Shortest prefix length of an overlay: fc00::/7 has all ULAs; a shorter one contains a large part
 * of the internet. */
#define SHORTEST 7
#define LONGEST 112 /* a longer prefix has no room for sites with hosts */

static const struct prefix link_local = {
	.addr = { .b = { 0xfe, 0x80 } }, .family = FAMILY_IPV6, .len = 10,
};
static const struct prefix multicast = {
	.addr = { .b = { 0xff } }, .family = FAMILY_IPV6, .len = 8,
};

const char *relay_overlay_wrong(const struct prefix *overlay)
{
	if (overlay->family != FAMILY_IPV6)
		return "is an IPv4 prefix: write an IPv6 prefix";
	if (overlay->len < SHORTEST)
		return "is too large: write a ULA or a global prefix of /7 or longer";
	if (prefix_meets(overlay, &link_local))
		return "is a link-local prefix, which is not routed: write a ULA or a global prefix";
	if (prefix_meets(overlay, &multicast))
		return "is a multicast prefix: write a ULA or a global prefix";
	return overlay->len > LONGEST ? "is too small for the prefixes of sites: write a ULA or a global prefix of /112 or shorter" :
	       NULL;
}

const char *relay_prefix_wrong(const struct prefix *prefix, const struct prefix *overlay)
{
	if (prefix->family != FAMILY_IPV6)
		return "is an IPv4 prefix, and only IPv6 is routed: write a prefix within the overlay";
	if (prefix_within(overlay, prefix))
		return prefix->len == overlay->len ? "is the whole overlay: write a smaller prefix within the overlay"
						   : "is larger than the overlay: write a prefix within the overlay";
	if (prefix_within(prefix, overlay))
		return NULL;
	if (prefix_meets(prefix, &link_local) || prefix_meets(prefix, &multicast))
		return "is a link-local or multicast prefix: write a prefix within the overlay";
	return prefix->len < 128 ? "is outside the overlay, where a peer may have only single addresses (/128): write a prefix within the overlay" :
	       NULL;
}

/* ---- names ---- */

const char *const mode_names[] = { "auto", "native", "generic", "tc", NULL };
const char *const express_names[] = { "on", "off", NULL };
const char *const nat_names[] = { "dnat", "none", "masquerade", NULL };
const char *const role_names[] = { "", "wan", "lan", "tunnel", NULL };
const char *const ipv6_names[] = { "direct", "dnat", "off", NULL };
const char *const df_names[] = { "fragment", "report", NULL };
const char *const page_names[] = { "local", "everywhere", "off", NULL };

const char *nat_name(enum nat n)
{
	return n == NAT_BLIND ? "blind" : nat_names[n];
}

int nat_parse(const char *s, enum nat *ret)
{
	for (int i = 0; nat_names[i]; i++)
		if (!strcmp(nat_names[i], s)) {
			*ret = i;
			return 0;
		}
	return -EINVAL;
}

/* ---- questions about a configuration ---- */

bool config_relays(const struct config *c)
{
	return c->n_peers || c->follow.n_wireguard;
}

bool service_has_lists(const struct service_config *s)
{
	return s->n_allow || s->n_deny || s->n_allow_lists || s->n_deny_lists;
}

bool service_has_flows(const struct service_config *s)
{
	return s->nat == NAT_MASQUERADE || s->hairpin;
}

bool service_has_guard(const struct service_config *s)
{
	return (s->guard.on || s->n_backends) && s->guard.profile != PROFILE_NONE;
}

bool config_challenges(const struct config *c)
{
	for (size_t i = 0; i < c->n_services; i++)
		if (service_has_guard(&c->services[i]) && c->services[i].guard.challenge_above)
			return true;
	return false;
}

bool service_has_family(const struct service_config *s, __u8 family)
{
	for (size_t i = 0; i < backends_of(s); i++)
		if (*(family == FAMILY_IPV4 ? backend_at(s, i)->ipv4 : backend_at(s, i)->ipv6))
			return true;
	return false;
}

bool service_is_direct(const struct service_config *s, __u8 family)
{
	return s->nat == NAT_NONE ? family == FAMILY_IPV4 || s->ipv6 != IPV6_OFF :
	       s->nat == NAT_DNAT && s->ipv6 == IPV6_DIRECT && family == FAMILY_IPV6;
}

const struct interface_config *config_interface_entry(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->n_interfaces; i++)
		if (!strcmp(c->interfaces[i].name, name))
			return &c->interfaces[i];
	return NULL;
}

struct service_config *config_service(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->n_services; i++)
		if (!strcmp(c->services[i].name, name))
			return &c->services[i];
	return NULL;
}

struct peer_config *config_peer(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->n_peers; i++)
		if (!strcmp(c->peers[i].name, name))
			return &c->peers[i];
	return NULL;
}

/* ---- values of several sections: reading, checking and writing ---- */

void config_check_device(struct check *k, const char *key, const char *name, const char *like)
{
	if (*name && !is_interface_name(name))
		tell(k, "%s: '%s' cannot be the name of an interface: write one such as %s", key, name, like);
	if (!strcmp(name, "lo"))
		tell(k, "%s: 'lo' is the loopback, which reaches no other host: name a network interface, such as %s",
		     key, like);
}

void config_check_host(struct check *k, const char *key, const char *text, __u8 family, bool names)
{
	const char *why = *text ? address_wrong(text, family, names ? HOST_NAMES : NO_NAMES) : NULL;

	if (why)
		tell(k, "%s: '%s' %s", key, text, why);
}

/* Writes a name or an address. Quotes it if YAML could read it as another type than text. */
void config_put_text(FILE *out, const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/-";

	if (isalnum((unsigned char)*text) && !text[strspn(text, plain)]) {
		fputs(text, out);
		return;
	}
	putc('"', out);
	for (; *text; text++)
		if (iscntrl((unsigned char)*text))
			fprintf(out, "\\x%02x", (unsigned char)*text);
		else
			fprintf(out, strchr("\"\\", *text) ? "\\%c" : "%c", *text);
	putc('"', out);
}

void config_set_port(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		     void *object)
{
	const char *text = yaml_text(y, key, value);

	if (text && port_parse(text, (__be16 *)((char *)object + key->offset)))
		yaml_error(y, value, "%s: '%s' is not a port: write 1 to 65535, such as %s",
			   key->name, text, key->like);
}
