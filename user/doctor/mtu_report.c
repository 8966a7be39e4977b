/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Prints reports: the facts as a document, and the conclusions in sentences.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "lib/document.h"
#include "lib/log.h"
#include "doctor/mtu_report.h"
#include "net/wireguard.h"

enum mtu_verdict mtu_report_verdict(const struct mtu_report *r)
{
	if (r->error)
		return r->error == -ENOMSG ? MTU_NO_ANSWER : r->error == -ETIME ? MTU_UNFINISHED :
		       MTU_NO_WAY;
	if (r->path.found.silent)
		return MTU_BLACK_HOLE;
	if (r->wireguard && r->tunnel.fragmented)
		return MTU_FRAGMENTED;
	return r->path.found.fails ? MTU_NARROW : MTU_CLEAR;
}

/* Returns the MTU in bytes for the WireGuard interface that leads to the target or, if none does,
 * for one whose packets take this path. Only for verdicts up to MTU_FRAGMENTED. */
static unsigned int wireguard_mtu(const struct mtu_report *r)
{
	unsigned int passes = r->path.found.passes, overhead = mtu_overhead(r->target.family);

	if (r->wireguard)
		return r->tunnel.mtu;
	return passes > overhead ? passes - overhead : 0;
}

/* ---- facts ---- */

static const char *const verdicts[] = {
	[MTU_CLEAR] = "clear", [MTU_NARROW] = "narrow", [MTU_BLACK_HOLE] = "black-hole",
	[MTU_FRAGMENTED] = "fragmented", [MTU_NO_ANSWER] = "no-answer",
	[MTU_UNFINISHED] = "unfinished", [MTU_NO_WAY] = "no-way",
};

static const char *format_teller(const struct mtu_found *f, char buf[ADDRESS_STRLEN])
{
	return f->error.by.family ? address_format(&f->error.by, buf) : "this host";
}

static void add_path(struct node row, const char *prefix, const struct mtu_path *p)
{
	char key[48], text[ADDRESS_STRLEN];
#define KEY(name) (snprintf(key, sizeof(key), "%s" name, prefix), key)

	document_decimal(row, KEY("round_trip_ms"), p->rtt_ms);
	document_number(row, KEY("lost_percent"), 100 * (p->sent - p->answered) / p->sent);
	document_number(row, KEY("passes"), p->found.passes);
	if (p->found.fails)
		document_number(row, KEY("fails"), p->found.fails);
	if (p->found.said) {
		document_text(row, KEY("said_by"), format_teller(&p->found, text));
		document_number(row, KEY("said_mtu"), p->found.error.mtu);
	}
#undef KEY
}

static void add_report(struct node list, const struct mtu_report *r)
{
	enum mtu_verdict v = mtu_report_verdict(r);
	struct node row = document_row(list);
	char text[ADDRESS_STRLEN];

	document_text(row, "name", address_format(&r->target, text));
	document_text(row, "interface", r->link.name);
	document_number(row, "interface_mtu", r->link.mtu);
	document_text(row, "verdict", verdicts[v]);
	if (v <= MTU_FRAGMENTED || v == MTU_UNFINISHED)
		add_path(row, "", &r->path);
	if (r->endpoint.family)
		document_text(row, "endpoint",
			      endpoint_format(&r->endpoint, r->endpoint_port, text));
	if (r->has_outside)
		add_path(row, "endpoint_", &r->outside);
	if (v > MTU_FRAGMENTED)
		return;
	document_number(row, "wireguard_mtu", wireguard_mtu(r));
	if (r->wireguard && r->tunnel.perhaps > r->tunnel.mtu)
		document_number(row, "wireguard_mtu_perhaps", r->tunnel.perhaps);
}

/* ---- sentences ---- */

