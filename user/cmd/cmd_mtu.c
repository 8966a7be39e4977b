/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp mtu: measures the longest packet that passes to an address, on a plain path or inside a
 * tunnel, and prints the MTU that follows from it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "cmd/command.h"
#include "lib/log.h"
#include "net/host.h"
#include "net/dns.h"
#include "doctor/mtu_report.h"
#include "net/wireguard.h"

#define SECONDS 90			/* seconds for all measurements together */

struct job {
	const char *target, *through;
	__u8 family;			/* 0: measure both families */
	bool json;
	uv_loop_t loop;
	struct mtu_report reports[2];
	size_t n;
	bool lookup_failed;
	__u64 until;
	struct nl_link *links;
	size_t n_links;
};

/* ---- progress, on a terminal ---- */

static void print_progress(const struct mtu_way *w, unsigned int size)
{
	char text[ADDRESS_STRLEN];

	fprintf(stderr, "\r%s: %u bytes? %*s", address_format(&w->to, text), size, 8, "");
	fflush(stderr);
}

/* ---- targets ---- */

static void on_lookup(void *data, const struct lookup_answer *answer)
{
	struct job *j = data;

	for (int i = 0; i < 2; i++) {
		__u8 family = i ? FAMILY_IPV4 : FAMILY_IPV6;

		if (j->family && j->family != family)
			continue;
		if (answer->failed[i]) {
			log_warning("%s: no %s address was found: %s", j->target, i ? "IPv4" :
				    "IPv6", answer->failed[i]);
			j->lookup_failed = true;
		}
		for (size_t a = 0; a < answer->n; a++)
			if (answer->list[a].family == family) {
				j->reports[j->n++].target = answer->list[a];
				break;
			}
	}
}

static int find_targets(struct job *j)
{
	struct lookup *lookup;
	int rc;

	if (!address_parse(j->target, &j->reports[0].target)) {
		j->n = 1;
		return 0;
	}
	rc = uv_loop_init(&j->loop) ?: lookup_start(&j->loop, j->target, on_lookup, j, &lookup);
	if (rc) {
		log_error("cannot resolve %s: %s", j->target, strerror(-rc));
		return rc;
	}
	uv_run(&j->loop, UV_RUN_DEFAULT);
	if (!j->n)
		log_error("%s has no %saddress%s", j->target,
			  !j->family                 ? ""
			  : j->family == FAMILY_IPV4 ? "IPv4 "
						     : "IPv6 ",
			  j->lookup_failed ? " that is known now" : "");
	return j->n ? 0 : -ENOENT;
}

static int find_link(const struct job *j, struct mtu_report *r)
{
	static char why[HOST_NAMES_LEN + 64];
	char there[HOST_NAMES_LEN];
	__u32 oif = 0;
	int rc = j->through ? 0 : nl_route_get(&r->target, 0, &oif);

	for (size_t i = 0; i < j->n_links && !rc; i++)
		if (j->through ? !strcmp(j->links[i].name, j->through)
			       : j->links[i].ifindex == oif) {
			r->link = j->links[i];
			return 0;
		}
	if (j->through) {
		snprintf(r->link.name, sizeof(r->link.name), "%s", j->through);
		snprintf(why, sizeof(why), "this host has no such interface: name one of %s",
			 host_names_now(j->through, there));
		r->why = why;
	}
	return rc ?: -ENODEV;
}

/* ---- WireGuard ---- */

/* Returns the peer that WireGuard sends to for this address (the longest AllowedIPs), or NULL. */
static const struct wg_peer *peer_of(const struct wg_device *d, const struct address *to)
{
	const struct wg_peer *found = NULL;
	int len = -1;

	for (size_t i = 0; i < d->n_peers; i++)
		for (size_t k = 0; k < d->peers[i].n_allowed; k++)
			if (prefix_covers(&d->peers[i].allowed[k], to) &&
			    d->peers[i].allowed[k].len > len) {
				found = &d->peers[i];
				len = d->peers[i].allowed[k].len;
			}
	return found;
}

