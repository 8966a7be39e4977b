/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Checks interfaces: whether they exist and are up, what their drivers do to packets before XDP
 * sees them, which other programs are attached, and whether XDP or tc carries their packets.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "config/config_diff.h"
#include "dataplane/attach.h"
#include "doctor/doctor.h"
#include "dataplane/shared.h"
#include "instance/why.h"
#include "show/words.h"
#include "lib/fd.h"
#include "lib/text.h"

/* ---- links ---- */

/* Returns a command that creates a missing VLAN interface, if its name is of the usual form NIC.ID,
 * such as eth0.7. */
static char *fix_missing(const struct doctor *k, const char *name)
{
	const char *dot = strrchr(name, '.');
	char base[IFNAMSIZ] = "", path[sizeof(WG_QUICK_DIR) + IFNAMSIZ + 8];
	unsigned int id;

	if (dot && sscanf(dot + 1, "%u", &id) == 1 && id && id < 4095)
		memcpy(base, name, dot - name);
	snprintf(path, sizeof(path), WG_QUICK_DIR "/%s.conf", name);
	if (!access(path, R_OK))
		return k->dp ? xasprintf("wg-quick up %s && %s", SHELL_WORD(name), k->again) :
		       xasprintf("wg-quick up %s", SHELL_WORD(name));
	if (!*base || !host_link_by_name(&k->h, base))
		return NULL;
	return xasprintf("ip link add link %s name %s type vlan id %u && ip link set dev %s up",
			 SHELL_WORD(base), SHELL_WORD(name), id, SHELL_WORD(name));
}

static void report_missing(struct doctor *k, const char *name)
{
	char there[HOST_NAMES_LEN];

	doctor_report(k, STATE_PROBLEM, "interface", name, fix_missing(k, name),
		      "this host has no interface with this name: correct it to one of %s",
		      host_link_names(&k->h, name, there));
}

/* Finds a nic that carries a PPPoE session. name: only this nic; NULL: any. Returns false if there
 * is none. */
static bool pppoe_device(const char *name, char ret[IFNAMSIZ])
{
	FILE *in = fopen("/proc/net/pppoe", "re");
	char line[128], device[IFNAMSIZ];
	bool found = false;

	while (in && !found && fgets(line, sizeof(line), in))
		if (sscanf(line, "%*s %*s %15s", device) == 1 && strcmp(device, "Device") &&
		    (!name || !strcmp(device, name))) {
			strcpy(ret, device);
			found = true;
		}
	if (in)
		fclose(in);
	return found;
}

/* Returns a command that makes all services that listen on an interface listen on `other`; NULL: no
 * service listens there. */
static char *fix_listen(const struct doctor *k, const char *name, const char *other)
{
	size_t size, n = 0;
	char *text;
	FILE *out;

	if (!k->dp)
		return NULL;
	out = text_open(&text, &size);
	for (size_t i = 0; i < k->c->n_services; i++)
		if (!strcmp(k->c->services[i].listen_interface, name))
			fprintf(out, "%s%s service set %s --listen %s", n++ ? " && " : "", k->wgxdp,
				k->c->services[i].name, SHELL_WORD(other));
	fputs(k->keep, out);
	fclose(out);
	if (n)
		return text;
	free(text);
	return NULL;
}

/* Reports that another interface, a bridge or ppp0, has the addresses and gets the packets. */
static void report_wrong_interface(struct doctor *k, struct doctor_port *port, const char *other,
				   bool is_bridge)
{
	port->dead = true;
	doctor_report(k, STATE_PROBLEM, "interface", port->name, fix_listen(k, port->name, other),
		      is_bridge ? "this interface is a port of the bridge %s: write %s instead" :
		      "this interface carries the PPPoE session of %s: write %s instead",
		      other, other);
}

