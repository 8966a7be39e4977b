/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Writes the files about all hosts: lines for the DNS zone, targets for Prometheus, and the script
 * that copies the files to the hosts.
 */
#include <arpa/inet.h>
#include "gen/gen_host.h"

/* ---- DIR/zone.DOMAIN: lines for the zone, with relative names, to be pasted or included ---- */

#define TTL 300		/* TTL of the records in seconds, the same as wgxdp ddns writes */

static void put_named(FILE *out, const char *name, const struct address *a)
{
	char text[ADDRESS_STRLEN];

	if (a->family)
		fprintf(out, "%-24s %d IN %-4s %s\n", name, TTL,
			a->family == FAMILY_IPV4 ? "A" : "AAAA", address_format(a, text));
}

static void put_record(FILE *out, const struct topology_host *h, const struct address *a)
{
	put_named(out, h->name, a);
}

/* Writes the records of a server: its name has the address that takes TCP. A routed relay carries
 * TCP only inside the mesh, and NAME-lan then has the address in the overlay. */
static void server_records(FILE *out, const struct topology *t, const struct topology_host *h)
{
	bool inside = h->mesh.family && !t->hosts->blind;
	char lan[TOPOLOGY_NAME + sizeof(TOPOLOGY_LAN)];

	put_record(out, h, inside ? &h->mesh : &h->lan6);
	snprintf(lan, sizeof(lan), "%s" TOPOLOGY_LAN, h->name);
	if (inside)
		put_named(out, lan, &h->lan6);
}

/* Writes the DNS records of a firewall's name: the firewall's own addresses. The AAAA records are
 * those of the gateway instead if its clients with IPv6 reach it without translation. */
static void firewall_records(FILE *out, const struct topology *t, const struct topology_host *h)
{
	const struct topology_host *gateway = &t->hosts[h->gateway];
	const struct address *to = h->backend6.family ? &h->backend6 :
		topology_address(gateway, FAMILY_IPV6);
	bool direct = gen_is_direct(t, h, gateway);

	if (h->ddns)
		fprintf(out, "; %s: that host writes its %s records itself, with `wgxdp ddns`\n",
			h->name, h->forward6 ? "A and AAAA" : "A");
	for (size_t i = 0; i < h->n_addresses && !h->ddns; i++)
		if (h->forward6 || h->addresses[i].family == FAMILY_IPV4)
			put_record(out, h, &h->addresses[i]);
	if (direct && gateway->ddns)
		fprintf(out, "; %s: the host %s writes the AAAA record itself, with `wgxdp ddns`\n",
			     h->name, gateway->name);
	else if (direct && to)
		put_record(out, h, to);
}

/* Writes the DNS records of the name that relays share, with the addresses of all these relays, or
 * with those of a pair. An edge router prefers IPv6, so with both IP versions it would leave the
 * blind relay at which it begins. */
static void shared_records(FILE *out, const struct topology *t)
{
	for (size_t i = 0; i < t->shared.n_addresses; i++)
		put_record(out, &t->shared, &t->shared.addresses[i]);
	if (t->shared.n_addresses)
		return;
	for_each_host(h, t)
		for (size_t i = 0; h->shares && i < h->n_addresses; i++)
			if (!h->blind || h->addresses[i].family == gen_common_family(t))
				put_record(out, &t->shared, &h->addresses[i]);
}

static void gateway_records(FILE *out, const struct topology_host *h)
{
	if (h->ddns)
		fprintf(out, "; %s: that host writes its AAAA record itself, with `wgxdp ddns`\n",
			     h->name);
	for (size_t i = 0; i < h->n_addresses; i++)
		if (!h->ddns || h->addresses[i].family == FAMILY_IPV4)
			put_record(out, h, &h->addresses[i]);
}

void gen_zone(const struct gen *g)
{
	const struct topology *t = g->t;
	FILE *out;

	if (!*t->domain)
		return;
	out = gen_file(g->files, 0644, "zone.%s", t->domain);
	fprintf(out, "; made by `wgxdp gen hosts`: copy these lines into the zone %s, and raise its serial\n", t->domain);
	if (t->mesh.family && !t->hosts->blind)
		fputs("; a server's NAME has its address in the mesh, and NAME" TOPOLOGY_LAN
		      " that of the LAN\n", out);
	shared_records(out, t);
	for_each_host(h, t) {
		if (h->role == ROLE_FIREWALL)
			firewall_records(out, t, h);
		else if (h->role == ROLE_GATEWAY)
			gateway_records(out, h);
		else if (h->role == ROLE_SERVER)
			server_records(out, t, h);
		else if (h->role == ROLE_EDGE)
			put_record(out, h, &h->lan6);
		else
			for (size_t i = 0; i < h->n_addresses; i++)
				put_record(out, h, &h->addresses[i]);
	}
}

/* ---- DIR/prometheus/wgxdp.yaml: Prometheus' targets, for its file_sd_configs ---- */

static void target(FILE *out, const struct topology *t, const struct topology_host *h)
{
	static const char *const roles[] = { [ROLE_RELAY] = "relay", [ROLE_GATEWAY] = "gateway",
					     [ROLE_FIREWALL] = "firewall" };
	struct address at = gen_exporter(t, h);
	char text[ADDRESS_STRLEN];

	if (at.family)
		fprintf(out, "- targets: [ \"%s\" ]\n  labels: { host: \"%s\", role: %s }\n",
			endpoint_format(&at, htons(GEN_EXPORTER_PORT), text), h->name,
			roles[h->role]);
	else
		fprintf(out, "# %s has no address inside the tunnels, so its metrics can be read "
			     "only on that host, at 127.0.0.1:%d\n", h->name, GEN_EXPORTER_PORT);
}

void gen_prometheus(const struct gen *g)
{
	const struct topology *t = g->t;
	bool any = false;
	FILE *out = NULL;

	for_each_host(h, t) {
		if (!t->metrics || !gen_runs_wgxdp(t, h))
			continue;
		if (!out) {
			out = gen_file(g->files, 0644, "prometheus/wgxdp.yaml");
			fputs("# made by `wgxdp gen hosts`: file_sd_configs: [ { files: [ "
			      "/etc/prometheus/wgxdp.yaml ] } ]\n"
			      "# Prometheus runs on a host that reaches these addresses: the host "
			      "itself, or one with a tunnel to it.\n", out);
		}
		target(out, t, h);
		any |= gen_exporter(t, h).family;
	}
	if (out && !any)
		fputs("[]\n", out);
}

/* ---- DIR/rollout ---- */

void gen_rollout(const struct gen *g)
{
	static const char script[] =
#include "rollout.h"
		"";

	fprintf(gen_file(g->files, 0755, "rollout"), "#!/bin/sh\n# made by `wgxdp gen hosts`\n%s",
		script);
}
