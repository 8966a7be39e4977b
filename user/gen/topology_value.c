/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads the values in a topology. topology_check.c looks for contradictions between them.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include "lib/grow.h"
#include "config/config_check.h"
#include "config/config_parts.h"
#include "gen/topology_keys.h"

/* Shortest length of an overlay: a shorter one would contain nearly all ULAs. */
#define OVERLAY_SHORTEST 16
#define PREFIX_SHORTEST 32

static const struct prefix ula = { .addr = { .b = { 0xfc } }, .family = FAMILY_IPV6, .len = 7 };
static const struct prefix global = { .addr = { .b = { 0x20 } }, .family = FAMILY_IPV6, .len = 3 };

static void *place_of(const struct yaml_key *key, void *object)
{
	return (char *)object + key->offset;
}

/* ---- names ---- */

/* Reads the name of a host or site: a DNS label that also names a directory. */
void topology_set_name(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		       void *object)
{
	const char *text = yaml_text(y, key, value), *c = text ?: "";

	if (!text)
		return;
	while (isascii(*c) && (isalnum(*c) || (*c == '-' && c != text && c[1])))
		c++;
	if (*c == '.' && c != text)
		yaml_error(y, value, "%s: '%s' has a dot: write the name without its domain, %.*s",
			   key->name, text, (int)(c - text), text);
	else if (*c || c - text >= TOPOLOGY_NAME)
		yaml_error(y, value, "%s: '%s' cannot be a name: write up to %d letters, digits "
			   "and, between them, '-', such as "
			   "%s", key->name, text, TOPOLOGY_NAME - 1, key->like);
	else if (!strcasecmp(text, "state") || !strcasecmp(text, "prometheus") ||
		 !strcasecmp(text, "rollout"))
		yaml_error(y, value, "%s: '%s' is reserved for another directory: choose another "
				     "name, such as %s", key->name, text, key->like);
	else if (c - text > 4 && !strcasecmp(c - strlen(TOPOLOGY_LAN), TOPOLOGY_LAN))
		yaml_error(y, value, "%s: '%s' ends in " TOPOLOGY_LAN ", as the second names of "
			   "servers in DNS: choose another name, such as %s", key->name, text,
			   key->like);
	else
		strcpy(place_of(key, object), text);
}

/* Reads the name of an interface. Only names that need no quotes in the generated files and scripts
 * are allowed. */
void topology_set_interface(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
			    void *object)
{
	static const char *const ours[] = { "wgvpnr01", "wgvpn01", "wg0" };
	const char *text = yaml_text(y, key, value), *c = text ?: "";
	bool is_ours = false;

	if (!text)
		return;
	while (isascii(*c) && (isalnum(*c) || (c != text && strchr("-_.", *c))) && *c)
		c++;
	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
		is_ours |= !strcmp(text, ours[i]);
	if (*c || !is_interface_name(text))
		yaml_error(y, value, "%s: '%s' cannot be the name of an interface: write up to %d "
			   "letters, digits, '-', '_' and '.', such as %s", key->name, text,
			   IFNAMSIZ - 1, key->like);
	else if (is_ours)
		yaml_error(y, value, "%s: '%s' is the name of a tunnel that `wgxdp gen hosts` "
			   "itself makes: name the network card that carries it, such as %s",
			   key->name, text, key->like);
	else
		strcpy(place_of(key, object), text);
}

/* ---- addresses ---- */

static bool take_address(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
			 __u8 family, struct address *ret)
{
	const char *text = yaml_text(y, key, value),
		   *why = text ? address_wrong(text, 0, NO_NAMES) : NULL;

	/* A gateway is on the link, so it may have a link-local address. */
	if (text && !strncmp(key->name, "gateway", 7) && !address_parse(text, ret))
		return true;
	if (text && !why && !address_parse(text, ret) && family && ret->family != family)
		why = family == FAMILY_IPV4 ? "is an IPv6 address: write an IPv4 address" :
			"is an IPv4 address: write an IPv6 address";
	if (why)
		yaml_error(y, value, "%s: '%s' %s", key->name, text, why);
	return text && !why;
}

void topology_add_address(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
			  void *object)
{
	struct address **list = place_of(key, object), a;
	size_t *n = (size_t *)((char *)object + key->count);
	char text[ADDRESS_STRLEN];

	if (!take_address(y, key, value, 0, &a))
		return;
	if (address_find(*list, *n, &a) < *n)
		yaml_error(y, value, "%s: %s is listed twice: remove one of the two", key->name,
			   address_format(&a, text));
	else
		*append(*list, *n) = a;
}