static int read_wireguard(struct mtu_report *r, __u32 *ret_mark)
{
	const struct wg_peer *p;
	struct wg_device d;
	int rc = wg_read(r->link.name, &d);

	r->wireguard = !rc || !strcmp(r->link.kind, "wireguard");
	if (rc) {
		if (r->wireguard)
			log_warning("%s: cannot read the peers of this interface: %s: run this as root for a better answer",
				    r->link.name, strerror(-rc));
		return 0;
	}
	p = peer_of(&d, &r->target);
	if (p && p->endpoint.family) {
		r->endpoint = p->endpoint;
		r->endpoint_port = p->endpoint_port;
		r->handshake = p->handshake;
		*ret_mark = d.fwmark;
	} else {
		r->why = p ? "its WireGuard peer has no endpoint yet: wait for a handshake, or set the endpoint" :
			     "no WireGuard peer has this address in its AllowedIPs: add it to one";
		rc = -ENETUNREACH;
	}
	wg_free(&d);
	return rc;
}

/* Measures the path of WireGuard's own packets, between the ends of the tunnel. mark: firewall mark
 * of these packets, by which rules keep them out of the tunnel. */
static void measure_outside(const struct job *j, struct mtu_report *r, struct mtu_way w, __u32 mark)
{
	unsigned int top = r->link.mtu + mtu_overhead(r->endpoint.family);
	int rc;

	for (size_t i = 0; &j->reports[i] < r; i++)	/* measure each path only once */
		if (j->reports[i].has_outside &&
		    address_equal(&j->reports[i].endpoint, &r->endpoint)) {
			r->has_outside = true;
			r->outside = j->reports[i].outside;
			return;
		}
	w.to = r->endpoint;
	w.device = NULL;
	w.scope = 0;
	w.believe = false;
	w.mark = mark;
	rc = mtu_measure(&w, top < MTU_MAX ? top : MTU_MAX, &r->outside);
	r->has_outside = !rc;
}

static void measure(const struct job *j, struct mtu_report *r)
{
	struct mtu_way w = {
		.to = r->target,
		.device = j->through,
		.until = j->until,
		.progress = isatty(STDERR_FILENO) ? print_progress : NULL,
	};
	__u32 mark = 0;

	r->error = find_link(j, r) ?: read_wireguard(r, &mark);
	if (!r->error && !r->link.up)
		r->error = -ENETDOWN;
	if (r->error)
		return;
	w.scope = address_is_link_local(&r->target) ? r->link.ifindex : 0;
	/* On Linux the sender's socket decides whether ICMP messages about the MTU are believed,
	 * also for the WireGuard packet around a probe. A socket for IPv6 that did not believe them
	 * would forbid to fragment that packet, unlike all other traffic. */
	w.believe = r->wireguard && r->target.family == FAMILY_IPV6 &&
		    r->endpoint.family != FAMILY_IPV4;
	r->error = mtu_measure(&w, r->link.mtu < MTU_MAX ? r->link.mtu : MTU_MAX, &r->path);
	if (r->error || !r->wireguard)
		return;
	if (r->endpoint.family)
		measure_outside(j, r, w, mark);
	r->tunnel = mtu_of_tunnel(r->link.mtu, mtu_overhead(r->endpoint.family), &r->path.found,
				  r->has_outside ? &r->outside.found : NULL);
}

/* ---- the command ---- */

/* Returns the exit code. If one family was measured, it is no failure that the host lacks the
 * other. */
