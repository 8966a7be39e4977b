/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Receives frames while doctor listens. XDP has forwarded the packets that it can, so that others
 * show faults: VLAN tags without an interface, sources that another interface leads to, and
 * WireGuard messages for a port at which nothing listens.
 */
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <net/ethernet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "doctor/doctor.h"
#include "lib/grow.h"
#include "show/words.h"

#define SEEN_MAX 16 /* clients that are noted, because strangers can make up addresses */

void doctor_listen_at(struct doctor *k, const struct nl_link *nic)
{
	struct sockaddr_ll at = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = nic->ifindex,
	};
	struct seen_vlans *v;
	int yes = 1;

	for (size_t i = 0; i < k->n_vlans; i++)
		if (k->vlans[i].ifindex == nic->ifindex)
			return;
	v = append(k->vlans, k->n_vlans);
	v->ifindex = nic->ifindex;
	v->bare = !nic->ethernet;
	v->socket = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (v->socket >= 0 &&
	    (bind(v->socket, (void *)&at, sizeof(at)) ||
	     setsockopt(v->socket, SOL_PACKET, PACKET_AUXDATA, &yes, sizeof(yes)))) {
		close(v->socket);
		v->socket = -1;
	}
}

/* ---- VLAN tags ---- */

/* Returns the interface of a VLAN on a nic, or on the nic's bridge or bond; NULL: none. */
static const struct nl_link *vlan_link(const struct doctor *k, __u32 ifindex, __u16 id)
{
	const struct nl_link *nic = host_link(&k->h, ifindex);
	const struct nl_link *master = nic ? host_link(&k->h, nic->master) : NULL;

	for (size_t i = 0; i < k->h.n_links; i++)
		if (!strcmp(k->h.links[i].kind, "vlan") && k->h.links[i].vlan_id == id &&
		    !k->h.links[i].lower_elsewhere &&
		    (k->h.links[i].lower == ifindex ||
		     (master && k->h.links[i].lower == master->ifindex)))
			return &k->h.links[i];
	return NULL;
}

static void note_tag(const struct doctor *k, struct seen_vlans *v, __u16 id)
{
	const struct nl_link *nic = host_link(&k->h, v->ifindex);
	const struct nl_link *master = nic ? host_link(&k->h, nic->master) : NULL;

	for (size_t i = 0; i < v->n; i++)
		if (v->id[i] == id)
			return;
	if (id && !(master && master->vlan_filtering) && !vlan_link(k, v->ifindex, id) &&
	    v->n < sizeof(v->id) / sizeof(*v->id))
		v->id[v->n++] = id;
}

/* ---- packets ---- */

/* Returns whether a service, the blind relay or WireGuard of this host uses the port. */
static bool is_used(const struct doctor *k, __be16 port)
{
	for (size_t i = 0; i < k->c->n_services; i++)
		if (service_has_port(&k->c->services[i], port))
			return true;
	for (size_t i = 0; i < k->n_devices; i++)
		if (k->devices[i].wg.port == port)
			return true;
	return k->c->blind.port == port;
}

static bool is_of_service(const struct doctor *k, const struct packet_words *w)
{
	for (size_t i = 0; i < k->n_backends; i++) {
		const struct doctor_backend *b = &k->backends[i];

		for (int end = 0; end < 2; end++)
			if (w->port[end] == b->port && address_equal(&w->end[end], &b->address))
				return true;
		if (service_has_port(b->service, w->port[1]) && host_address(&k->h, &w->end[1]))
			return true;
	}
	return false;
}

/* Returns the route because of which wgxdp passes packets with this source up to the kernel as
 * `source`; NULL: none. plan_sources.c decides which routes count for a wan. */
static const struct nl_route *other_route(struct doctor *k, const struct interface_fact *port,
					  const struct address *from)
{
	const struct prefix source = address_prefix(from);
	const struct nl_route *best = NULL;
	const struct interface_fact *out;
	unsigned int least = port->role == ROLE_WAN;
	struct nl_way way;

	if (address_is_link_local(from) ||
	    nl_way(from, NULL, host_link_vrf(&k->h, port->link), 0, &way) ||
	    way.oif == port->link->ifindex)
		return NULL;
	out = doctor_port(k, way.oif);
	if (port->role == ROLE_WAN && out && out->role == ROLE_WAN)
		return NULL;
	if (port->role == ROLE_WAN && !out)
		least = from->family == FAMILY_IPV4 ? 8 : 16;
	for (size_t i = 0; i < k->h.n_routes; i++) {
		const struct nl_route *r = &k->h.routes[i];

		if (r->oif == way.oif && r->type == RTN_UNICAST && r->dst.len >= least &&
		    prefix_within(&source, &r->dst) && (!best || r->dst.len > best->dst.len))
			best = r;
	}
	return best;
}