/* Adds an address of an edge router, with the length of the link's prefix. */
void topology_add_link_address(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
			       void *object)
{
	struct topology_host *h = object;
	const char *text = yaml_text(y, key, value);
	char *alone = xstrndup(text ?: "", strcspn(text ?: "", "/"));
	struct prefix link;
	struct address a;

	if (text && (!strchr(text, '/') || network_parse(text, &link) ||
		     address_wrong(alone, 0, NO_NAMES) || address_parse(alone, &a)))
		yaml_error(y, value, "%s: '%s' is not an address with the length of its prefix: "
			   "write one such as %s", key->name, text, key->like);
	else if (text && topology_address(h, a.family))
		yaml_error(y, value, "%s: there are two IPv%d addresses: write one of each family",
			   key->name, a.family == FAMILY_IPV4 ? 4 : 6);
	else if (text) {
		*(a.family == FAMILY_IPV4 ? &h->len4 : &h->len6) = link.len;
		*append(h->addresses, h->n_addresses) = a;
	}
	free(alone);
}

void topology_set_ipv4(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		       void *object)
{
	struct address a;

	if (take_address(y, key, value, FAMILY_IPV4, &a))
		*(struct address *)place_of(key, object) = a;
}

void topology_add_backend(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
			  void *object)
{
	struct topology_host *h = object;
	struct address a, *place;

	if (!take_address(y, key, value, 0, &a))
		return;
	place = a.family == FAMILY_IPV4 ? &h->backend4 : &h->backend6;
	if (place->family)
		yaml_error(y, value, "%s: there are two IPv%d addresses: write one of each family",
			   key->name, a.family == FAMILY_IPV4 ? 4 : 6);
	*place = a;
}

/* Reads the way of outgoing packets: masquerade, off, or an address of the gateway for SNAT. */
void topology_set_exit_way(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
			   void *object)
{
	const char *text = yaml_text(y, key, value);
	struct topology_exit *e = &((struct topology_host *)object)->exit;
	bool ipv4 = !strcmp(key->name, "ipv4");
	struct address a;

	if (!text)
		return;
	if (!strcmp(text, "masquerade"))
		*(ipv4 ? &e->masquerade4 : &e->masquerade6) = true;
	else if (address_parse(text, &a) && strcmp(text, "off"))
		yaml_error(y, value, "%s: '%s' is unknown: write masquerade, off, or the source "
				     "address of outgoing packets, such as %s", key->name, text,
			   ipv4 ? "203.0.113.1" : "2001:db8:0:1::5");
	else if (strcmp(text, "off") &&
		 take_address(y, key, value, ipv4 ? FAMILY_IPV4 : FAMILY_IPV6, &a))
		*(ipv4 ? &e->snat4 : &e->snat6) = a;
}

/* ---- prefixes ---- */

enum topology_kind topology_kind(const struct prefix *p)
{
	return p->family == FAMILY_IPV4 ? NETWORK_IPV4 : prefix_within(p, &ula) ? NETWORK_ULA :
	       NETWORK_GLOBAL;
}

const struct prefix *topology_network(const struct topology_host *gateway, enum topology_kind kind)
{
	for (size_t i = 0; i < gateway->n_networks; i++)
		if (topology_kind(&gateway->networks[i]) == kind)
			return &gateway->networks[i];
	return NULL;
}

const char *topology_whole_meets(const struct topology *t, const struct prefix *p)
{
	static const char *const names[] = { "the overlay", "the tunnels' prefix", "the mesh" };
	const struct prefix *const whole[] = { &t->overlay, &t->tunnels, &t->mesh };

	for (int i = 0; i < 3; i++)
		if (whole[i] != p && prefix_meets(whole[i], p))
			return names[i];
	return NULL;
}

bool topology_host_meets(const struct topology_host *h, const struct prefix *p)
{
	bool meets = prefix_meets(&h->prefix, p);

	for (size_t i = 0; i < h->n_networks; i++)
		meets |= prefix_meets(&h->networks[i], p);
	return meets;
}

static const char *ipv6_wrong(const struct prefix *p)
{
	if (p->family != FAMILY_IPV6)
		return "is an IPv4 prefix: write an IPv6 prefix, such as \"fd12:3456:789a::/48\"";
	if (prefix_within(p, &ula) || prefix_within(p, &global))
		return NULL;
	return relay_overlay_wrong(p) ?: "is neither a ULA (in fc00::/7) nor global (in 2000::/3): "
					 "write one of these";
}

