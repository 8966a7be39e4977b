/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * HOST/README.md: what to install, where each file goes, what to start and how to check it. It
 * names only files that the host has.
 */
#include <fnmatch.h>
#include <string.h>
#include "gen/gen_files.h"
#include "gen/gen_readme.h"
#include "gen/gen_host.h"

static const struct part {
	const char *path; /* on the host: a shell pattern, or a directory if it ends in / */
	const char *package;		/* NULL: needs none */
	const char *what;
	const char *start;		/* a shell command; NULL: nothing to do */
} parts[] = {
	{ "etc/sysctl.d/", NULL, "forwarding", "sysctl --system" },
	{ "etc/systemd/network/", NULL, "systemd-networkd: addresses",
	  "systemctl enable --now systemd-networkd && networkctl reload" },
	{ "etc/systemd/system/", NULL, "systemd: the order of units", "systemctl daemon-reload" },
	{ "etc/nftables.conf", "nftables", "nftables: what is let in, and through",
	  "systemctl enable nftables && systemctl reload-or-restart nftables" },
	{ "etc/wireguard/" WG_ROUTING ".conf", "wireguard-tools",
	  "WireGuard: the tunnel between sites and relays", NULL },
	{ "etc/wireguard/" TOPOLOGY_BETWEEN "*.conf", "wireguard-tools",
	  "WireGuard: the tunnel to another relay", NULL },
	{ "etc/wireguard/" WG_MESH ".conf", "wireguard-tools",
	  "WireGuard: the tunnels from server to server", NULL },
	{ "etc/wireguard/" WG_CLIENTS ".conf", "wireguard-tools",
	  "WireGuard: the tunnel between gateway and clients", NULL },
	{ "etc/wireguard/*-privatekey", NULL, "its private key; nobody else may read it", NULL },
	{ "etc/wireguard/*-publickey", NULL, "its public key, as others have it", NULL },
	{ "etc/keepalived/", "keepalived", "keepalived: which edge router of the site is "
	  "the active one", "systemctl enable keepalived && systemctl restart keepalived" },
	{ "etc/radvd.conf", "radvd", "radvd: what the LAN is told of prefixes and routes",
	  "systemctl enable radvd && systemctl restart radvd" },
	{ "etc/wgxdp/", NULL, "wgxdp's configuration",
	  "systemctl enable wgxdp wgxdp-daemon && systemctl restart wgxdp wgxdp-daemon" },
	{ "etc/bird/bird.conf", "bird2", "BIRD: which site is at which relay",
	  "systemctl enable bird && systemctl reload-or-restart bird" },
};
#define N_PARTS (sizeof(parts) / sizeof(*parts))

static bool belongs(const struct part *part, const char *path)
{
	size_t n = strlen(part->path);

	return part->path[n - 1] == '/' ? !strncmp(path, part->path, n) :
	       !fnmatch(part->path, path, 0);
}

/* The next file of a part, below the host's root, starting with *at = 0; NULL: no more */
static const char *next_file(const struct gen *g, const struct topology_host *h,
			     const struct part *part, size_t *at)
{
	char root[TOPOLOGY_NAME + 2];
	const char *path;

	snprintf(root, sizeof(root), "%s/", h->name);
	while ((path = gen_files_next(g->files, root, at)))
		if (belongs(part, path + strlen(root)))
			return path + strlen(root);
	return NULL;
}

static bool has_file(const struct gen *g, const struct topology_host *h, const struct part *part)
{
	size_t at = 0;

	return next_file(g, h, part, &at);
}

bool gen_readme_has(const struct gen *g, const struct topology_host *h, const char *path)
{
	return has_file(g, h, &(struct part){ .path = path });
}

/* ---- 1. what to install ---- */

static void install(FILE *out, const struct gen *g, const struct topology_host *h)
{
	const char *said = "", *before = "    apt install";

	fputs(h->role == ROLE_CLIENT ? "\n## 1. Install\n\nOn Linux (for others, phones too, see "
	      "*app* below):\n\n" : "\n## 1. Install\n\n", out);
	for (size_t i = 0; i < N_PARTS; i++) {
		const struct part *p = &parts[i];

		if (!p->package || !has_file(g, h, p) || !strcmp(p->package, said))
			continue;
		fprintf(out, "%s %s", before, p->package);
		said = p->package;
		before = "";
	}
	if (gen_readme_has(g, h, "etc/wireguard/" WG_CLIENTS ".conf") && gen_readme_dns(g, h)) {
		fprintf(out, "%s openresolv", before);
		before = "";
	}
	if (h->role == ROLE_SERVER)
		fprintf(out, "%s ndisc6", before);
	fputs(*before && h->role != ROLE_SERVER ? "Nothing but what a system has.\n" : "\n", out);
	if (gen_readme_has(g, h, "etc/wgxdp/"))
		fputs("\nand wgxdp itself: its docs/guide-firewall.md says how.\n", out);
}