static void print_path_text(const struct mtu_report *r)
{
	const struct mtu_found *f = &r->path.found;
	char to[ADDRESS_STRLEN], by[ADDRESS_STRLEN];

	address_format(&r->target, to);
	switch (mtu_report_verdict(r)) {
	case MTU_BLACK_HOLE:
		printf("%s: packets of up to %u bytes pass. Longer packets are lost without an "
		       "ICMP error (a black hole).\n", to, f->passes);
		if (f->said && f->error.mtu)
			printf("The router %s announced an MTU of %u, so the black hole is behind "
			       "it.\n", format_teller(f, by), f->error.mtu);
		else
			printf("A router on the path drops them silently, or its ICMP errors are "
			       "lost. TCP connections over such a path hang.\n");
		break;
	case MTU_NARROW:
		printf("%s: packets of up to %u bytes pass. The router %s reports longer packets "
		       "as too big, so path MTU discovery works.\n", to, f->passes,
		       format_teller(f, by));
		break;
	default:
		printf("%s: packets of up to %u bytes pass, which is the MTU of %s.\n", to,
		       f->passes, r->link.name);
	}
}

static void print_below_ipv6(unsigned int mtu, const struct mtu_report *r)
{
	__u8 family = r->wireguard ? r->endpoint.family : r->target.family;
	char to[ADDRESS_STRLEN] = "the endpoint";

	if (mtu >= MTU_IPV6_MIN)
		return;
	if (family)
		address_format(r->wireguard ? &r->endpoint : &r->target, to);
	printf("IPv6 inside the tunnel needs an MTU of at least %d. With less, Linux removes IPv6 "
	       "from the interface. Do one of the following:\n"
	       "- Change the network so that the path carries packets of %u bytes.\n"
	       "- Keep the tunnel's MTU at %d, and let both ends fragment longer packets. For "
	       "that, add a route to\n"
	       "  the other end with the path's MTU. On this host: ip route replace %s via GATEWAY "
	       "dev IF mtu %u\n",
	       MTU_IPV6_MIN, MTU_IPV6_MIN + mtu_overhead(family), MTU_IPV6_MIN, to,
	       mtu + mtu_overhead(family));
}

/* Below the minimum of IPv6, the warning comes before the commands, which a reader may copy at
 * once. */
static void print_commands(const struct mtu_report *r, unsigned int mtu, bool wireguard)
{
	const char *interface = r->link.name;

	if (wireguard)
		print_below_ipv6(mtu, r);
	printf(mtu < MTU_IPV6_MIN ? "If the tunnel carries only IPv4, set at both ends of it:\n" :
	       "At both ends of the tunnel, set:\n");
	printf("    ip link set %s mtu %u\n", interface, mtu);
	if (wireguard)
		printf("    MTU = %u        in [Interface] of " WG_QUICK_DIR "/%s.conf, for "
		       "wg-quick\n", mtu, interface);
}

static void print_tunnel(const struct mtu_report *r)
{
	const struct mtu_tunnel *t = &r->tunnel;
	char to[ADDRESS_STRLEN];

	if (r->has_outside)
		printf("Outside the tunnel, the path to its other end %s passes packets of %s%u "
		       "bytes.\n", address_format(&r->endpoint, to), r->outside.found.fails ? "" :
		       "at least ", r->outside.found.passes);
	if (mtu_report_verdict(r) == MTU_CLEAR) {
		printf("The MTU of %s is right: %u.\n", r->link.name, r->link.mtu);
		return;
	}
	if (t->fragmented)
		printf("Packets that %s sends with its MTU of %u are therefore fragmented, and "
		       "networks often drop fragments.\n", r->link.name, r->link.mtu);
	print_commands(r, t->mtu, true);
	if (t->mtu > r->path.found.passes)
		printf("With that MTU, packets of %u bytes pass too, because WireGuard pads "
		       "packets to a multiple of 16, but never above the MTU.\n", t->mtu);
	if (t->perhaps > t->mtu)
		printf("An MTU of up to %u may also work. The exact limit is unknown, because "
		       "WireGuard pads packets to a multiple of 16, and %s.\n",
		       t->perhaps,
		       !r->endpoint.family ? "only root may read the peer's endpoint" :
		       r->has_outside ? "the host that answered outside the tunnel is before the "
					"router with the limit" :
		       "the other end does not answer outside the tunnel");
}

