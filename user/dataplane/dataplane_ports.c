/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements dataplane_attach() of dataplane.h. Each nic gets native XDP if possible, or else
 * generic XDP, or else none. Each port also gets tc.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xdp/libxdp.h>
#include "dataplane/attach.h"
#include "dataplane/control.h"
#include "dataplane/dataplane.h"
#include "lib/file.h"
#include "lib/grow.h"
#include "lib/log.h"
#include "lib/text.h"

/* Calls attached_link(), and removes the pin of a link that is not attached any more. */
static int live_link(const char *instance, const char *kind, __u32 ifindex)
{
	int fd = attached_link(instance, kind, ifindex);

	if (fd != -ENOLINK)
		return fd;
	pin_remove(instance, "attach/%s-%u", kind, ifindex);
	return -ENOENT;
}

/* Opens the pinned links of a port. Returns 0, or -errno after printing an error. */
static int open_links(const struct dataplane *dp, struct dataplane_port *port)
{
	int rc;

	port->xdp_link = live_link(dp->instance, "xdp", port->ifindex);
	port->tcx_link = live_link(dp->instance, "tcx", port->ifindex);
	rc = port->xdp_link < 0 && port->xdp_link != -ENOENT ? port->xdp_link :
	     port->tcx_link < 0 && port->tcx_link != -ENOENT ? port->tcx_link : 0;
	if (rc)
		log_error("instance %s: cannot open what is attached to interface %u: %s",
			  dp->instance, port->ifindex, strerror(-rc));
	return rc;
}

static bool is_component(const struct dataplane *dp, __u32 ifindex)
{
	__u32 ids[SHARED_MAX];

	return shared_components(ifindex, map_fd(dp, MAP_control), ids);
}

/* Finds the links, filters and components by which a running instance is attached to devices. */
static int running_ports(struct dataplane *dp, const struct host *h)
{
	struct link *links = NULL;
	size_t n = 0;
	int rc = dataplane_links(dp, &links, &n);

	pins_detach_unfinished(dp->instance);
	for (size_t i = 0; i < n && !rc; i++) {
		const struct nl_link *device = host_link(h, links[i].ifindex);
		struct dataplane_port *port;

		if (!device && links[i].flags & LINK_SHARED)
			shared_detach(links[i].ifindex, map_fd(dp, MAP_control), 0);
		if (!(links[i].flags & (LINK_XDP_FLAGS | LINK_TC)))
			continue;
		rc = device && links[i].flags & LINK_SHARED ? shared_permitted(device->name) : 0;
		if (rc)
			break;
		port = append(dp->ports, dp->n_ports);
		port->ifindex = links[i].ifindex;
		rc = open_links(dp, port);
		port->flags = links[i].flags & (LINK_XDP_FLAGS | LINK_TC_FLAGS);
		port->refused = links[i].refused;
		if (port->flags & LINK_SHARED ? !is_component(dp, port->ifindex) :
		    port->xdp_link < 0)
			port->flags &= ~LINK_XDP_FLAGS;
		if (port->flags & LINK_TCX ? port->tcx_link < 0 :
		    port->flags & LINK_TC && !attached_filter(port->ifindex))
			port->flags &= ~LINK_TC_FLAGS;
	}
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
	port->ifindex = ifindex;
	port->xdp_link = port->tcx_link = -1;
	return port;
}

static int refuse_other_instance(const struct dataplane *dp, __u32 ifindex, const struct host *h)
{
	__u32 ids[64];
	size_t n = attached_tc(ifindex, ids, 63 - SHARED_MAX);
	char owner[INSTANCE_LEN];

	ids[n++] = host_link(h, ifindex)->xdp_prog_id;
	if (ids[n - 1])
		n += shared_components(ifindex, -1, &ids[n]);
	for (size_t i = 0; i < n; i++)
		if (ids[i] && pins_owner(ids[i], dp->instance, owner)) {
			log_error("interface %s: instance %s is attached to it: run `wgxdp --instance %s down` first, or use one configuration for both",
				  host_link(h, ifindex)->name, owner, owner);
			return -EBUSY;
		}
	return 0;
}

/* Attaches XDP in the mode of `flags`, beside other programs if it has LINK_SHARED. */
static int attach_as(struct dataplane *dp, struct dataplane_port *port, const struct plan *p,
		     __u16 flags)
{
	struct xdp_program *program;
	int rc;

	if (flags & LINK_SHARED)
		rc = dataplane_component(dp, p, &program) ?:
		     shared_attach(port->ifindex, program, flags & XDP_MODES);
	else
		rc = attach_xdp(port->ifindex, dataplane_xdp(dp), flags & XDP_MODES,
				&port->xdp_link);
	if (!rc)
		port->flags |= flags;
	return rc;
}