/* ---- 2. where each file goes ---- */

static void files(FILE *out, const struct gen *g, const struct topology_host *h)
{
	fputs("\n## 2. Where each file goes\n\n"
	      "Files have the paths here that they have on the host:\n\n"
	      "| file | what it is |\n| --- | --- |\n", out);
	for (size_t i = 0; i < N_PARTS; i++) {
		const char *path;
		size_t at = 0;

		while ((path = next_file(g, h, &parts[i], &at)))
			fprintf(out, "| /%s | %s |\n", path, parts[i].what);
	}
	fprintf(out,
		"\nAll at once, from this directory, with owners and modes as they have to be:\n\n"
		"    tar -c etc | ssh root@%s tar -x -C / --no-same-owner --no-overwrite-dir\n",
		h->name);
}

static void start_wireguard(FILE *out, const struct topology *t, const struct topology_host *h,
			    const char *device)
{
	static const char line[] =
		"    systemctl enable wg-quick@%s && systemctl restart wg-quick@%s\n";
	char between[GEN_BETWEEN];

	fprintf(out, line, device, device);
	for_each_other_relay(other, t, h)
		fprintf(out, line, gen_between(other, between), between);
}

/* WireGuard's unit has no file here; on an edge router keepalived starts the tunnel */
static void start(FILE *out, const struct gen *g, const struct topology_host *h)
{
	const char *device = h->role == ROLE_SERVER ? WG_MESH : h->role == ROLE_RELAY ? WG_ROUTING :
		WG_CLIENTS;
	bool by_unit = h->role != ROLE_EDGE && gen_readme_has(g, h, "etc/wireguard/");

	if ((h->role == ROLE_RELAY || h->role == ROLE_EDGE) && !g->t->n_tcp_ports)
		fputs("\n**Its nftables.conf lets in no new TCP connection, SSH's neither**; those "
		      "that there are go on. `tcp-ports: [ 22 ]` in the topology\n"
		      "lets SSH in.\n", out);
	fputs("\nThen there, in this order:\n\n", out);
	for (size_t i = 0; i < N_PARTS; i++) {
		/* after nftables, before what needs the tunnel */
		if (by_unit && !strcmp(parts[i].path, "etc/keepalived/"))
			start_wireguard(out, g->t, h, device);
		/* one line for a directory, however many files it has */
		if (parts[i].start && has_file(g, h, &parts[i]))
			fprintf(out, "    %s\n", parts[i].start);
	}
	if (h->role == ROLE_EDGE)
		fputs("\nwg-quick@" WG_ROUTING " is not enabled: keepalived sees to that tunnel, "
		      "which has its peer on the active edge router of the site\n"
		      "alone. The site's edge routers share a key, so their clocks have to be "
		      "right (NTP): of one whose clock is behind the relay believes\n"
		      "no handshake until then.\n", out);
	if (h->shares)
		fputs("\nThe other relays have the same private key in " WG_ROUTING
		      "-privatekey, and the same address in the tunnel. Where a site is just now\n"
		      "wgxdp tells BIRD by a table of the kernel's, and BIRD the other "
		      "relays by BGP.\n", out);
	fputs("\nAfter a change of the topology: the same again, for the files that `wgxdp gen "
	      "hosts` said it changed.\n", out);
	if (by_unit && h->role != ROLE_CLIENT && !h->openwrt)
		fprintf(out, "Where these are peers of %s.conf alone, `systemctl reload "
			"wg-quick@%s` in place of restart interrupts none of the others.\n", device,
			device);
}

void gen_readme(const struct gen *g, const struct topology_host *h)
{
	FILE *out = gen_file(g->files, 0644, "%s/README.md", h->name);

	gen_readme_head(out, g->t, h);
	if (h->role == ROLE_ROAMING && h->openwrt) {
		gen_readme_openwrt(out, g, h);
	} else {
		install(out, g, h);
		gen_readme_key(out, g, h);
		files(out, g, h);
		start(out, g, h);
		gen_readme_app(out, g, h);
	}
	gen_readme_verify(out, g, h);
}
