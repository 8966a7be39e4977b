/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * dataplane: attaching to the ports of a plan: native XDP, else generic, else none; and tc on every one.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "attach.h"
#include "dataplane.h"
#include "grow.h"
#include "log.h"

#define XDP_FLAGS_OURS (LINK_NATIVE | LINK_GENERIC)
#define TC_FLAGS_OURS (LINK_TC | LINK_TCX | LINK_QDISC_OURS)

/* A pinned link that still holds its device; the pin of one that does not goes */
static int live_link(const char *instance, const char *kind, __u32 ifindex)
{
	struct bpf_link_info info = { 0 };
	__u32 len = sizeof(info);
	int fd = pin_get(instance, "attach/%s-%u", kind, ifindex);

	if (fd < 0)
		return -1;
	/* info.xdp.ifindex and info.tcx.ifindex stand at the same place */
	if (!bpf_obj_get_info_by_fd(fd, &info, &len) && info.xdp.ifindex == ifindex)
		return fd;
	close(fd);
	pin_remove(instance, "attach/%s-%u", kind, ifindex);
	return -1;
}

/* What a running instance has attached */
static int running_ports(struct dataplane *dp)
{
	struct link *links;
	size_t n;
	int rc = dataplane_links(dp, &links, &n);

	for (size_t i = 0; i < n && !rc; i++) {
		struct dataplane_port *port;

		if (!(links[i].flags & (XDP_FLAGS_OURS | LINK_TC)))
			continue;
		port = append(dp->ports, dp->n_ports);
		if (!port) {
			rc = -ENOMEM;
			break;
		}
		port->ifindex = links[i].ifindex;
		port->xdp_link = live_link(dp->instance, "xdp", port->ifindex);
		port->tcx_link = live_link(dp->instance, "tcx", port->ifindex);
		port->flags = links[i].flags & (XDP_FLAGS_OURS | TC_FLAGS_OURS);
		if (port->xdp_link < 0)
			port->flags &= ~XDP_FLAGS_OURS;
		if (port->flags & LINK_TCX ? port->tcx_link < 0 : port->flags & LINK_TC && !attached_filter(port->ifindex))
			port->flags &= ~TC_FLAGS_OURS;
	}
	if (!rc)
		free(links);
	return rc;
}

static struct dataplane_port *port_of(struct dataplane *dp, __u32 ifindex)
{
	struct dataplane_port *port;

	for (size_t i = 0; i < dp->n_ports; i++)
		if (dp->ports[i].ifindex == ifindex)
			return &dp->ports[i];
	port = append(dp->ports, dp->n_ports);
	if (port) {
		port->ifindex = ifindex;
		port->xdp_link = port->tcx_link = -1;
	}
	return port;
}

static int refuse_other_instance(const struct dataplane *dp, __u32 ifindex, const struct host *h)
{
	__u32 ids[64];
	size_t n = attached_tc(ifindex, ids, 63);
	char owner[INSTANCE_LEN];

	ids[n++] = host_link(h, ifindex)->xdp_prog_id;
	for (size_t i = 0; i < n; i++)
		if (ids[i] && pins_owner(ids[i], dp->instance, owner)) {
			log_error("interface %s: instance %s is attached to it: `wgxdp --instance %s down` first, or one "
				  "configuration for both", host_link(h, ifindex)->name, owner, owner);
			return -EBUSY;
		}
	return 0;
}

static void program_name(__u32 id, char *ret, size_t room)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);

	snprintf(ret, room, "id %u", id);
	if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &len) && *info.name)
		snprintf(ret, room, "%s (id %u)", info.name, id);
	if (fd >= 0)
		close(fd);
}

/* XDP in another mode than the one asked for now goes first: a device has room for one. Returns the mode that it had. */
static __u16 leave_other_mode(struct dataplane *dp, struct dataplane_port *port, enum mode mode)
{
	__u16 wanted = mode == MODE_NATIVE ? LINK_NATIVE : mode == MODE_GENERIC ? LINK_GENERIC :
		       mode == MODE_TC ? 0 : XDP_FLAGS_OURS, had = port->flags & XDP_FLAGS_OURS;

	if (port->xdp_link < 0 || had & wanted)
		return 0;
	pin_remove(dp->instance, "attach/xdp-%u", port->ifindex);
	detach_link(port->xdp_link);
	close(port->xdp_link);
	port->xdp_link = -1;
	port->flags &= ~XDP_FLAGS_OURS;
	return had;
}

/* Nothing changes where the new mode is refused */
static void return_to_mode(struct dataplane *dp, struct dataplane_port *port, __u16 mode)
{
	char name[32];

	if (attach_xdp(port->ifindex, dp->programs[PROGRAM_wgxdp_xdp], mode, &port->xdp_link))
		return;
	port->flags |= mode;
	snprintf(name, sizeof(name), "attach/xdp-%u", port->ifindex);
	pin_set(port->xdp_link, dp->instance, "", name);
}

