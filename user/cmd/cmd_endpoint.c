/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp endpoint: sets the endpoint of a WireGuard peer to the first address of its name that
 * answers. It prints the same words as the script that it replaces, because people keep and parse
 * those logs.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "cmd/command.h"
#include "lib/memory.h"
#include "net/echo.h"
#include "lib/log.h"
#include "net/host.h"
#include "net/dns.h"
#include "net/wireguard.h"

enum { EXIT_UNREACHABLE = 254, EXIT_UNRESOLVED = 255 };

struct job {
	const char *interface, *host, *peer_text;
	struct wg_key peer;
	__be16 port;
	bool dry_run;

	uv_loop_t loop;
	struct lookup *lookup;
	struct echo *echo;
	struct address *candidates;
	size_t n;
	bool *reached;
	int error;			/* -errno of the step that failed; 0: none */
};

/* ---- addresses, and which of them answer ---- */

static void on_echo(void *data, const bool *reached)
{
	struct job *j = data;

	memcpy(j->reached, reached, j->n * sizeof(*reached));
}

static void print_list(const struct job *j, bool only_reached)
{
	const char *between = "";
	char text[ADDRESS_STRLEN];

	for (size_t i = 0; i < j->n; i++)
		if (!only_reached || j->reached[i]) {
			printf("%s'%s'", between, address_format(&j->candidates[i], text));
			between = ", ";
		}
}

static void on_lookup(void *data, const struct lookup_answer *answer)
{
	struct job *j = data;

	for (int i = 0; i < 2; i++)
		if (answer->failed[i])
			log_warning("%s: no %s address was found: %s", j->host, i ? "IPv4" : "IPv6",
				    answer->failed[i]);
	if (!answer->n)
		return;
	j->candidates = xmemdup(answer->list, answer->n * sizeof(*j->candidates));
	j->reached = xcalloc(answer->n, sizeof(*j->reached));
	j->n = answer->n;
	printf("Candidate addresses: [");
	print_list(j, false);
	puts("]");
	fflush(stdout);
	j->error = echo_start(&j->loop, j->candidates, j->n, on_echo, j, &j->echo);
}

/* Sets *ret to the first address that answers, and returns EXIT_DONE; otherwise returns another
 * exit code. */
static int find_reachable(struct job *j, const struct address **ret)
{
	char text[ADDRESS_STRLEN];
	int rc = uv_loop_init(&j->loop) ?:
		 lookup_start(&j->loop, j->host, on_lookup, j, &j->lookup);

	if (rc) {
		log_error("cannot resolve %s: %s", j->host, strerror(-rc));
		return EXIT_FAILED;
	}
	uv_run(&j->loop, UV_RUN_DEFAULT);
	if (j->error) {
		log_error("cannot send ICMP echo requests: %s%s", strerror(-j->error),
			  j->error != -EPERM && j->error != -EACCES ? "" :
			  ": run this as root with CAP_NET_RAW, or add the process's group to the sysctl net.ipv4.ping_group_range");
		return EXIT_FAILED;
	}
	if (!j->n) {
		printf("No addresses resolved for %s.\n", j->host);
		return EXIT_UNRESOLVED;
	}
	for (size_t i = 0; i < j->n; i++) {
		printf("%s is %sreachable\n", address_format(&j->candidates[i], text),
		       j->reached[i] ? "" : "not ");
		if (j->reached[i] && !*ret)
			*ret = &j->candidates[i];
	}
	if (*ret) {
		printf("All reachable addresses: [");
		print_list(j, true);
		puts("]");
		return EXIT_DONE;
	}
	printf("None of the tested endpoints ([");
	print_list(j, false);
	puts("]) were reachable.");
	return EXIT_UNREACHABLE;
}

/* ---- WireGuard ---- */

static int read_peer(const struct job *j, struct wg_peer *ret)
{
	struct wg_device d = { 0 };
	char there[HOST_NAMES_LEN];
	int rc = wg_read(j->interface, &d);
	const struct wg_peer *p = wg_find_peer(&d, &j->peer);

	if (rc == -ENODEV)
		log_error("--interface %s: this host has no such interface: name one of %s",
			  j->interface, host_names_now(j->interface, there));
	else if (rc)
		log_error("--interface %s: %s%s", j->interface,
			  rc == -EOPNOTSUPP ? "this is not a WireGuard interface: name one, such as wg0" :
			  strerror(-rc),
			  rc == -EPERM || rc == -EACCES ? ": run as root" : "");
	else if (!p)
		log_error("--peer %s: %s has no peer with this public key: `wg show %s peers` lists the keys",
			  j->peer_text, j->interface, j->interface);
	else
		*ret = *p;
	return rc ?: p ? 0 : -ENOENT;
}