static void print_wireguard_over(const struct mtu_report *r)
{
	unsigned int overhead = mtu_overhead(r->target.family), passes = r->path.found.passes;

	if (passes < MTU_LAYER + MTU_SMALL) {
		printf("That is too short for WireGuard's packets.\n");
		return;
	}
	printf("For WireGuard over this path, set MTU = %u (%u - %u%s", passes - overhead, passes,
	       overhead, r->target.family == FAMILY_IPV6 ? ")" : ", the overhead over IPv4)");
	if (overhead != MTU_LAYER)
		printf(", or %u if it may also run over IPv6 (%u - %d)", passes - MTU_LAYER,
		       passes, MTU_LAYER);
	printf(".\n");
	print_below_ipv6(passes - overhead, r);
}

static void print_report(const struct mtu_report *r)
{
	enum mtu_verdict v = mtu_report_verdict(r);

	if (v > MTU_FRAGMENTED)
		return;
	print_path_text(r);
	if (r->wireguard) {
		print_tunnel(r);
		return;
	}
	if (!r->link.ethernet && !r->link.loopback && v != MTU_CLEAR)
		print_commands(r, r->path.found.passes, false);
	print_wireguard_over(r);
}

void mtu_report_print(const struct mtu_report *list, size_t n, bool json)
{
	struct document *d = document_new();
	struct node targets = document_list(document_root(d), "targets");

	for (size_t i = 0; i < n; i++)
		add_report(targets, &list[i]);
	if (json)
		document_print_json(d, stdout);
	else
		document_print(d, stdout);
	document_free(d);
	for (size_t i = 0; i < n && !json; i++)
		print_report(&list[i]);
}

/* ---- what failed ---- */

static void report_no_answer(const struct mtu_report *r)
{
	char to[ADDRESS_STRLEN], by[ADDRESS_STRLEN], said[160] = "";

	address_format(&r->target, to);
	if (r->path.error)
		snprintf(said, sizeof(said), "; %s says: %s",
			 r->path.error_by.family ? address_format(&r->path.error_by, by) :
			 "this host", strerror(r->path.error));
	log_error("%s does not answer ICMP echo requests sent over %s, not even those of %u "
		  "bytes%s", to, r->link.name, MTU_SMALL, said);
	if (r->wireguard && r->endpoint.family && !r->handshake)
		log_error("WireGuard has had no handshake yet with its peer at %s",
			  endpoint_format(&r->endpoint, r->endpoint_port, by));
	else if (!r->wireguard)
		log_error("the host is down, or a packet filter drops ICMP echo requests: measure "
			  "inside a tunnel to it, with `wgxdp mtu ADDRESS-INSIDE --through IF`");
}

void mtu_report_failure(const struct mtu_report *r)
{
	const struct mtu_found *f = &r->path.found;
	char to[ADDRESS_STRLEN];

	address_format(&r->target, to);
	switch (mtu_report_verdict(r)) {
	case MTU_NO_ANSWER:
		report_no_answer(r);
		break;
	case MTU_UNFINISHED:
		if (f->fails)
			log_error("%s: the measurement took too long and was stopped: packets of "
				  "%u bytes pass, and packets of %u bytes do "
				  "not", to, f->passes, f->fails);
		else
			log_error("%s: the measurement took too long and was stopped: packets of "
				  "%u bytes pass", to, f->passes);
		break;
	case MTU_NO_WAY:
		log_error("%s%s%s: %s%s", to, *r->link.name ? " by " : "", r->link.name,
			  r->why ?: strerror(-r->error),
			  r->error != -EPERM || r->why ? "" :
			  ": run this as root with CAP_NET_RAW, or add the process's group "
			  "to the sysctl net.ipv4.ping_group_range");
		break;
	default:
		break;
	}
}