/* EEXIST: the device itself was found free before */
static const char *refusal(int rc)
{
	return rc == -EEXIST ? "an XDP program is attached to a bridge or bond above it" : strerror(-rc);
}

static int attach_port_xdp(struct dataplane *dp, struct dataplane_port *port, const struct plan_nic *p,
			   const struct host *h)
{
	__u32 id = host_link(h, p->ifindex)->xdp_prog_id;
	__u16 left = leave_other_mode(dp, port, p->mode);
	char name[64];
	int rc = -EOPNOTSUPP;

	if (port->xdp_link >= 0 || p->mode == MODE_TC)
		return 0;
	if (id && !left) {
		program_name(id, name, sizeof(name));
		log_error("interface %s: XDP program %s is attached to it, not ours: remove it, or use `--mode tc`", p->name,
			  name);
		return -EBUSY;
	}
	if (p->mode != MODE_GENERIC) {
		rc = attach_xdp(p->ifindex, dp->programs[PROGRAM_wgxdp_xdp], LINK_NATIVE, &port->xdp_link);
		port->flags |= rc ? 0 : LINK_NATIVE;
		if (rc)
			snprintf(port->why, sizeof(port->why), "native XDP refused: %s", refusal(rc));
	}
	if (rc && p->mode != MODE_NATIVE) {
		rc = attach_xdp(p->ifindex, dp->programs[PROGRAM_wgxdp_xdp], LINK_GENERIC, &port->xdp_link);
		port->flags |= rc ? 0 : LINK_GENERIC;
	}
	port->xdp_new = !rc;
	if (rc)
		port->xdp_link = -1;
	if (rc && p->mode != MODE_AUTO) {
		log_error("interface %s: %s XDP refused: %s; `--mode auto` takes what the driver can", p->name,
			  mode_name(p->mode), refusal(rc));
		if (left)
			return_to_mode(dp, port, left);
		return rc;
	}
	return 0;
}

static int attach_port_tc(struct dataplane *dp, struct dataplane_port *port, const struct plan_port *p)
{
	__u16 flags = 0;
	int rc;

	port->l3 = p->l3;
	if (port->flags & LINK_TC)
		return 0;
	rc = attach_tc(p->ifindex, dp->programs[p->l3 ? PROGRAM_wgxdp_tc_l3 : PROGRAM_wgxdp_tc], &port->tcx_link, &flags);
	if (!rc) {
		port->flags |= flags;
		port->tc_new = true;
		return 0;
	}
	if (p->n_nics) {
		log_warning("interface %s: no tc plane: %s; what XDP cannot send is the kernel's", p->name, strerror(-rc));
		return 0;
	}
	log_error("interface %s: neither XDP nor tc: %s", p->name, strerror(-rc));
	return rc;
}

/* Filters belong to no process and to no pin: what they run is pinned before, so that it tells them */
static int begin(struct dataplane *dp)
{
	dp->begun = true;
	return pins_make_dirs(dp->instance, "~new") ?:
	       pin_set(dp->programs[PROGRAM_wgxdp_tc], dp->instance, "~new", "progs/wgxdp_tc") ?:
	       pin_set(dp->programs[PROGRAM_wgxdp_tc_l3], dp->instance, "~new", "progs/wgxdp_tc_l3");
}

static int refused(struct dataplane *dp, __u32 ifindex, int rc)
{
	if (rc)
		dp->refused = ifindex;
	return rc;
}

int dataplane_attach(struct dataplane *dp, const struct plan *p, const struct host *h)
{
	int rc = dp->running ? running_ports(dp) : 0;

	for (size_t i = 0; i < p->n_ports && !rc; i++)
		rc = refused(dp, p->ports[i].ifindex, refuse_other_instance(dp, p->ports[i].ifindex, h));
	for (size_t i = 0; i < p->n_nics && !rc; i++)
		rc = refused(dp, p->nics[i].ifindex, refuse_other_instance(dp, p->nics[i].ifindex, h));
	if (!rc && !dp->running)
		rc = begin(dp);
	for (size_t i = 0; i < p->n_nics && !rc; i++) {
		struct dataplane_port *port = port_of(dp, p->nics[i].ifindex);

		rc = port ? refused(dp, p->nics[i].ifindex, attach_port_xdp(dp, port, &p->nics[i], h)) : -ENOMEM;
	}
	for (size_t i = 0; i < p->n_ports && !rc; i++) {
		struct dataplane_port *port = port_of(dp, p->ports[i].ifindex);

		rc = port ? refused(dp, p->ports[i].ifindex, attach_port_tc(dp, port, &p->ports[i])) : -ENOMEM;
	}
	return rc;
}
