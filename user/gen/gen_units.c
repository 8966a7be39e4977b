/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * etc/systemd/system/UNIT.d/wgxdp.conf: ordering that the units lack, and the end of a tunnel whose
 * keepalived died.
 */
#include "gen/gen_host.h"

static FILE *drop_in(const struct gen *g, const struct topology_host *h, const char *unit)
{
	return gen_host_file(g, h, 0644, "#", "etc/systemd/system/%s.service.d/wgxdp.conf", unit);
}

static void edge(const struct gen *g, const struct topology_host *h)
{
	fprintf(drop_in(g, h, "keepalived"), "# However it ended, the tunnel and the address must "
		"not stay: another edge router takes them.\n"
		"[Unit]\n"
		"After=nftables.service systemd-networkd.service\n"
		"\n"
		"[Service]\n"
		"Restart=on-failure\n"
		"RestartSec=5\n"
		"ExecStopPost=/etc/keepalived/" WG_ROUTING " INSTANCE %s STOP 0\n",
		g->t->sites[h->site].name);
	fputs("# It announces from the address that keepalived gives; while there is "
	      "none it waits.\n"
	      "[Unit]\n"
	      "After=keepalived.service\n"
	      "\n"
	      "[Service]\n"
	      "Restart=on-failure\n"
	      "RestartSec=5\n", drop_in(g, h, "radvd"));
	fputs("# keepalived sees to this tunnel, by wg-quick: it leads to the relay on the active "
	      "edge router alone.\n"
	      "[Unit]\n"
	      "ConditionPathExists=!/etc/keepalived/" WG_ROUTING "\n",
	      drop_in(g, h, "wg-quick@" WG_ROUTING));
}

/* The unit's own reload finds no private key in the file, and wg(8) would remove the present one */
static void reload_wireguard(const struct gen *g, const struct topology_host *h, const char *device)
{
	char unit[32];

	snprintf(unit, sizeof(unit), "wg-quick@%s", device);
	fputs("# systemctl reload: peers come and go, and the others notice nothing. The private "
	      "key is not in the file.\n"
	      "[Service]\n"
	      "ExecReload=\n"
	      "ExecReload=/bin/bash -c 'exec wg syncconf %i "
	      "<(echo \"[Interface]\"; echo \"PrivateKey = $$(cat /etc/wireguard/%i-privatekey)\"; "
	      "exec wg-quick strip %i)'\n", drop_in(g, h, unit));
}

/* The tunnels' units, after WORD= */
static void put_tunnels(FILE *out, const struct gen *g, const struct topology_host *h,
			const char *device, const char *word)
{
	char between[GEN_BETWEEN];

	fprintf(out, "%s=wg-quick@%s.service", word, device);
	for_each_other_relay(other, g->t, h)
		fprintf(out, " wg-quick@%s.service", gen_between(other, between));
	putc('\n', out);
}

static void after_wireguard(const struct gen *g, const struct topology_host *h, const char *device)
{
	static const char *const units[] = { "wgxdp", "wgxdp-daemon" };

	for (size_t i = 0; i < 2; i++) {
		FILE *out = drop_in(g, h, units[i]);

		fputs("# so that its peers are known from the beginning\n[Unit]\n", out);
		put_tunnels(out, g, h, device, "Wants");
		put_tunnels(out, g, h, device, "After");
	}
}

static void roaming(const struct gen *g, const struct topology_host *h)
{
	reload_wireguard(g, h, WG_CLIENTS);
	if (gen_announces(h))
		fputs("# it announces a prefix to which the tunnel leads\n"
		      "[Unit]\n"
		      "After=wg-quick@" WG_CLIENTS ".service\n", drop_in(g, h, "radvd"));
}

void gen_units(const struct gen *g, const struct topology_host *h)
{
	char device[GEN_BETWEEN];

	if (h->role == ROLE_EDGE) {
		edge(g, h);
	} else if (h->role == ROLE_RELAY) {
		reload_wireguard(g, h, WG_ROUTING);
		for_each_other_relay(other, g->t, h)
			reload_wireguard(g, h, gen_between(other, device));
		after_wireguard(g, h, WG_ROUTING);
	} else if (h->role == ROLE_SERVER && h->mesh.family) {
		reload_wireguard(g, h, WG_MESH);
	} else if (h->role == ROLE_GATEWAY) {
		reload_wireguard(g, h, WG_CLIENTS);
		if (gen_roaming_of(g->t, h))
			after_wireguard(g, h, WG_CLIENTS);
	} else if (h->role == ROLE_ROAMING && !h->openwrt) {
		roaming(g, h);
	}
}
