/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads, checks and writes the section endpoints of the configuration.
 */
#include <arpa/inet.h>
#include <string.h>
#include "config/config_parts.h"
#include "config/config_sections.h"
#include "lib/grow.h"

static const char *const by_names[] = { "handshake", "echo", NULL };

static void set_host(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		     void *object)
{
	const char *text = yaml_text(y, key, value),
		   *why = text ? address_wrong(text, 0, DNS_NAMES) : NULL;

	if (why)
		yaml_error(y, value, "%s: '%s' %s", key->name, text, why);
	else if (text)
		yaml_set_text(y, key, value, object);
}

#define AT(f) .offset = offsetof(struct peer_endpoint_config, f), \
	.size = sizeof(((struct peer_endpoint_config *)NULL)->f)

const struct yaml_key config_endpoints_keys[] = {
	{ "interface", yaml_set_text, "wg0", AT(interface), .required = true,
	  .pattern = PATTERN_INTERFACE },
	{ "peer", config_set_key, "\"…=\"", AT(peer), .required = true, .pattern = PATTERN_KEY },
	{ "host", set_host, "vpn.example.net", AT(host), .required = true,
	  .pattern = PATTERN_HOST },
	{ "port", config_set_port, "51820", AT(port), .required = true, IS_PORT },
	{ "by", yaml_set_choice, "handshake", AT(by), .choices = by_names },
	/* two handshake attempts take more than a second */
	{ "within", yaml_set_number, "5s", AT(within), .least = 2, .most = SECONDS_MAX,
	  .unit = "s" },
	{ "together", yaml_set_flag, "true", AT(together), .choices = yaml_flag_names },
	{},
};

void config_check_endpoints(struct check *k)
{
	for (size_t i = 0; i < k->c->n_endpoints; i++) {
		const struct peer_endpoint_config *e = &k->c->endpoints[i], *other;

		at(k, 0, "/endpoints/%zu/interface", i);
		config_check_device(k, "interface", e->interface, "wg0");
		at(k, 0, "/endpoints/%zu/within", i);
		if (e->within && e->by == PROOF_ECHO)
			tell(k, "within: this key works only with by: handshake (the default): remove within or by");
		at(k, 0, "/endpoints/%zu/peer", i);
		for (other = k->c->endpoints; other < e; other++)
			if (!strcmp(other->interface, e->interface) &&
			    !wg_key_compare(&other->peer, &e->peer))
				tell(k, "peer: an entry above has the same peer of %s: remove one of the two. The name in host may have several addresses",
				     e->interface);
	}
}

void config_put_endpoint(FILE *out, const struct peer_endpoint_config *e)
{
	char key[WG_KEY_STRLEN];

	fputs("  - interface: ", out);
	config_put_text(out, e->interface);
	fprintf(out, "\n    peer: \"%s\"\n    host: ", wg_key_format(&e->peer, key));
	config_put_text(out, e->host);
	fprintf(out, "\n    port: %u\n", ntohs(e->port));
	if (e->by != PROOF_HANDSHAKE)
		fprintf(out, "    by: %s\n", by_names[e->by]);
	if (e->within)
		fprintf(out, "    within: %us\n", e->within);
	if (e->together)
		fputs("    together: true\n", out);
}

void config_put_endpoints(FILE *out, const struct config *c)
{
	if (c->n_endpoints)
		fputs("endpoints:\n", out);
	for (size_t i = 0; i < c->n_endpoints; i++)
		config_put_endpoint(out, &c->endpoints[i]);
}

/* ---- learn ---- */

static void add_word(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		     void *object)
{
	const char *text = yaml_text(y, key, value);
	struct learn_config *l = object;
	struct ddns_text *place;

	if (!text)
		return;
	place = append(l->command, l->n_command);
	if (strlen(text) >= sizeof(place->text))
		yaml_error(y, value, "%s: the command is longer than %zu bytes, the limit: write a script, and name it here",
			   key->name, sizeof(place->text) - 1);
	else if (l->n_command == 1 && *text != '/')
		yaml_error(y, value, "%s: '%s' is not the whole path of a program: write it, such as %s",
			   key->name, text, key->like);
	else
		strcpy(place->text, text);
}

