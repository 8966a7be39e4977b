/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Checks whether backends answer. The probe is a datagram of two bytes, which WireGuard ignores. A
 * closed port answers with an ICMP error, and a missing neighbour does not resolve. ICMP errors of
 * other hosts say nothing about the backend. Meanwhile doctor receives frames.
 */
#include <errno.h>
#include <linux/neighbour.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "doctor/doctor.h"
#include "lib/text.h"
#include "lib/timer.h"
#include "net/udp_socket.h"

/* Time between two probes in ms. While the kernel resolves the neighbour, the first may be lost. */
#define ASK_MS 250
/* Most ms to wait for a backend's first reply: a client repeats its handshake every 5 s. */
#define REPLY_MS 13000U

/* ---- probing ---- */

static void open_backend(const struct doctor *k, struct doctor_backend *b)
{
	b->socket = udp_socket(&b->address, b->port, b->vrf ? doctor_link_name(k, b->vrf) : NULL);
	if (b->socket >= 0 && socket_keep_errors(b->socket, b->family)) {
		close(b->socket);
		b->socket = -1;
	}
}

/* Notes an ICMP error about a probe, except one of this host's own kernel. The cause of that is a
 * rule, which send() reports too, or a missing neighbour. */
static void note_error(const struct doctor *k, struct doctor_backend *b,
		       const struct sock_extended_err *e)
{
	struct address by;

	if (e->ee_origin != SO_EE_ORIGIN_ICMP && e->ee_origin != SO_EE_ORIGIN_ICMP6)
		return;
	by = address_from_socket(SO_EE_OFFENDER(e));
	if (address_equal(&by, &b->address)) {
		b->refused = e->ee_errno;
	} else if (by.family && !host_address(&k->h, &by)) {
		b->refuser = by;
		b->refuser_error = e->ee_errno;
	}
}

