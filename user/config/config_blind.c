/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads, checks and writes the section blind of the configuration.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include "lib/grow.h"
#include "config/config_parts.h"

/* ---- values ---- */

static bool read_site_name(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
			   char name[NAME_LEN])
{
	const char *text = yaml_text(y, key, value);

	if (!text)
		return false;
	if (!is_peer_name(text) || strlen(text) >= NAME_LEN) {
		yaml_error(y, value, "%s: '%s' cannot be a name: write up to %d letters, digits, '-', '_', '.', '+' and '/', such as site-a",
			   key->name, text, NAME_LEN - 1);
		return false;
	}
	strcpy(name, text);
	return true;
}

static void add_site(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		     void *object)
{
	struct blind_config *b = object;

	read_site_name(y, key, value, append(b->sites, b->n_sites)->name);
}

static void add_pair(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		     void *object)
{
	struct blind_config *b = object;
	struct site_pair *place;

	if (!value || value->type != YAML_LIST) {
		yaml_error(y, value, "%s: the value must be a list of pairs: write [ [ site-a, site-b ] ]", key->name);
		return;
	}
	if (value->n != 2) {
		yaml_error(y, value, "%s: a pair needs exactly two sites: write %s",
				     key->name, key->like);
		return;
	}
	place = append(b->pairs, b->n_pairs);
	if (read_site_name(y, key, value->first, place->name[0]) &&
	    read_site_name(y, key, value->first->next, place->name[1]) &&
	    !strcmp(place->name[0], place->name[1]))
		yaml_error(y, value, "%s: a pair has '%s' twice: write two different sites",
			   key->name, place->name[0]);
}

static bool read_address(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
			 struct address *ret)
{
	const char *text = yaml_text(y, key, value);

	if (text && address_parse(text, ret))
		yaml_error(y, value, "%s: '%s' %s", key->name, text,
			   address_wrong(text, 0, NO_NAMES));
	return text && ret->family;
}

static void set_end(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		    void *object)
{
	read_address(y, key, value, (struct address *)((char *)object + key->offset));
}

static void add_shared(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		       void *object)
{
	struct blind_config *b = object;
	struct address a = { 0 }, *place;

	if (!read_address(y, key, value, &a))
		return;
	place = &b->pair.shared[a.family == FAMILY_IPV6];
	if (place->family)
		yaml_error(y, value, "%s: there is already an %s address: write at most one of each IP version",
			   key->name, a.family == FAMILY_IPV6 ? "IPv6" : "IPv4");
	*place = a;
}

static const char *const all_words[] = { "all", NULL };

static void set_all_or_list(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
			    void *object)
{
	struct yaml_key word = *key;
	int ignored;

	word.choices = key->words;
	word.offset = 0;
	if (value && value->type == YAML_LIST && !value->first)
		yaml_error(y, value, "%s: this list is empty: write all, or at least one entry", key->name);
	else if (value && value->type == YAML_LIST)
		yaml_set_list(y, key, value, object);
	else
		yaml_set_choice(y, &word, value, &ignored);
}

/* ---- the grammar ---- */

#define AT(f) .offset = offsetof(struct blind_config, f), \
	.size = sizeof(((struct blind_config *)NULL)->f)

static const struct yaml_key listen_keys[] = {
	{ "interface", yaml_set_text, "eth0", AT(interface), .required = true,
	  .pattern = PATTERN_INTERFACE },
	{ "port", config_set_port, "51820", AT(port), .required = true, IS_PORT },
	{},
};

static const struct yaml_key pair_keys[] = {
	{ "address", yaml_set_list, "198.51.100.1", .item = add_shared, .alone = true,
	  .pattern = PATTERN_ADDRESS, .required = true },
	{ "local", set_end, "\"fd00:9::1\"", AT(pair.local), .pattern = PATTERN_ADDRESS,
	  .required = true },
	{ "peer", set_end, "\"fd00:9::2\"", AT(pair.peer), .pattern = PATTERN_ADDRESS,
	  .required = true },
	{ "port", config_set_port, "51822", AT(pair.port), IS_PORT },
	{},
};