/* Detaches our XDP, alone or beside other programs. */
static void detach_xdp(struct dataplane *dp, struct dataplane_port *port)
{
	if (port->flags & LINK_SHARED) {
		shared_detach(port->ifindex, map_fd(dp, MAP_control), 0);
	} else {
		pin_remove(dp->instance, "attach/xdp-%u", port->ifindex);
		bpf_link_detach(port->xdp_link);
		close(port->xdp_link);
		port->xdp_link = -1;
	}
	port->flags &= ~LINK_XDP_FLAGS;
}

/* Detaches our XDP if it runs in another mode than the configured one, because a device runs XDP in
 * only one mode. */
static void leave_other_mode(struct dataplane *dp, struct dataplane_port *port,
			     const struct plan_nic *nic)
{
	__u16 wanted = nic->mode == MODE_NATIVE ? LINK_NATIVE :
		       nic->mode == MODE_GENERIC ? LINK_GENERIC :
		       nic->mode == MODE_TC ? 0 : XDP_MODES;
	__u16 had = port->flags & LINK_XDP_FLAGS;

	if (!had || (had & wanted && !(had & LINK_SHARED) == !nic->shared))
		return;
	detach_xdp(dp, port);
	port->left = had;
}

/* Attaches the XDP program that is pinned, because this command may have loaded another one. */
static int attach_former(struct dataplane *dp, struct dataplane_port *port)
{
	int program = pin_get(dp->instance, "progs/wgxdp_express"), rc;
	char name[32];

	if (program < 0)
		program = pin_get(dp->instance, "progs/wgxdp_xdp");
	if (program < 0)
		return program;
	rc = attach_xdp(port->ifindex, program, port->left & XDP_MODES, &port->xdp_link);
	close(program);
	if (rc)
		return rc;
	port->flags |= port->left;
	snprintf(name, sizeof(name), "attach/xdp-%u", port->ifindex);
	return pin_set(port->xdp_link, dp->instance, "", name);
}

void dataplane_return_modes(struct dataplane *dp, const struct plan *p)
{
	for (size_t i = 0; i < dp->n_ports; i++) {
		struct dataplane_port *port = &dp->ports[i];
		int rc;

		if (!port->left)
			continue;
		if (port->flags & LINK_XDP_FLAGS)
			detach_xdp(dp, port);
		port->xdp_new = false;
		rc = port->left & LINK_SHARED ? attach_as(dp, port, p, port->left) :
						attach_former(dp, port);
		if (rc)
			log_error("interface %s: cannot attach XDP again in its former mode: %s: tc carries its packets",
				  plan_nic(p, port->ifindex)->name, why_refused(-rc));
		port->left = 0;
	}
}

void dataplane_keep_modes(struct dataplane *dp)
{
	for (size_t i = 0; i < dp->n_ports; i++)
		dp->ports[i].left = 0;
}

/* Returns the mode of libxdp's dispatcher if it is not the configured one, else 0. */
static __u16 other_mode(const struct plan_nic *nic)
{
	__u16 other = nic->mode == MODE_NATIVE ? LINK_GENERIC :
		      nic->mode == MODE_GENERIC ? LINK_NATIVE : 0;

	return other ? shared_mode(nic->ifindex) & other : 0;
}

/* Reports a program of other software on the device, beside which ours cannot run. Removes our
 * components if only a killed command left their dispatcher there. */
static int refuse_theirs(const struct dataplane *dp, const struct plan_nic *nic)
{
	__u32 id = shared_program(nic->ifindex);
	bool dispatcher = id && shared_is_dispatcher(id);
	char program[BPF_OBJ_NAME_LEN], name[64];

	if (dispatcher && is_component(dp, nic->ifindex)) {
		shared_detach(nic->ifindex, map_fd(dp, MAP_control), 0);
		id = shared_program(nic->ifindex);
	}
	if (!id || (dispatcher && nic->shared && !other_mode(nic)))
		return 0;
	if (dispatcher && nic->shared) {
		log_error("interface %s: libxdp's dispatcher runs there in %s mode, which its programs share: write mode: auto",
			  nic->name, other_mode(nic) == LINK_NATIVE ? "native" : "generic");
		return -EBUSY;
	}
	program_name(id, program);
	snprintf(name, sizeof(name), "%s (id %u)", program, id);
	if (dispatcher)
		log_error("interface %s: libxdp's dispatcher %s is attached to it: write shared: true to run beside its programs, or use `--mode tc`",
			  nic->name, name);
	else
		log_error("interface %s: another XDP program, %s, is attached to it%s: remove it, or use `--mode tc`",
			  nic->name, name,
			  nic->shared ? " without libxdp's dispatcher, so it cannot be shared" : "");
	return -EBUSY;
}

/* Attaches XDP in the fastest mode that the driver supports. If other software already has
 * components in the device's dispatcher, uses its mode. */
