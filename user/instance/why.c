/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements why.h. The link stores that a driver refused a mode (struct link .refused). Everything
 * else is determined again from this host.
 */
#include "dataplane/attach.h"
#include "lib/text.h"
#include "plan/transmit.h"
#include "instance/why.h"
#include "dataplane/dataplane.h"

static void why_nic(const struct host *h, const struct plan_port *port, const struct plan_nic *nic,
		    const struct link *is, FILE *out)
{
	__u16 flags = is ? is->flags : 0, mode = flags & (LINK_NATIVE | LINK_GENERIC);
	const char *hint;

	if (nic->mode != MODE_AUTO &&
	    (mode & LINK_NATIVE) == (nic->mode == MODE_NATIVE ? LINK_NATIVE : 0) &&
	    (mode & LINK_GENERIC) == (nic->mode == MODE_GENERIC ? LINK_GENERIC : 0))
		fprintf(out, "the configuration asks for %s", mode_name(nic->mode));
	else if (mode & LINK_NATIVE)
		fputs("the driver has native XDP", out);
	else if (is && is->refused)
		fprintf(out, "the driver refused native XDP: %s", why_refused(is->refused));
	else if (mode && nic->shared)
		fputs("generic XDP, like the other programs of libxdp's dispatcher", out);
	else if (mode)
		fputs("mode auto keeps the generic XDP of an earlier configuration", out);
	else
		fputs("XDP was not tried yet: another `up` tries it", out);
	if (port->by_qdisc)
		fputs("; transmit: tc, so its qdisc gets what leaves by it", out);
	else if (mode & LINK_NATIVE && !transmit_flags(h, host_link(h, nic->ifindex), true, &hint))
		fprintf(out, "; the device cannot send from XDP, so tc sends these packets%s%s",
			hint ? ": " : "", hint ?: "");
	if (mode & LINK_NATIVE && port->lengthens)
		headroom_hint(h, nic, "; ", out);
}

char *why_port(const struct plan *p, const struct host *h, const struct link *links, size_t n,
	       __u32 ifindex)
{
	const struct plan_port *port = plan_port(p, ifindex);
	const char *between = "";
	char *text;
	size_t size;
	FILE *out = text_open(&text, &size);

	for (size_t i = 0; port && i < p->n_nics; i++) {
		if (!plan_carries(h, &p->nics[i], port))
			continue;
		fputs(between, out);
		if (p->nics[i].ifindex != ifindex)
			fprintf(out, "by %s: ", p->nics[i].name);
		why_nic(h, port, &p->nics[i], dataplane_link_of(links, n, p->nics[i].ifindex), out);
		between = "; ";
	}
	if (port && (*port->why || !port->n_nics))
		fprintf(out, "%s%s", between, *port->why ? port->why : "this bridge has no ports");
	fclose(out);
	return text;
}