/* port: UDP port at which nothing listens; 0: the source is wrong. */
static void note(struct doctor *k, __u32 ifindex, const struct address *from, __be16 port,
		 const struct nl_route *route)
{
	for (size_t i = 0; i < k->n_seen; i++)
		if (k->seen[i].ifindex == ifindex && k->seen[i].port == port &&
		    address_equal(&k->seen[i].from, from)) {
			k->seen[i].n++;
			return;
		}
	if (k->n_seen < SEEN_MAX)
		*append(k->seen, k->n_seen) = (struct seen_client){
			.ifindex = ifindex, .from = *from, .port = port, .route = route, .n = 1,
		};
}

static void note_packet(struct doctor *k, const struct interface_fact *port,
			const struct packet_words *w)
{
	const struct nl_route *route = is_of_service(k, w) ? other_route(k, port, w->end) : NULL;

	if (route)
		note(k, port->link->ifindex, w->end, 0, route);
	else if (w->message == MESSAGE_INITIATION && !is_used(k, w->port[1]) &&
		 host_address(&k->h, &w->end[1]))
		note(k, port->link->ifindex, w->end, w->port[1], NULL);
}

/* A rule may translate the port, and another host answers. */
static void note_answer(struct doctor *k, const struct packet_words *w)
{
	for (size_t i = 0; i < k->n_seen; i++)
		k->seen[i].answered |= k->seen[i].port && k->seen[i].port == w->port[0] &&
				       address_equal(&k->seen[i].from, &w->end[1]);
}

/* frame: with room for an Ethernet header before a packet of a device without one. */
static void look_at_packet(struct doctor *k, const struct seen_vlans *v, unsigned char *frame,
			   size_t n, __u16 vlan, bool sent)
{
	const struct nl_link *link = vlan ? vlan_link(k, v->ifindex, vlan) : NULL;
	const struct interface_fact *port = doctor_port(k, link ? link->ifindex : v->ifindex);
	bool ipv6 = frame[ETH_HLEN] >> 4 == 6;
	struct packet_words w;

	if (v->bare) {
		frame[12] = ipv6 ? 0x86 : 8;
		frame[13] = ipv6 ? 0xdd : 0;
	}
	packet_words(frame, n, &w);
	if (w.udp && sent)
		note_answer(k, &w);
	else if (w.udp && port && (link || !vlan))
		note_packet(k, port, &w);
}

bool doctor_frame(struct doctor *k, struct seen_vlans *v)
{
	char control[CMSG_SPACE(sizeof(struct tpacket_auxdata))] __attribute__((aligned(8)));
	unsigned char frame[ETH_HLEN + 256] = { 0 };
	size_t before = v->bare ? ETH_HLEN : 0;
	struct sockaddr_ll from = { 0 };
	struct iovec part = { frame + before, sizeof(frame) - before };
	struct msghdr message = {
		.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &part, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	ssize_t n = v->socket < 0 ? -1 : recvmsg(v->socket, &message, 0);
	bool sent = from.sll_pkttype == PACKET_OUTGOING;
	__u16 vlan = 0;

	if (n < 0)
		return false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
		const struct tpacket_auxdata *said = (const void *)CMSG_DATA(c);

		if (c->cmsg_level == SOL_PACKET && c->cmsg_type == PACKET_AUXDATA &&
		    said->tp_status & TP_STATUS_VLAN_VALID)
			vlan = said->tp_vlan_tci & 0xfff;
	}
	if (!sent)
		note_tag(k, v, vlan);
	if (sent || from.sll_pkttype == PACKET_HOST)
		look_at_packet(k, v, frame, before + n, vlan, sent);
	return true;
}

/* ---- findings ---- */

/* Returns whether a socket of the family has this UDP port. */
static bool is_open(__be16 port, __u8 family)
{
	FILE *in = fopen(family == FAMILY_IPV4 ? "/proc/net/udp" : "/proc/net/udp6", "re");
	unsigned int its;
	bool is = false;
	char line[256];

	while (in && fgets(line, sizeof(line), in))
		is |= sscanf(line, "%*d: %*[0-9A-F]:%x", &its) == 1 && its == ntohs(port);
	if (in)
		fclose(in);
	return is;
}

static bool has_socket(const struct seen_client *s)
{
	return is_open(s->port, s->from.family) || is_open(s->port, FAMILY_IPV6);
}

void doctor_frames(struct doctor *k)
{
	for (size_t i = 0; i < k->n_seen; i++) {
		const struct seen_client *s = &k->seen[i];
		const char *in = doctor_link_name(k, s->ifindex);
		char from[ADDRESS_STRLEN], route[ADDRESS_STRLEN];

		address_format(&s->from, from);
		if (s->route)
			doctor_report(k, STATE_WARNING, "route", from, NULL,
				      "%zu packets from it came by %s. wgxdp left them to the "
				      "kernel, because the route %s leads to it over %s: correct "
				      "the route if the client is at %s", s->n, in,
				      prefix_format(&s->route->dst, route),
				      doctor_link_name(k, s->route->oif), in);
		else if (!s->answered && !has_socket(s))
			doctor_report(k, STATE_WARNING, "port", from, NULL,
				      "it sends WireGuard handshakes to UDP port %u on %s, where "
				      "nothing listens: correct `Endpoint` at the client, or give "
				      "a service this port", ntohs(s->port), in);
	}
}
