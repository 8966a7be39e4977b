/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * etc/systemd/system/UNIT.d/wgxdp.conf: what of the units' order is not theirs already, and what becomes of a tunnel whose keeper died.
 */
#include "gen_host.h"

static FILE *drop_in(const struct gen *g, const struct topology_host *h, const char *unit)
{
	FILE *out = gen_file(g->files, 0644, "%s/etc/systemd/system/%s.service.d/wgxdp.conf", h->name, unit);

	fprintf(out, "# %s: made by `wgxdp gen hosts`\n", h->name);
	return out;
}

static void edge(const struct gen *g, const struct topology_host *h)
{
	fprintf(drop_in(g, h, "keepalived"),
		"# However it ended, the tunnel and the address must not stay: another edge router takes them.\n"
		"[Unit]\n"
		"After=nftables.service systemd-networkd.service\n"
		"\n"
		"[Service]\n"
		"Restart=on-failure\n"
		"RestartSec=5\n"
		"ExecStopPost=/etc/keepalived/" WG_ROUTING " INSTANCE %s STOP 0\n", g->t->sites[h->site].name);
	fputs("# It announces from the address that keepalived gives; while there is none it waits.\n"
	      "[Unit]\n"
	      "After=keepalived.service\n"
	      "\n"
	      "[Service]\n"
	      "Restart=on-failure\n"
	      "RestartSec=5\n", drop_in(g, h, "radvd"));
	fputs("# keepalived sees to this tunnel, by wg-quick: it leads to the relay on the active edge router alone.\n"
	      "[Unit]\n"
	      "ConditionPathExists=!/etc/keepalived/" WG_ROUTING "\n", drop_in(g, h, "wg-quick@" WG_ROUTING));
}

static void after_wireguard(const struct gen *g, const struct topology_host *h, const char *device)
{
	static const char *const units[] = { "wgxdp", "wgxdp-daemon" };

	for (size_t i = 0; i < 2; i++)
		fprintf(drop_in(g, h, units[i]),
			"# so that its peers are known from the beginning\n"
			"[Unit]\n"
			"Wants=wg-quick@%s.service\n"
			"After=wg-quick@%s.service\n", device, device);
}

void gen_units(const struct gen *g, const struct topology_host *h)
{
	if (h->role == ROLE_EDGE)
		edge(g, h);
	else if (h->role == ROLE_RELAY)
		after_wireguard(g, h, WG_ROUTING);
	else if (h->role == ROLE_GATEWAY && gen_next_roaming(g->t, h, NULL))
		after_wireguard(g, h, WG_CLIENTS);
	else if (h->role == ROLE_ROAMING && !h->openwrt && h->prefix.family == FAMILY_IPV6 && *h->lan)
		fputs("# it announces a prefix to which the tunnel leads\n"
		      "[Unit]\n"
		      "After=wg-quick@" WG_CLIENTS ".service\n", drop_in(g, h, "radvd"));
}