static bool look_at_link(struct doctor *k, struct doctor_port *port)
{
	const struct nl_link *link = port->link;
	const struct nl_link *master = link->master ? host_link(&k->h, link->master) : NULL;
	char device[IFNAMSIZ];

	if (!link->up) {
		port->dead = true;
		doctor_report(k, STATE_PROBLEM, "interface", link->name,
			      xasprintf("ip link set dev %s up", SHELL_WORD(link->name)),
			      "it is down");
	} else if (link->ethernet && link->noarp) {
		port->dead = true;
		doctor_report(k, STATE_PROBLEM, "interface", link->name,
			      xasprintf("ip link set dev %s arp on", SHELL_WORD(link->name)),
			      "the interface does not resolve MAC addresses (NOARP), so it reaches "
			      "no neighbour: turn ARP on");
	} else if (master && !strcmp(master->kind, "bridge")) {
		report_wrong_interface(k, port, master->name, true);
	} else if (link->ethernet && !host_has_family(&k->h, link->ifindex, FAMILY_IPV4) &&
		   pppoe_device(link->name, device) && host_link_by_name(&k->h, "ppp0")) {
		report_wrong_interface(k, port, "ppp0", false);
	} else {
		const char *kind = *link->kind ? link->kind : "device";
		const struct nl_link *nic = doctor_nic(k, link);
		bool ppp = !strcmp(link->kind, "ppp") && pppoe_device(NULL, device);

		doctor_ok(k, "interface", link->name, "%s, %s%s%s, MTU %u", role_name(port->role),
			  kind, nic != link || ppp ? " over " : "",
			  ppp ? device : nic != link ? nic->name : "", link->mtu);
	}
	return !port->dead;
}

/* ---- offloads ---- */

/* Reports LRO that is on, on a nic or on a port of a bridge or bond. */
static void look_at_lro(struct doctor *k, const struct nl_link *nic)
{
	bool lro = false;

	for (size_t i = 0; i < k->h.n_links; i++)
		if (k->h.links[i].master == nic->ifindex && strcmp(nic->kind, "vrf"))
			look_at_lro(k, &k->h.links[i]);
	if (nl_feature(nic->name, "rx-lro", &lro) || !lro) {
		doctor_ok(k, "lro", nic->name, "off");
		return;
	}
	doctor_report(k, STATE_PROBLEM, "lro", nic->name,
		      xasprintf("ethtool -K %s lro off", SHELL_WORD(nic->name)),
		      "LRO is on: the device merges packets, so they cannot be forwarded, and its "
		      "driver may refuse native XDP: turn it off");
}

/* ---- programs ---- */

/* Returns the id of the bpf_link that attaches a program, so that `ip link` cannot detach it; 0:
 * none. */
static __u32 link_of_program(__u32 program, __u32 ifindex)
{
	__u32 id = 0;

	while (!bpf_link_get_next_id(id, &id)) {
		struct bpf_link_info info = { 0 };
		__u32 size = sizeof(info);
		int fd = bpf_link_get_fd_by_id(id);
		bool is = fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &size) &&
			  info.type == BPF_LINK_TYPE_XDP && info.prog_id == program &&
			  info.xdp.ifindex == ifindex;

		fd_close(fd);
		if (is)
			return id;
	}
	return 0;
}

static char *fix_program(const struct doctor *k, const struct nl_link *nic)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, at);
	__u32 link = link_of_program(nic->xdp_prog_id, nic->ifindex);
	const char *mode = !bpf_xdp_query(nic->ifindex, 0, &at) &&
			   at.skb_prog_id == nic->xdp_prog_id ? "xdpgeneric" : "xdpdrv";
	char *detach = link ? xasprintf("bpftool link detach id %u", link) :
		       xasprintf("ip link set dev %s %s off", SHELL_WORD(nic->name), mode);
	char *both;

	if (!k->dp)
		return detach;
	both = xasprintf("%s && %s", detach, k->again);
	free(detach);
	return both;
}

/* Reports other software's XDP programs, unless ours runs on tc there, or beside them in a
 * dispatcher. */
