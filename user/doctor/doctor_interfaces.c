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
#include "show/condition.h"
#include "show/words.h"
#include "lib/file.h"
#include "lib/text.h"

/* ---- links ---- */

static void describe_link(struct doctor *k, const struct interface_fact *port)
{
	const struct nl_link *link = port->link, *nic = doctor_nic(k, link);
	const char *kind = *link->kind ? link->kind : "device";
	char device[IFNAMSIZ];
	bool ppp = !strcmp(link->kind, "ppp") && pppoe_device(NULL, device);

	doctor_ok(k, "interface", link->name, "%s, %s%s%s, MTU %u", role_names[port->role], kind,
		  nic != link || ppp ? " over " : "", ppp ? device : nic != link ? nic->name : "",
		  link->mtu);
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
static void look_at_programs(struct doctor *k, struct interface_fact *port,
			     const struct nl_link *nic)
{
	const struct interface_config *i = config_interface_entry(k->c, port->about.name);
	const struct plan_nic *planned = k->plan ? plan_nic(k->plan, nic->ifindex) : NULL;
	enum mode mode = i && i->mode != MODE_AUTO ? i->mode : k->c->mode;
	bool beside = (planned ? planned->mode : mode) == MODE_TC;
	char name[BPF_OBJ_NAME_LEN], owner[INSTANCE_LEN];

	if (!nic->xdp_prog_id || nic_has_own_xdp(nic)) {
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
static void look_at_mode(struct doctor *k, const struct interface_fact *port)
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
			doctor_ok(k, "driver", port->about.name,
				  !known ? "its driver is %s" : features & NL_XDP_BASIC ?
				  "its driver %s has native XDP" :
				  "its driver %s has no native XDP", driver);
		return;
	}
	why = why_port(k->plan, &k->h, k->links, k->n_links, port->link->ifindex);
	doctor_report(k, refused || strchr(why, '`') ? STATE_WARNING : STATE_OK, "driver",
		      port->about.name, fix_quoted(k, why), "%s, %s: %s", driver,
		      mode_of_link(k->links, k->n_links, link), why);
	free(why);
}

void doctor_interfaces(struct doctor *k)
{
	for (size_t i = 0; i < k->facts.n_interfaces; i++) {
		struct interface_fact *port = &k->facts.interfaces[i];

		if (!port->port || !port->link || port->dead)
			continue;
		describe_link(k, port);
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