static bool take_prefix(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
			struct prefix *ret)
{
	const char *text = yaml_text(y, key, value), *why = text ? prefix_wrong(text) : NULL;

	if (text && !why && !strchr(text, '/'))
		why = "has no length after '/': write a prefix such as 10.0.0.0/24 or fd00::/64";
	if (why)
		yaml_error(y, value, "%s: '%s' %s", key->name, text, why);
	return text && !why && !prefix_parse(text, ret);
}

/* Reads an IPv6 prefix. key->size is not a size here, but the largest allowed prefix length. */
void topology_set_prefix(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
			 void *object)
{
	unsigned int shortest = strcmp(key->name, "overlay") ? PREFIX_SHORTEST : OVERLAY_SHORTEST;
	char text[ADDRESS_STRLEN];
	struct prefix p;
	const char *why;

	if (!take_prefix(y, key, value, &p))
		return;
	why = ipv6_wrong(&p);
	if (why)
		yaml_error(y, value, "%s: '%s' %s", key->name, prefix_format(&p, text), why);
	else if (p.len < shortest || p.len > key->size)
		yaml_error(y, value, "%s: '%s' is too %s: write /%u to /%zu, such as %s", key->name,
			   prefix_format(&p, text), p.len < shortest ? "large" : "small", shortest,
			   key->size, key->like);
	else
		*(struct prefix *)place_of(key, object) = p;
}

static const char *ipv4_wrong(const struct prefix *p)
{
	__u8 first = p->addr.b[12];

	if (p->len < 8)
		return "is too large: write /8 or longer";
	return !first || first == 127 || first >= 224 ?
	       "has no addresses that hosts can use: write a network, such as "
	       "10.200.200.0/24" : NULL;
}

/* Reads the prefix of an IPv4 LAN. */
void topology_set_network(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
			  void *object)
{
	char text[ADDRESS_STRLEN];
	struct prefix p;
	const char *why;

	if (!take_prefix(y, key, value, &p))
		return;
	why = p.family != FAMILY_IPV4 ? "is an IPv6 prefix: write an IPv4 prefix" :
	      p.len > 30 ? "is too small: write /30 or shorter" : ipv4_wrong(&p);
	if (why)
		yaml_error(y, value, "%s: '%s' %s", key->name, prefix_format(&p, text), why);
	else
		*(struct prefix *)place_of(key, object) = p;
}

/* Adds a prefix with addresses for hosts to a list of networks, which must not overlap. */
void topology_add_network(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
			  void *object)
{
	struct prefix **list = place_of(key, object), p;
	size_t *n = (size_t *)((char *)object + key->count);
	char text[ADDRESS_STRLEN];
	const char *why;

	if (!take_prefix(y, key, value, &p))
		return;
	why = p.family == FAMILY_IPV4 ? ipv4_wrong(&p) : ipv6_wrong(&p);
	for (size_t i = 0; !why && i < *n; i++)
		if (prefix_meets(&(*list)[i], &p))
			why = "overlaps with another prefix of the list: remove one of the two";
	if (why)
		yaml_error(y, value, "%s: '%s' %s", key->name, prefix_format(&p, text), why);
	else
		*append(*list, *n) = p;
}

/* ---- numbers ---- */

/* Reads up to four hexadecimal digits. Returns false after printing an error. */
static bool parse_hex(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		      unsigned int least, unsigned int *ret)
{
	const char *text = yaml_text(y, key, value);
	unsigned int n = text ? strtoul(text, NULL, 16) : 0;

	if (!text)
		return false;
	if (strspn(text, "0123456789abcdefABCDEF") == strlen(text) && n >= least &&
	    strlen(text) <= 4) {
		*ret = n;
		return true;
	}
	yaml_error(y, value, "%s: '%s' is not a hexadecimal number from %x to ffff: write one such "
		   "as %s", key->name, text, least, key->like);
	return false;
}

void topology_set_link(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		       void *object)
{
	static const unsigned int mtus[] = { 1500, 1492, 1460 };
	struct yaml_key one = *key;
	int link = -1;

	one.offset = 0;
	yaml_set_choice(y, &one, value, &link);
	if (link >= 0)
		*(unsigned int *)place_of(key, object) = mtus[link];
}

void topology_set_subnet(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
			 void *object)
{
	struct topology_site *s = object;
	unsigned int n = 0;

	s->subnet_given = parse_hex(y, key, value, 0, &n);
	s->subnet = n;
}

void topology_set_token(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
			void *object)
{
	struct topology_host *h = object;
	unsigned int n = 0;

	h->token_given = parse_hex(y, key, value, 1, &n);
	h->token = n;
}