static void look_at_programs(struct doctor *k, struct doctor_port *port, const struct nl_link *nic)
{
	const struct interface_config *i = config_interface_entry(k->c, port->name);
	const struct plan_nic *planned = k->plan ? plan_nic(k->plan, nic->ifindex) : NULL;
	enum mode mode = i && i->mode != MODE_AUTO ? i->mode : k->c->mode;
	bool beside = (planned ? planned->mode : mode) == MODE_TC;
	char name[BPF_OBJ_NAME_LEN], owner[INSTANCE_LEN];

	if (!nic->xdp_prog_id || pins_have_program(nic->xdp_prog_id)) {
		doctor_ok(k, "xdp", nic->name, nic->xdp_prog_id ? "the XDP program is wgxdp's own" :
			  "no XDP program is attached");
		return;
	}
	if (pins_owner(nic->xdp_prog_id, "", owner))
		snprintf(name, sizeof(name), "wgxdp");
	else
		program_name(nic->xdp_prog_id, name);
	if (shared_is_dispatcher(nic->xdp_prog_id) && i && i->shared) {
		doctor_ok(k, "xdp", nic->name, "libxdp's dispatcher (id %u) is attached, and wgxdp "
			  "shares it", nic->xdp_prog_id);
	} else if (beside) {
		doctor_ok(k, "xdp", nic->name, "the XDP program %s (id %u) gets packets before "
			  "wgxdp's tc program", name, nic->xdp_prog_id);
	} else {
		port->dead = true;
		doctor_report(k, STATE_PROBLEM, "xdp", nic->name, fix_program(k, nic), "the XDP "
			      "program %s (id %u) is attached and gets every packet: detach it, or "
			      "use mode: tc", name, nic->xdp_prog_id);
	}
}

static void look_at_tc(struct doctor *k, const struct nl_link *link)
{
	__u32 ids[16];
	size_t n = attached_tc(link->ifindex, ids, sizeof(ids) / sizeof(*ids)), at = 0, others = 0;
	char list[512] = "", name[BPF_OBJ_NAME_LEN];

	for (size_t i = 0; i < n && at < sizeof(list); i++) {
		if (pins_have_program(ids[i]))
			continue;
		program_name(ids[i], name);
		at += snprintf(list + at, sizeof(list) - at, "%s%s (id %u)", others++ ? ", " : "",
			       name, ids[i]);
	}
	if (others)
		doctor_ok(k, "tc", link->name, "these other tc programs also get incoming packets: "
					       "%s", list);
}

/* ---- XDP or tc ---- */

/* Returns the command in backquotes in a text of why_port(); NULL: none that a shell can run as it
 * is. */
static char *fix_quoted(const struct doctor *k, const char *why)
{
	const char *from = strchr(why, '`'), *to = from ? strchr(from + 1, '`') : NULL;

	if (!to || strstr(why, "PEER"))
		return NULL;
	if (strstr(why, "another `up`"))
		return xstrdup(k->again);
	return xasprintf("%.*s && %s", (int)(to - from - 1), from + 1, k->again);
}

/* Reports the mode of a port. If it could be faster, why_port() says how, or that the driver
 * refused. */
static void look_at_mode(struct doctor *k, const struct doctor_port *port)
{
	const struct nl_link *nic = doctor_nic(k, port->link);
	const struct link *link = doctor_running_link(k, port->link->ifindex);
	const struct link *below = doctor_running_link(k, nic->ifindex);
	bool refused = below && below->refused && !(below->flags & LINK_NATIVE);
	char driver[32] = "?", *why;

	nl_driver(nic->name, driver);
	if (!k->plan || !link || !link->role || !plan_port(k->plan, port->link->ifindex)) {
		__u64 features;
		bool known = !nl_xdp_features(nic->ifindex, &features);

		if (port->link->ethernet)
			doctor_ok(k, "driver", port->name,
				  !known ? "its driver is %s" : features & NL_XDP_BASIC ?
				  "its driver %s has native XDP" :
				  "its driver %s has no native XDP", driver);
		return;
	}
	why = why_port(k->plan, &k->h, k->links, k->n_links, port->link->ifindex);
	doctor_report(k, refused || strchr(why, '`') ? STATE_WARNING : STATE_OK, "driver",
		      port->name, fix_quoted(k, why), "%s, %s: %s", driver,
		      mode_of_link(k->links, k->n_links, link), why);
	free(why);
}

void doctor_interfaces(struct doctor *k)
{
	for (size_t i = 0; i < k->n_ports; i++) {
		struct doctor_port *port = &k->ports[i];

		if (!port->link) {
			report_missing(k, port->name);
			continue;
		}
		if (!look_at_link(k, port))
			continue;
		if (port->link->ethernet) {
			look_at_lro(k, doctor_nic(k, port->link));
			look_at_programs(k, port, doctor_nic(k, port->link));
		}
		look_at_tc(k, port->link);
		if (port->dead || !doctor_is_attached(k, port))
			continue;
		look_at_mode(k, port);
		if (port->link->ethernet)
			doctor_queues(k, doctor_nic(k, port->link));
	}
}