static int status_of(const struct job *j)
{
	bool measured = false, failed = false, without = false;
	int status = EXIT_DONE;

	for (size_t i = 0; i < j->n; i++) {
		enum mtu_verdict v = mtu_report_verdict(&j->reports[i]);

		measured |= v <= MTU_FRAGMENTED;
		failed |= v == MTU_NO_ANSWER || v == MTU_UNFINISHED;
		without |= v == MTU_NO_WAY;
		if (v != MTU_CLEAR && v <= MTU_FRAGMENTED)
			status = EXIT_HOST;
	}
	return failed || (without && !measured) ? EXIT_FAILED : status;
}

static int parse_family(void *member, const struct command_option *o, char *value)
{
	*(__u8 *)member = o->id;
	return 0;
}

static int check_target(struct job *j, int n, char **words)
{
	struct address literal;
	const char *why = NULL;
	bool is_name;

	if (n != 1) {
		log_error("mtu: %s%s", n ? "only one target can be measured: remove " :
			  "the target is missing: add the address or name of a host, such as `wgxdp mtu vpn.example.net`",
			  n ? words[1] : "");
		return -EINVAL;
	}
	j->target = words[0];
	is_name = address_parse(j->target, &literal);
	if (is_name)
		why = address_wrong(j->target, 0, DNS_NAMES);
	if (why)
		log_error("mtu: %s: %s", j->target, why);
	else if (!is_name && j->family && literal.family != j->family)
		log_error("mtu: %s: the address does not fit -%c: leave that option out", j->target,
			  j->family == FAMILY_IPV4 ? '4' : '6');
	else if (!is_name && address_is_link_local(&literal) && !j->through)
		log_error("mtu: %s: this is a link-local address: name its interface with --through IF", j->target);
	else
		return 0;
	return -EINVAL;
}

static int run_mtu(const struct global *g, int argc, char **argv)
{
	struct job j = { .until = uv_hrtime() + SECONDS * 1000000000ULL };
	int rc, n;
	char **words = options_parse(&mtu_command, argc, argv, &j, &n);

	if (!words || check_target(&j, n, words))
		return EXIT_USAGE;
	rc = nl_links(&j.links, &j.n_links);
	if (rc)
		log_error("cannot read the interfaces: %s", strerror(-rc));
	if (rc || find_targets(&j))
		return EXIT_FAILED;
	for (size_t i = 0; i < j.n; i++)
		measure(&j, &j.reports[i]);
	if (isatty(STDERR_FILENO))	/* clear the progress */
		fprintf(stderr, "\r%*s\r", ADDRESS_STRLEN + 24, "");
	for (size_t i = 0; i < j.n; i++)
		mtu_report_failure(&j.reports[i]);
	mtu_report_print(j.reports, j.n, j.json);
	return status_of(&j);
}

static const struct command_option options[] = {
	{ 0, "through", "IF", offsetof(struct job, through),
	  "the WireGuard interface in whose tunnel TARGET is",
	  parse_interface, .values = "@interface" },
	{ '4', NULL, NULL, offsetof(struct job, family), "only IPv4", parse_family, FAMILY_IPV4 },
	{ '6', NULL, NULL, offsetof(struct job, family), "only IPv6", parse_family, FAMILY_IPV6 },
	JSON_OPTION(offsetof(struct job, json)),
	{ 0 },
};

const struct command mtu_command = {
	.name = "mtu",
	.summary = "measure the MTU of a path, and say which MTU to set where",
	.usage = "TARGET [--through IF] [-4 | -6] [-j | --json]",
	.about = "Finds the longest packet that passes to TARGET, with ICMP echo requests that must not be fragmented. It reports which router announced a limit, or that packets are lost silently (a black hole), and which MTU to set where. TARGET is an address or a name. With a name, it measures the first address of each family. If TARGET is reached through WireGuard, it also measures the path to the tunnel's other end.\nExit status 0: packets as long as the interface's MTU pass. 3: they do not pass, or only in fragments. 1: the measurement failed, for example because nothing answers. 2: wrong usage.",
	.run = run_mtu,
	.options = options,
	.operand = "",
	.only_prints = true,
};