/* Reads the ICMP errors that came for probes. Returns whether there were any. */
static bool read_errors(const struct doctor *k, struct doctor_backend *b)
{
	char control[512] __attribute__((aligned(8)));
	int error;
	const struct sock_extended_err *e;
	socklen_t size = sizeof(error);
	bool any = false;

	/* The kernel also stores the last error for the next send(). */
	getsockopt(b->socket, SOL_SOCKET, SO_ERROR, &error, &size);
	for (;;) {
		struct msghdr m = { .msg_control = control, .msg_controllen = sizeof(control) };

		if (recvmsg(b->socket, &m, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
			return any;
		any = true;
		e = socket_error(&m);
		if (e)
			note_error(k, b, e);
	}
}

static void probe_backend(const struct doctor *k, struct doctor_backend *b)
{
	int error;

	if (b->socket < 0)
		return;
	read_errors(k, b);
	if (b->refused || send(b->socket, "\0\0", 2, 0) >= 0)
		return;
	error = errno;
	/* EPERM is never the error of an earlier probe, as others may be. */
	if (error == EPERM)
		b->denied = true;
	/* WireGuard has no peer, or no endpoint, for the backend. It also sends an ICMP error. */
	else if (error == ENOKEY || error == EDESTADDRREQ)
		b->refused = error;
	else if (read_errors(k, b) || error == EAGAIN || error == ENOBUFS)
		return;
	else if (error == EACCES)
		b->denied = true;
	else
		b->refused = error;
}

/* ---- listening ---- */

/* Returns the time at which listening ends, which is later while a backend has not replied. */
static __u64 next_end(const struct doctor *k, __u64 began, __u64 end, __u64 now)
{
	if (now < end || now >= began + REPLY_MS || !doctor_awaits_reply(k))
		return end;
	if (end == began + k->seconds * 1000ULL && isatty(STDERR_FILENO))
		fprintf(stderr, "waiting up to %u s for a reply of a backend\n", REPLY_MS / 1000);
	return now + ASK_MS;
}

void doctor_listen(struct doctor *k)
{
	struct pollfd *wait = xcalloc(k->facts.n_interfaces + 1, sizeof(*wait));
	__u64 began = clock_ms(), end = began + k->seconds * 1000ULL, next = 0;

	for (size_t i = 0; i < k->facts.n_interfaces; i++) {
		const struct nl_link *link = k->facts.interfaces[i].port ?
					     k->facts.interfaces[i].link : NULL;

		if (link && !link->loopback)
			doctor_listen_at(k, doctor_nic(k, link));
	}
	for (size_t i = 0; i < k->n_backends; i++)
		if (k->backends[i].routed && !k->backends[i].suspect)
			open_backend(k, &k->backends[i]);
	for (__u64 now = began; now < (end = next_end(k, began, end, now)); now = clock_ms()) {
		if (now >= next) {
			for (size_t i = 0; i < k->n_backends; i++)
				probe_backend(k, &k->backends[i]);
			next = now + ASK_MS;
		}
		for (size_t i = 0; i < k->n_vlans; i++)
			wait[i] = (struct pollfd){ .fd = k->vlans[i].socket, .events = POLLIN };
		poll(wait, k->n_vlans, (next < end ? next : end) - now);
		for (size_t i = 0; i < k->n_vlans; i++)
			for (int frames = 0; frames < 64 && doctor_frame(k, &k->vlans[i]);
			     frames++)
				;
	}
	k->seconds = (clock_ms() - began + 500) / 1000;
	free(wait);
}

/* ---- findings ---- */

static const struct seen_vlans *strange_vlans(const struct doctor *k, const struct nl_link *link)
{
	for (size_t i = 0; i < k->n_vlans; i++)
		if (k->vlans[i].ifindex == doctor_nic(k, link)->ifindex && k->vlans[i].n)
			return &k->vlans[i];
	return NULL;
}

/* Returns commands that create a VLAN interface and move the addresses of its nic there. */
static char *fix_vlan(const struct doctor *k, const struct nl_link *link, __u16 id)
{
	const char *nic = doctor_nic(k, link)->name;
	char *text, address[ADDRESS_STRLEN], vlan[24];
	size_t size;
	FILE *out = text_open(&text, &size);

	snprintf(vlan, sizeof(vlan), "%.10s.%u", nic, id);
	fprintf(out, "ip link add link %s name %s type vlan id %u && ip link set dev %s up", nic,
		vlan, id, vlan);
	for (size_t i = 0; i < k->h.n_addresses; i++) {
		const struct nl_address *a = &k->h.addresses[i];

		if (a->ifindex != link->ifindex || address_is_link_local(&a->local))
			continue;
		address_format(&a->local, address);
		fprintf(out, " && ip address del %s/%u dev %s && ip address add %s/%u dev %s%s",
			address, a->prefix_len, link->name, address, a->prefix_len, vlan,
			a->local.family == FAMILY_IPV6 ? " nodad" : "");
	}
	if (k->dp)
		fprintf(out, " && %s", k->again);
	fclose(out);
	return text;
}

/* Reports, once per interface, that frames arrive with the tag of a VLAN which the interface lacks:
 * probably why a backend there does not answer. Returns whether that is likely. */
static bool report_vlan(struct doctor *k, const struct nl_link *link)
{
	const struct seen_vlans *v = strange_vlans(k, link);
	struct interface_fact *port = doctor_port(k, link->ifindex);

	if (!v || !port)
		return false;
	if (!port->dead)
		doctor_report(k, STATE_PROBLEM, "vlan", link->name, fix_vlan(k, link, v->id[0]),
			      "no backend answers here, but packets with VLAN tag %u arrive on %s: "
			      "add an interface for that VLAN",
			      v->id[0], doctor_link_name(k, v->ifindex));
	port->dead = true;
	return true;
}

/* Returns whether two backend addresses are probably one host, which does not answer. */
static bool is_same_fault(const struct doctor_backend *a, const struct doctor_backend *b)
{
	return a->service == b->service && a->reported && b->reported && a->port == b->port &&
	       a->way.oif == b->way.oif;
}

/* Returns whether the finding about another address of this backend names this address too. */
static bool is_reported(const struct doctor *k, const struct doctor_backend *b)
{
	for (const struct doctor_backend *o = k->backends; o < b; o++)
		if (is_same_fault(o, b))
			return true;
	return false;
}

/* Writes the backend's address, with the other addresses of it that do not answer. */
static void format_subject(const struct doctor *k, const struct doctor_backend *b, char ret[256])
{
	char text[ADDRESS_STRLEN];
	size_t n = snprintf(ret, 256, "%s", endpoint_format(&b->address, b->port, text));

	for (const struct doctor_backend *o = b + 1; o < k->backends + k->n_backends; o++)
		if (is_same_fault(b, o) && n < 256)
			n += snprintf(ret + n, 256 - n, ", %s",
				      endpoint_format(&o->address, o->port, text));
}

/* Shell commands for the backend: they restart the WireGuard whose wg-quick file has this port. */
#define REMOTE "f=$(grep -lE \"^ListenPort *= *%u$\" /etc/wireguard/*.conf) && { wg-quick down " \
	       "\"$f\"; wg-quick up \"$f\"; }"

/* Returns commands that restart WireGuard at the backend if its file has this port. Otherwise they
 * give the service the port on which the only WireGuard interface there listens. */
static char *fix_closed(const struct doctor *k, const struct doctor_backend *b, const char *to)
{
	bool ipv6 = b->address.family == FAMILY_IPV6;
	unsigned int port = ntohs(b->port);

	if (b->service->n_backends || !k->dp)
		return xasprintf("ssh %s '" REMOTE "'", to, port);
	return xasprintf("ssh %s '" REMOTE "' || { %s service set %s --backend %s%s%s:$(ssh %s wg "
			 "show all listen-port | awk '{p = $2} END {if (NR == 1) print p}')%s; }",
			 to, port, k->wgxdp, b->service->name, ipv6 ? "[" : "", to,
			 ipv6 ? "]" : "", to, k->keep);
}

/* Adds the finding about a backend that did not refuse a probe itself. */
static void report_no_refusal(struct doctor *k, const struct doctor_backend *b,
			      const char *subject, __u16 state)
{
	char by[ADDRESS_STRLEN];

	if (b->denied)
		doctor_ok(k, "backend", subject, "not probed: this host's own rules refuse what it "
			  "sends there itself. Forwarded packets do not pass these rules");
	else if (b->refuser.family)
		doctor_report(k, STATE_WARNING, "backend", subject, NULL,
			      "the router %s refuses doctor's probe (%s): correct its rules or "
			      "routes, if it also refuses forwarded packets",
			      address_format(&b->refuser, by), strerror(b->refuser_error));
	else
		doctor_ok(k, "backend", subject, "the backend's host sent no error%s",
			  state & NUD_PERMANENT ?
			  "; its MAC address is set by hand (permanent)" : "");
}

static void look_at_backend(struct doctor *k, const struct doctor_backend *b,
			    const struct nl_neighbour *list, size_t n)
{
	const struct nl_link *out = host_link(&k->h, b->way.oif);
	__u16 state = nl_neighbour_state(list, n, &b->way, &b->address), port = ntohs(b->port);
	char subject[256], next[ADDRESS_STRLEN], to[ADDRESS_STRLEN];

	if (b->reported && is_reported(k, b))
		return;
	format_subject(k, b, subject);
	address_format(&b->address, to);
	address_format(b->way.via.family ? &b->way.via : &b->address, next);
	if (state & (NUD_FAILED | NUD_INCOMPLETE)) {
		if (!report_vlan(k, out))
			doctor_report(k, STATE_PROBLEM, "neighbour", subject, NULL,
				      "%s does not resolve to a MAC address on %s: the host is "
				      "off, has another address, or is on another "
				      "network", next, out->name);
	} else if (b->refused == ECONNREFUSED) {
		doctor_report(k, STATE_PROBLEM, "backend", subject,
			      fix_closed(k, b, to),
			      "the host answers, but nothing listens on its UDP port %u: start "
			      "WireGuard there, or correct the port", port);
	} else if (b->refused == EHOSTUNREACH || b->refused == EACCES) {
		doctor_report(k, STATE_PROBLEM, "backend", subject, NULL, "the host refuses "
			      "packets to its UDP port %u with an ICMP error (%s): open the port "
			      "in its packet filter", port, strerror(b->refused));
	} else if (b->refused) {
		doctor_report(k, STATE_PROBLEM, "backend", subject, NULL,
			      "cannot send to the backend: %s", strerror(b->refused));
	} else {
		report_no_refusal(k, b, subject, state);
	}
}

/* Returns whether the silence of the backend deserves a finding: no earlier one explains it. */
static bool is_worth_reporting(struct doctor *k, const struct doctor_backend *b)
{
	const struct interface_fact *port = b->routed ? doctor_port(k, b->way.oif) : NULL;

	return b->routed && !b->suspect && host_link(&k->h, b->way.oif) &&
	       !(port && port->dead && !strange_vlans(k, port->link));
}

static bool is_dead(const struct doctor_backend *b, const struct nl_neighbour *list, size_t n)
{
	__u16 state = nl_neighbour_state(list, n, &b->way, &b->address);

	return state & (NUD_FAILED | NUD_INCOMPLETE) || b->refused;
}

int doctor_backends(struct doctor *k)
{
	struct nl_neighbour *list = NULL;
	size_t n = 0;

	if (nl_neighbours(&list, &n))
		return -EIO;
	for (size_t i = 0; i < k->n_backends; i++) {
		struct doctor_backend *b = &k->backends[i];

		probe_backend(k, b);
		b->probed = is_worth_reporting(k, b);
		b->reported = b->probed && is_dead(b, list, n);
		b->suspect |= b->reported;
	}
	for (size_t i = 0; i < k->n_backends; i++)
		if (k->backends[i].probed)
			look_at_backend(k, &k->backends[i], list, n);
	for (size_t i = 0; i < k->n_vlans; i++)
		if (k->vlans[i].n && !(doctor_port(k, k->vlans[i].ifindex) &&
				       doctor_port(k, k->vlans[i].ifindex)->dead))
			doctor_ok(k, "vlan", doctor_link_name(k, k->vlans[i].ifindex),
				  "packets with VLAN tag %u arrive, and no interface of this host "
				  "gets them; all backends answer without it", k->vlans[i].id[0]);
	free(list);
	return 0;
}