const struct yaml_key config_blind_keys[] = {
	{ "listen", yaml_set_map, "{ interface: eth0, port: 51820 }", .below = listen_keys,
	  .required = true },
	{ "device", yaml_set_text, "wgvpnr01", AT(device), .required = true,
	  .pattern = PATTERN_INTERFACE },
	{ "sites", set_all_or_list, "all", .item = add_site, .words = all_words,
	  .pattern = PATTERN_PEER },
	{ "pairs", set_all_or_list, "[ site-a, site-b ]", .item = add_pair, .words = all_words,
	  .pattern = PATTERN_PEER },
	{ "mtu", yaml_set_number, "1420", AT(mtu), .least = 1280, .most = 65535 },
	{ "pair", yaml_set_map, "{ address: 198.51.100.1, local: \"fd00:9::1\", peer: \"fd00:9::2\" }",
	 .below = pair_keys },
	{},
};

/* ---- what is wrong ---- */

void config_check_blind_values(struct check *k)
{
	at(k, 0, "/blind/listen/interface");
	config_check_device(k, "interface", k->c->blind.interface, "eth0");
	at(k, 0, "/blind/device");
	config_check_device(k, "device", k->c->blind.device, "wgvpnr01");
}

/* Reports an end of the stream that has the shared address. */
static void check_not_shared(struct check *k, const char *name, const struct address *a)
{
	char text[ADDRESS_STRLEN];

	at(k, 0, "/blind/pair/%s", name);
	for (int i = 0; i < 2; i++)
		if (address_equal(a, &k->c->blind.pair.shared[i]))
			tell(k, "%s: '%s' is the shared address: write the address that only this relay has in the tunnel between the two",
			     name, address_format(a, text));
}

static void check_pair(struct check *k)
{
	const struct pair_config *p = &k->c->blind.pair;
	char text[ADDRESS_STRLEN];

	if (!p->local.family || !p->peer.family)
		return;
	at(k, 0, "/blind/pair/address");
	if (!p->shared[0].family && !p->shared[1].family)
		tell(k, "address: the list is empty: write the address to which the sites send, such as 198.51.100.1");
	for (int i = 0; i < 2; i++) {
		at(k, 0, "/blind/pair/address");
		if (p->shared[i].family)
			config_check_host(k, "address", address_format(&p->shared[i], text), 0,
					  false);
	}
	at(k, 0, "/blind/pair/local");
	config_check_host(k, "local", address_format(&p->local, text), 0, false);
	at(k, 0, "/blind/pair/peer");
	config_check_host(k, "peer", address_format(&p->peer, text), 0, false);
	if (p->local.family != p->peer.family)
		tell(k, "peer: local and peer have different IP versions: write two IPv4 or two IPv6 addresses");
	else if (address_equal(&p->local, &p->peer))
		tell(k, "peer: '%s' is also local: write the other relay's address in the tunnel",
		     address_format(&p->peer, text));
	check_not_shared(k, "local", &p->local);
	check_not_shared(k, "peer", &p->peer);
}

static int by_name(const void *a, const void *b)
{
	const struct site_name *x = *(const struct site_name *const *)a;
	const struct site_name *y = *(const struct site_name *const *)b;

	return strcmp(x->name, y->name) ?: (x > y) - (x < y);
}

static int is_named(const void *name, const void *site)
{
	return strcmp(name, (*(const struct site_name *const *)site)->name);
}