static int attach_best(struct dataplane *dp, struct dataplane_port *port, const struct plan *p,
		       const struct plan_nic *nic)
{
	__u16 shared = nic->shared ? LINK_SHARED : 0;
	__u16 theirs = nic->shared ? shared_mode(nic->ifindex) : 0;
	int rc = -EOPNOTSUPP;

	port->refused = 0;
	if (nic->mode == MODE_NATIVE || (nic->mode == MODE_AUTO && theirs != LINK_GENERIC)) {
		rc = attach_as(dp, port, p, LINK_NATIVE | shared);
		if (rc)
			/* Some drivers return ENOTSUPP (524), which is not an errno of user
			 * space. */
			port->refused = -rc < 256 ? -rc : EOPNOTSUPP;
		if (rc && shared && xdp_program__fd(dp->component) < 0)
			/* The program itself could not be loaded: no other mode would help. */
			return rc;
	}
	if (rc && rc != -ENOSYS && nic->mode != MODE_NATIVE && theirs != LINK_NATIVE)
		rc = attach_as(dp, port, p, LINK_GENERIC | shared);
	return rc;
}

static int attach_port_xdp(struct dataplane *dp, struct dataplane_port *port, const struct plan *p,
			   const struct plan_nic *nic)
{
	int rc;

	leave_other_mode(dp, port, nic);
	if (port->flags & LINK_XDP_FLAGS || nic->mode == MODE_TC)
		return 0;
	rc = refuse_theirs(dp, nic);
	if (!rc) {
		rc = attach_best(dp, port, p, nic);
		port->xdp_new = !rc;
		if (!rc || (nic->mode == MODE_AUTO && !nic->shared))
			return 0;
		if (nic->shared)
			log_error("interface %s: cannot attach to libxdp's dispatcher: %s: use `--mode tc`, which needs no XDP",
				  nic->name, why_refused(-rc));
		else
			log_error("interface %s: cannot attach in %s XDP mode: %s: use `--mode auto`, which uses a mode that the driver has",
				  nic->name, mode_names[nic->mode], why_refused(-rc));
	}
	return rc;
}

static int attach_port_tc(struct dataplane *dp, struct dataplane_port *port,
			  const struct plan_port *p)
{
	__u16 flags = 0;
	int rc;

	port->l3 = p->l3;
	if (port->flags & LINK_TC)
		return 0;
	rc = attach_tc(p->ifindex, program_fd(dp, p->l3 ? PROGRAM_wgxdp_tc_l3 : PROGRAM_wgxdp_tc),
		       &port->tcx_link, &flags);
	if (!rc) {
		port->flags |= flags;
		port->tc_new = true;
		return 0;
	}
	if (p->n_nics) {
		log_warning("interface %s: cannot attach a tc program: %s: the kernel handles packets that XDP cannot send",
			    p->name, strerror(-rc));
		return 0;
	}
	log_error("interface %s: cannot attach an XDP or tc program: %s", p->name, strerror(-rc));
	return rc;
}

/* Pins the programs and the map control before filters and components are attached, which have no
 * pins of their own. If this command is killed, a later one finds them by these pins: a filter by
 * its program, a component by the map control that it uses. */
static int pin_unpinned(struct dataplane *dp)
{
	int l3 = program_fd(dp, PROGRAM_wgxdp_tc_l3);

	dp->begun = true;
	return pins_make_dirs(dp->instance, "~new") ?:
	       pin_set(map_fd(dp, MAP_control), dp->instance, "~new", "control") ?:
	       pin_set(program_fd(dp, PROGRAM_wgxdp_tc), dp->instance, "~new", "progs/wgxdp_tc") ?:
	       (l3 < 0 ? 0 : pin_set(l3, dp->instance, "~new", "progs/wgxdp_tc_l3"));
}

static int note_refused(struct dataplane *dp, __u32 ifindex, int rc)
{
	if (rc)
		dp->refused = ifindex;
	return rc;
}

int dataplane_attach(struct dataplane *dp, const struct plan *p, const struct host *h)
{
	int rc = dp->running ? running_ports(dp, h) : 0;

	for (size_t i = 0; i < p->n_nics && !rc; i++)
		rc = p->nics[i].shared ? shared_permitted(p->nics[i].name) : 0;
	for (size_t i = 0; i < p->n_ports && !rc; i++)
		rc = note_refused(dp, p->ports[i].ifindex,
			     refuse_other_instance(dp, p->ports[i].ifindex, h));
	for (size_t i = 0; i < p->n_nics && !rc; i++)
		rc = note_refused(dp, p->nics[i].ifindex,
			     refuse_other_instance(dp, p->nics[i].ifindex, h));
	if (!rc && !dp->running)
		rc = pin_unpinned(dp);
	for (size_t i = 0; i < p->n_nics && !rc; i++) {
		struct dataplane_port *port = port_of(dp, p->nics[i].ifindex);

		rc = note_refused(dp, port->ifindex, attach_port_xdp(dp, port, p, &p->nics[i]));
	}
	for (size_t i = 0; i < p->n_ports && !rc; i++) {
		struct dataplane_port *port = port_of(dp, p->ports[i].ifindex);

		rc = note_refused(dp, port->ifindex, attach_port_tc(dp, port, &p->ports[i]));
	}
	return rc;
}

