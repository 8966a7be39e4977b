/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp gen nft: prints a configuration as an nftables ruleset with the same meaning, whether an
 * instance runs or not. It prints the whole ruleset or nothing: with `| nft -f -` a service whose
 * name does not resolve at the moment must not lose its rules.
 */
#include <errno.h>
#include <string.h>
#include "lib/memory.h"
#include "plan/resolved_backends.h"
#include "gen/gen.h"
#include "lib/log.h"
#include "lib/paths.h"
#include "gen/nft_service.h"
#include "instance/resolver.h"
#include "lib/text.h"

typedef void put_service(FILE *out, const struct nft_config *n, const struct service_config *s);

/* ---- input besides the configuration ---- */

static int resolve(const struct config *c, const char *instance, struct resolved_backends *a)
{
	struct host h = { 0 };
	int rc;

	resolved_backends_read(instance, a);
	resolved_backends_match(a, c);
	rc = host_read(&h);
	if (!rc) {
		resolver_once(a, false, RESOLVE_MS);
		resolved_backends_follow_prefixes(a, &h);
	}
	return rc;
}

static int missing(const struct resolved_backends *a, const struct service_config *s,
		   const char *text, __u8 family)
{
	struct address address;

	if (!*text || resolved_backends_address(a, text, family, &address))
		return 0;
	log_error("service %s: backend %s has no %s address now, and none is stored from before: "
		  "correct its name, or try again", s->name, text,
		  family == FAMILY_IPV4 ? "IPv4" : "IPv6");
	return -ENOENT;
}

static int all_there(const struct config *c, const struct resolved_backends *a)
{
	int rc = 0;

	for (size_t i = 0; i < c->n_services; i++)
		for (size_t j = 0; j < backends_of(&c->services[i]); j++) {
			const struct backend_config *b = backend_at(&c->services[i], j);

			rc = missing(a, &c->services[i], b->ipv4, FAMILY_IPV4) ?: rc;
			rc = missing(a, &c->services[i], b->ipv6, FAMILY_IPV6) ?: rc;
		}
	return rc;
}

static int collect(struct nft_config *n, struct nft_devices *tunnels)
{
	const struct config *c = n->config;
	enum link_role role;
	const char *name;
	size_t at = 0;

	while ((name = config_interface(c, &at, &role))) {
		if (strpbrk(name, "\"\\")) {
			log_error("interface %s: nftables cannot use a name with \" or \\: rename "
				  "the interface", name);
			return -EINVAL;
		}
		if (role == ROLE_WAN || role == ROLE_LAN)
			nft_devices_add(role == ROLE_WAN ? &n->wans : &n->lans, name);
	}
	for (size_t i = 0; i < c->follow.n_wireguard; i++)
		nft_devices_add(tunnels, c->follow.wireguard[i].name);
	for (size_t i = 0; i < c->n_peers; i++)
		nft_devices_add(tunnels, c->peers[i].device);
	return 0;
}

/* ---- the table ---- */

static void each_service(FILE *out, const struct nft_config *n, put_service *put)
{
	for (size_t i = 0; i < n->config->n_services; i++)
		put(out, n, &n->config->services[i]);
}

/* Prints a chain with the rules of all services. Omits the chain if no service has a rule in it. */
static void put_chain(FILE *out, const struct nft_config *n, const char *name, const char *type,
		      const char *priority, put_service *put)
{
	char *text;
	size_t size;
	FILE *rules = text_open(&text, &size);

	each_service(rules, n, put);
	fclose(rules);
	if (size) {
		putc('\n', out);
		nft_chain(out, name, type, put == nft_service_postrouting ? "postrouting" :
			  "prerouting", priority, "accept");
		fputs(text, out);
		nft_chain_end(out);
	}
}

static void put_forward(FILE *out, const struct nft_config *n, const struct nft_devices *tunnels)
{
	bool relays = config_relays(n->config);

	if (!relays && !n->config->n_services)
		return;
	putc('\n', out);
	if (!relays)
		fputs("	# This chain only accepts and counts. If another chain drops forwarded "
		      "packets, add these rules there too.\n", out);
	nft_chain(out, "forward", "filter", "forward", "filter", relays ? "drop" : "accept");
	if (relays)
		nft_put_states(out);
	each_service(out, n, nft_service_forward);
	if (relays)
		nft_relay_forward(out, tunnels, &n->config->policy);
	nft_chain_end(out);
}

static void put_table(FILE *out, const struct nft_config *n, const struct nft_devices *tunnels,
		      const char *table)
{
	nft_begin(out, table);
	if (*n->config->blind.interface)
		nft_cannot(out, NULL, "blind: forward between the sites of a blind relay, because "
				      "a rule cannot see which site a message is for");
	if (n->config->n_rates)
		nft_cannot(out, NULL, "rates: the rules limit no service, client or peer");
	each_service(out, n, nft_service_notes);
	each_service(out, n, nft_service_sets);
	put_chain(out, n, "clients", "filter", "dstnat - 10", nft_service_clients);
	put_chain(out, n, "prerouting", "nat", "dstnat", nft_service_prerouting);
	put_forward(out, n, tunnels);
	put_chain(out, n, "postrouting", "nat", "srcnat", nft_service_postrouting);
	nft_end(out);
}

/* Prints the whole ruleset, once it is complete. */
static void put_all(const struct nft_config *n, const struct nft_devices *tunnels,
		    const char *instance, const char *file)
{
	bool other = strcmp(instance, INSTANCE_DEFAULT);
	char table[sizeof("wgxdp_") + INSTANCE_LEN], *text;
	size_t size;
	FILE *out = text_open(&text, &size);

	snprintf(table, sizeof(table), other ? "wgxdp_%s" : "wgxdp", instance);
	fprintf(out, "#!/usr/sbin/nft -f\n"
		     "# %s as nftables rules, made by `wgxdp gen nft`. Loading this file again "
		     "replaces only its own table.\n"
		     "# While wgxdp runs, the packets that it forwards do not meet these rules. "
		     "Without it, the kernel forwards by these rules if the\n"
		     "# sysctls net.ipv4.ip_forward and net.ipv6.conf.all.forwarding are 1.\n",
		strcmp(file, "-") ? file : "A configuration");
	put_table(out, n, tunnels, table);
	fclose(out);
	fwrite(text, 1, size, stdout);
}

int gen_config_nft(const char *instance, const char *file)
{
	struct nft_devices tunnels = { 0 };
	struct resolved_backends answers = { 0 };
	struct config *c = NULL;
	struct nft_config n = { .answers = &answers };

	if (config_read(file, &c))
		return EXIT_USAGE;
	n.config = c;
	if (collect(&n, &tunnels))
		return EXIT_USAGE;
	if (resolve(c, instance, &answers) || all_there(c, &answers))
		return EXIT_FAILED;
	put_all(&n, &tunnels, instance, file);
	if (!fflush(stdout))
		return EXIT_DONE;
	log_error("cannot write the ruleset to standard output: %s", strerror(errno));
	return EXIT_FAILED;
}