/* Reports sites that are listed twice, and sites of `pairs` that are not listed. */
static void check_names(struct check *k)
{
	const struct blind_config *b = &k->c->blind;
	const struct site_name **list = xcalloc(b->n_sites + 1, sizeof(*list));

	for (size_t i = 0; i < b->n_sites; i++)
		list[i] = &b->sites[i];
	qsort(list, b->n_sites, sizeof(*list), by_name);
	for (size_t i = 1; i < b->n_sites; i++)
		if (!strcmp(list[i]->name, list[i - 1]->name) && *list[i]->name) {
			at(k, 0, "/blind/sites/%zu", list[i] - b->sites);
			tell(k, "sites: '%s' is listed twice: remove one of the two", list[i]->name);
		}
	for (size_t i = 0; b->n_sites && i < b->n_pairs; i++)
		for (int j = 0; j < 2; j++) {
			const char *name = b->pairs[i].name[j];

			at(k, 0, "/blind/pairs/%zu", i);
			if (!bsearch(name, list, b->n_sites, sizeof(*list), is_named))
				tell(k, "pairs: '%s' is not in the list 'sites': add it there", name);
		}
	free(list);
}

static void check_services(struct check *k)
{
	const struct blind_config *b = &k->c->blind;

	for (size_t i = 0; i < k->c->n_services; i++) {
		const struct service_config *s = &k->c->services[i];

		for (size_t j = 0; j < s->n_ports; j++)
			if (s->ports[j] == b->port && !strcmp(s->listen_interface, b->interface)) {
				at(k, s->ports[j], "/services/%zu/listen/ports", i);
				tell(k, "ports: the blind relay already listens on port %u of %s: choose another port or interface",
					ntohs(b->port), b->interface);
			}
		if (!strcmp(s->name, BLIND_NAME)) {
			at(k, 0, "/services/%zu/name", i);
			tell(k, "name: 'blind' is the name of the blind relay's own counters: choose another name");
		}
	}
}

void config_check_blind(struct check *k)
{
	const struct blind_config *b = &k->c->blind;

	if (!*b->device)
		return;
	at(k, 0, "/blind/device");
	if (!strcmp(b->device, b->interface))
		tell(k, "device: '%s' is the interface on which WireGuard's packets arrive: name this host's WireGuard interface, such as wgvpnr01",
		     b->device);
	check_names(k);
	check_services(k);
	check_pair(k);
}

/* ---- writing ---- */

static void put_pair(FILE *out, const struct pair_config *p)
{
	char text[ADDRESS_STRLEN];
	bool any = false;

	if (!p->local.family)
		return;
	fputs("  pair:\n    address: [", out);
	for (int i = 0; i < 2; i++)
		if (p->shared[i].family) {
			fprintf(out, "%s \"%s\"", any ? "," : "",
				address_format(&p->shared[i], text));
			any = true;
		}
	fputs(" ]\n", out);
	fprintf(out, "    local: \"%s\"\n", address_format(&p->local, text));
	fprintf(out, "    peer: \"%s\"\n", address_format(&p->peer, text));
	if (p->port)
		fprintf(out, "    port: %u\n", ntohs(p->port));
}

void config_put_blind(FILE *out, const struct config *c)
{
	const struct blind_config *b = &c->blind;

	if (!*b->device)
		return;
	fputs("blind:\n  listen: { interface: ", out);
	config_put_text(out, b->interface);
	fprintf(out, ", port: %u }\n  device: ", ntohs(b->port));
	config_put_text(out, b->device);
	fputs(b->n_sites ? "\n  sites: [" : "\n  sites: all", out);
	for (size_t i = 0; i < b->n_sites; i++) {
		fputs(i ? ", " : " ", out);
		config_put_text(out, b->sites[i].name);
	}
	fputs(b->n_sites ? " ]\n" : "\n", out);
	fputs(b->n_pairs ? "  pairs: [" : "  pairs: all", out);
	for (size_t i = 0; i < b->n_pairs; i++) {
		fputs(i ? ", [ " : " [ ", out);
		config_put_text(out, b->pairs[i].name[0]);
		fputs(", ", out);
		config_put_text(out, b->pairs[i].name[1]);
		fputs(" ]", out);
	}
	fputs(b->n_pairs ? " ]\n" : "\n", out);
	if (b->mtu)
		fprintf(out, "  mtu: %u\n", b->mtu);
	put_pair(out, &b->pair);
}
