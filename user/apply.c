/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * apply: from a checked configuration to the running instance, and what to say of it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "apply.h"
#include "dataplane.h"
#include "log.h"
#include "transmit.h"

static const struct dataplane_port *attached(const struct dataplane *dp, __u32 ifindex)
{
	for (size_t i = 0; i < dp->n_ports; i++)
		if (dp->ports[i].ifindex == ifindex)
			return &dp->ports[i];
	return NULL;
}

/* Whether a port's frames come in by this nic */
static bool carries(const struct plan *p, const struct host *h, const struct plan_nic *nic, const struct plan_port *port)
{
	const struct nl_link *vlans[2], *below;

	if (!port->n_nics)
		return false;
	return nic->ifindex == port->ifindex || host_link(h, nic->ifindex)->master == port->ifindex ||
	       (plan_vlans(h, host_link(h, port->ifindex), vlans, &below) > 0 && below->ifindex == nic->ifindex);
}

static void report_nic(const struct dataplane *dp, const struct host *h, const struct plan_port *port,
		       const struct plan_nic *nic)
{
	const struct dataplane_port *is = attached(dp, nic->ifindex);
	const char *hint;

	printf(", %s", is->flags & LINK_NATIVE ? "native XDP" : is->flags & LINK_GENERIC ? "generic XDP" : "no XDP");
	if (nic->ifindex != port->ifindex)
		printf(" on %s", nic->name);
	if (*is->why)
		printf(" (%s)", is->why);
	else if (is->flags & LINK_NATIVE && !transmit_flags(host_link(h, nic->ifindex), true, &hint))
		printf(" (cannot transmit, so tc sends what leaves by it%s%s)", hint ? ": " : "", hint ?: "");
}

static void report(const struct dataplane *dp, const struct plan *p, const struct host *h)
{
	for (size_t i = 0; i < p->n_ports; i++) {
		const struct plan_port *port = &p->ports[i];

		printf("%s: %s", port->name, role_name(port->role));
		for (size_t j = 0; j < p->n_nics; j++)
			if (carries(p, h, &p->nics[j], port))
				report_nic(dp, h, port, &p->nics[j]);
		printf(", %stc%s%s%s\n", attached(dp, port->ifindex)->flags & LINK_TC ? "" : "no ", *port->why ? " (" : "",
		       port->why, *port->why ? ")" : "");
	}
}

static void forwarding_hints(const struct plan *p)
{
	for (size_t i = 0; i < p->n_ports; i++)
		for (int ipv6 = 0; ipv6 < 2; ipv6++)
			if (!host_forwards(p->ports[i].name, ipv6))
				log_warning("interface %s: %s forwarding is off, so the kernel routes nothing from it: "
					    "`sysctl net.ipv%d.conf.all.forwarding=1`", p->ports[i].name, ipv6 ? "IPv6" : "IPv4",
					    ipv6 ? 6 : 4);
}

int apply(const char *instance, const struct config *c)
{
	struct dataplane *dp = NULL;
	struct plan *p = NULL;
	struct host h = { 0 };
	struct plan_input in = { .config = c, .host = &h };
	int written = 0, rc = pins_prepare() ?: dataplane_open(instance, &dp);

	if (!rc && !dp->running)
		dataplane_discard_new(instance);
	if (!rc)
		rc = host_read(&h);
	if (!rc && dp->elsewhere) {
		log_error("instance %s runs in another network namespace: `wgxdp up` there, or another --instance here",
			  instance);
		rc = -EBUSY;
	}
	if (!rc && dp->running)
		rc = dataplane_names(dp, &in.names, &in.n_names) ?: dataplane_slots(dp, &in.slots, &in.n_slots);
	if (!rc)
		rc = plan_make(&in, &p) ?: dataplane_load(dp, p) ?: dataplane_attach(dp, p, &h);
	if (!rc) {
		written = dataplane_sync(dp, p, &h);
		rc = written < 0 ? written : dataplane_commit(dp, p);
	}
	if (!rc) {
		report(dp, p, &h);
		printf("%s%d %s written\n", dp->reloaded ? "programs loaded, " : "", written, written == 1 ? "entry" : "entries");
		forwarding_hints(p);
	}
	free(in.names);
	free(in.slots);
	plan_free(p);
	dataplane_close(dp);
	host_free(&h);
	return rc;
}