static int set_endpoint(const struct job *j, const struct address *chosen)
{
	char is[ADDRESS_STRLEN], was[ADDRESS_STRLEN] = "(none)", command[512];
	struct wg_peer p;
	int rc;

	endpoint_format(chosen, j->port, is);
	printf("Chosen endpoint is %s\n", is);
	if (read_peer(j, &p))
		return EXIT_FAILED;
	if (p.endpoint.family)
		endpoint_format(&p.endpoint, p.endpoint_port, was);
	printf("Existing endpoint is %s\n", was);
	if (!strcmp(is, was)) {
		printf("Nothing to do: endpoint is already %s\n", is);
		return EXIT_DONE;
	}
	snprintf(command, sizeof(command), "wg set %s peer %s endpoint %s", j->interface,
		 j->peer_text, is);
	if (j->dry_run) {
		printf("DRY RUN: Would have executed %s\n", command);
		return EXIT_DONE;
	}
	printf("Executing %s\n", command);
	fflush(stdout);
	rc = wg_set_endpoint(j->interface, &j->peer, chosen, j->port);
	if (rc) {
		log_error("cannot set the endpoint of %s: %s", j->interface, strerror(-rc));
		return EXIT_FAILED;
	}
	printf("Done executing %s\n", command);
	return EXIT_DONE;
}

/* ---- the command ---- */

static int parse_key(void *arguments, const struct command_option *o, char *value)
{
	struct job *j = arguments;

	j->peer_text = value;
	return !wg_key_parse(value, &j->peer) ? 0 : option_wrong(o, value,
		"this is not a public key: copy all 44 characters that `wg show IF peers` prints");
}

static int parse_host(void *member, const struct command_option *o, char *value)
{
	const char *why = address_wrong(value, 0, DNS_NAMES);

	*(const char **)member = value;
	return why ? option_wrong(o, value, "%s", why) : 0;
}

static int parse_port(void *member, const struct command_option *o, char *value)
{
	return port_parse(value, member) ?
	       option_wrong(o, value, "this is not a port: write a number from 1 to 65535, such as 51820") : 0;
}

static int parse(int argc, char **argv, struct job *j)
{
	const char *missing;

	if (!options_parse(&endpoint_command, argc, argv, j, NULL))
		return -EINVAL;
	missing = !j->interface ? "--interface is missing: add the WireGuard interface, --interface wg0" :
		  !j->peer_text ? "--peer is missing: add the peer's public key, --peer KEY; `wg show INTERFACE peers` prints it" :
		  !j->host ? "--host is missing: add the name of the peer's host, --host vpn.example.net" :
		  !j->port ? "--port is missing: add the peer's port, --port 51820" : NULL;
	if (missing)
		log_error("endpoint: %s", missing);
	return missing ? -EINVAL : 0;
}

static int run_endpoint(const struct global *g, int argc, char **argv)
{
	const struct address *chosen = NULL;
	struct job j = { 0 };
	struct wg_peer p;
	int status;

	if (parse(argc, argv, &j))
		return EXIT_USAGE;
	if (read_peer(&j, &p))		/* fail before any packet is sent */
		return EXIT_FAILED;
	status = find_reachable(&j, &chosen);
	return status == EXIT_DONE ? set_endpoint(&j, chosen) : status;
}

static const struct command_option options[] = {
	{ 0, "interface", "IF", offsetof(struct job, interface),
	  "the WireGuard interface", parse_interface, .values = "@interface" },
	{ 0, "peer", "KEY", 0, "the peer's public key", parse_key },
	{ 0, "host", "NAME", offsetof(struct job, host),
	  "the name of the peer's endpoint, or an address", parse_host },
	{ 0, "port", "PORT", offsetof(struct job, port),
	  "the port of the peer's endpoint", parse_port },
	{ 0, "dryrun", NULL, offsetof(struct job, dry_run),
		"only print the command that would be run" },
	{ 0, "dry-run", NULL, offsetof(struct job, dry_run), "the same" },
	{ 0 },
};

const struct command endpoint_command = {
	.name = "endpoint",
	.summary = "set a WireGuard peer's endpoint to an address of its name that answers",
	.usage = "--interface IF --peer KEY --host NAME --port PORT [--dryrun]",
	.about = "Sets the endpoint of a WireGuard peer to the first address of NAME that answers an ICMP echo request. IPv6 addresses come before IPv4 addresses. Each address gets three requests, all at once. It works with the kernel's WireGuard and wireguard-go. Neither `up` nor the daemon needs to run.\nExit status 0: the endpoint is right. 255: the name has no address. 254: no address answers. 1: the endpoint could not be set. 2: wrong usage.",
	.run = run_endpoint,
	.options = options,
};
