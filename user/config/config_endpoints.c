/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads, checks and writes the section endpoints of the configuration.
 */
#include <arpa/inet.h>
#include <string.h>
#include "config/config_blind.h"
#include "config/config_endpoints.h"
#include "config/config_flows.h"
#include "config/config_guard.h"
#include "config/config_pattern.h"
#include "config/config_relay.h"

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
			tell(k, "within: this key works only with by: handshake (the default): "
				"remove within or by");
		at(k, 0, "/endpoints/%zu/peer", i);
		for (other = k->c->endpoints; other < e; other++)
			if (!strcmp(other->interface, e->interface) &&
			    !wg_key_compare(&other->peer, &e->peer))
				tell(k, "peer: an entry above has the same peer of %s: remove one "
					"of the two. The name in host may have several addresses",
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