/* ---- removing an instance ---- */

/* Detaches the components that use the pinned map control, and the filters with the pinned
 * programs, from all devices. directory: INSTANCE or INSTANCE~new. `up` pins these before it
 * attaches the first, and `down` removes the pins last. So they show what a killed command left. */
static void detach_of_pins(const char *directory)
{
	int control = pin_get(directory, "control");

	if (control >= 0) {
		shared_detach_all(control);
		close(control);
	}
	for (int l3 = 0; l3 < 2; l3++) {
		int program = pin_get(directory, l3 ? "progs/wgxdp_tc_l3" : "progs/wgxdp_tc");

		if (program >= 0) {
			detach_filters_of(program);
			close(program);
		}
	}
}

int dataplane_discard_new(const char *instance)
{
	char new[INSTANCE_LEN + 8];
	int rc = pins_check_owners(instance, "~new");

	if (rc)
		return rc;
	snprintf(new, sizeof(new), "%s~new", instance);
	detach_of_pins(new);
	return pins_remove_all(instance, "~new") ?:
	       pins_exist(instance) ? 0 : pins_remove_all(instance, "");
}

/* Detaches what has no pin: filters, and components of libxdp's dispatcher. This runs in the
 * network namespace of their devices. Does not read maps of another layout. */
static int remove_unpinned(const char *instance)
{
	int links = pin_get(instance, "links"), control = pin_get(instance, "control"), rc = 0;
	struct control c = { 0 };
	bool known = control >= 0 && !control_read(control, &c) && c.abi_version == ABI_VERSION;
	bool here = !known || c.netns == netns_inode();
	__u32 n = known && here && links >= 0 ? LINKS : 0;
	char name[IF_NAMESIZE];
	struct link link;

	if (!here)
		log_warning("instance %s was started in another network namespace: its tc filters and shared XDP programs stay there: remove them there",
			    instance);
	for (__u32 i = 0; i < n && !rc; i++)
		if (!bpf_map_lookup_elem(links, &i, &link) && link.flags & LINK_SHARED &&
		    if_indextoname(link.ifindex, name))
			rc = shared_permitted(name);
	for (__u32 i = 0; i < n && !rc; i++)
		if (!bpf_map_lookup_elem(links, &i, &link) && link.flags & LINK_TC &&
		    !(link.flags & LINK_TCX))
			detach_filter(link.ifindex, link.flags & LINK_QDISC_OURS);
	if (!rc && here)
		detach_of_pins(instance);
	fd_close(links);
	fd_close(control);
	return rc;
}

/* Returns whether this program is one of ours at a device, but pinned nowhere in this bpffs. */
static bool is_hidden(__u32 id)
{
	char name[BPF_OBJ_NAME_LEN];

	if (!id)
		return false;
	program_name(id, name);
	return !strncmp(name, "wgxdp_", 6) && !pins_have_program(id);
}

static bool has_hidden(__u32 ifindex)
{
	__u32 ids[SHARED_MAX];
	size_t n = attached_tc(ifindex, ids, SHARED_MAX);
	bool hidden = is_hidden(shared_program(ifindex));

	for (size_t i = 0; i < n && !hidden; i++)
		hidden = is_hidden(ids[i]);
	return hidden;
}

int dataplane_check_hidden(const char *instance)
{
	struct if_nameindex *devices = if_nameindex();
	const char *between = "";
	char *names;
	size_t size;
	FILE *out = text_open(&names, &size);

	for (struct if_nameindex *d = devices; d && d->if_index; d++)
		if (has_hidden(d->if_index)) {
			fprintf(out, "%s%s", between, d->if_name);
			between = ", ";
		}
	if_freenameindex(devices);
	fclose(out);
	if (*names)
		log_error("instance %s: programs of wgxdp are attached to %s, but have no pins: another BPF file system hides /sys/fs/bpf: use `nsenter --net=FILE` instead of `ip netns exec`",
			  instance, names);
	free(names);
	return size ? -EBUSY : 0;
}

int dataplane_down(const char *instance)
{
	int rc;

	dataplane_quiet();
	rc = pins_check_owners(instance, "") ?: remove_unpinned(instance);
	return rc ?: pins_remove_all(instance, "") ?: dataplane_discard_new(instance);
}