static void set_user(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		     void *object)
{
	const char *text = yaml_text(y, key, value);

	if (text && *text && !is_service_name(text))
		yaml_error(y, value, "%s: '%s' cannot be the name of a user: write one such as %s",
			   key->name, text, key->like);
	else if (text)
		yaml_set_text(y, key, value, object);
}

#undef AT
#define AT(f) .offset = offsetof(struct learn_config, f), \
	.size = sizeof(((struct learn_config *)NULL)->f)

static const struct yaml_key knock_keys[] = {
	{ "port", config_set_port, "19000", AT(port), IS_PORT },
	{ "command", yaml_set_list, "/usr/local/bin/knocked", .item = add_word },
	{ "user", set_user, "nobody", AT(user), .pattern = PATTERN_SERVICE },
	{},
};

static void set_knock(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		      void *object)
{
	struct learn_config *l = object;

	l->knock = true;
	l->port = htons(KNOCK_PORT);
	yaml_set_map(y, key, value, object);
}

const struct yaml_key config_learn_keys[] = {
	{ "interface", yaml_set_text, "wg1", AT(interface), .required = true,
	  .pattern = PATTERN_INTERFACE },
	{ "peer", config_set_key, "\"…=\"", AT(peer), .pattern = PATTERN_KEY },
	{ "knock", set_knock, "{ port: 19000 }", .below = knock_keys },
	{},
};

/* Returns whether a section other than learn names an interface on which packets for this host can
 * arrive. */
static bool has_nic(const struct config *c)
{
	bool any = c->n_services || *c->blind.device;

	for (size_t i = 0; i < c->n_interfaces; i++)
		any |= c->interfaces[i].role == ROLE_WAN;
	return any;
}

void config_check_learn(struct check *k)
{
	const struct config *c = k->c;

	at(k, 0, "/learn");
	if (c->n_learn > NOTIFY_PORTS)
		tell(k, "learn: the list has %zu interfaces, and the limit is %u: remove some",
		     c->n_learn, NOTIFY_PORTS);
	for (size_t i = 0; i < c->n_learn; i++) {
		const struct learn_config *l = &c->learn[i];

		at(k, 0, "/learn/%zu/interface", i);
		config_check_device(k, "interface", l->interface, "wg1");
		for (size_t j = 0; j < i; j++)
			if (!strcmp(c->learn[j].interface, l->interface))
				tell(k, "interface: '%s' is listed twice: remove one of the two", l->interface);
		at(k, 0, "/learn/%zu/knock/port", i);
		if (ntohs(l->port) > 65536 - KNOCK_PORTS)
			tell(k, "port: %u is too large, because it is the first of %u ports: write %u or less",
			     ntohs(l->port), KNOCK_PORTS, 65536 - KNOCK_PORTS);
		at(k, 0, "/learn/%zu/knock/user", i);
		if (*l->user && !l->n_command)
			tell(k, "user: there is no command that '%s' could run: add command, or remove user", l->user);
		at(k, 0, "/learn/%zu", i);
		if (!i && !has_nic(c))
			tell(k, "learn: no interface is given on which packets arrive: add interfaces: [ { name: eth0, role: wan } ]");
	}
}

static void put_knock(FILE *out, const struct learn_config *l)
{
	fprintf(out, "    knock:\n      port: %u\n", ntohs(l->port));
	if (!l->n_command)
		return;
	fputs("      command: ", out);
	config_put_texts(out, l->command, l->n_command);
	if (*l->user) {
		fputs("\n      user: ", out);
		config_put_text(out, l->user);
	}
	fputs("\n", out);
}

void config_put_learn(FILE *out, const struct config *c)
{
	char key[WG_KEY_STRLEN];

	if (c->n_learn)
		fputs("learn:\n", out);
	for (size_t i = 0; i < c->n_learn; i++) {
		const struct learn_config *l = &c->learn[i];

		fputs("  - interface: ", out);
		config_put_text(out, l->interface);
		fputs("\n", out);
		if (!wg_key_is_none(&l->peer))
			fprintf(out, "    peer: \"%s\"\n", wg_key_format(&l->peer, key));
		if (l->knock)
			put_knock(out, l);
	}
}
