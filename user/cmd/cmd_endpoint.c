/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp endpoint: the endpoint of a WireGuard peer brought to the first address of its name that can be reached. What it says
 * on standard output is word for word what the script said whose place it takes: people have its logs.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cmd/command.h"
#include "config/config_check.h"
#include "net/echo.h"
#include "lib/log.h"
#include "net/lookup.h"
#include "net/wireguard.h"

const char endpoint_help[] =
	"--interface IF --peer KEY --host NAME --port PORT [--dryrun]\n\n"
	"Sets the endpoint of a WireGuard peer to the first address of NAME that answers an ICMP echo request: IPv6 before IPv4, three\n"
	"requests to each, all addresses at once. Kernel WireGuard and wireguard-go. Nothing of wgxdp needs to run.\n"
	"Exit status: 0 set, or nothing to do; 255 nothing resolved; 254 nothing reachable; 1 it could not be set; 2 usage.\n\n"
	"  --interface IF  the WireGuard interface\n"
	"  --peer KEY      the peer's public key\n"
	"  --host NAME     what its endpoint is called, or an address\n"
	"  --port PORT     its port\n"
	"  --dryrun        only say what would be done; also --dry-run\n";

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
	int error;			/* -errno */
};

/* ---- what there is and what answers ---- */

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
			log_warning("%s: no %s address now: %s", j->host, i ? "IPv4" : "IPv6", answer->failed[i]);
	if (!answer->n)
		return;
	j->candidates = calloc(answer->n, sizeof(*j->candidates));
	j->reached = calloc(answer->n, sizeof(*j->reached));
	if (!j->candidates || !j->reached) {
		j->error = -ENOMEM;
		return;
	}
	memcpy(j->candidates, answer->list, answer->n * sizeof(*j->candidates));
	j->n = answer->n;
	printf("Candidate addresses: [");
	print_list(j, false);
	puts("]");
	fflush(stdout);
	j->error = echo_start(&j->loop, j->candidates, j->n, on_echo, j, &j->echo);
}

/* An exit code; EXIT_DONE: *ret is the first that answers */
static int find(struct job *j, const struct address **ret)
{
	char text[ADDRESS_STRLEN];

	if (uv_loop_init(&j->loop) || lookup_start(&j->loop, j->host, on_lookup, j, &j->lookup)) {
		log_error("cannot resolve %s: %s", j->host, strerror(ENOMEM));
		return EXIT_FAILED;
	}
	uv_run(&j->loop, UV_RUN_DEFAULT);
	uv_loop_close(&j->loop);
	if (j->error) {
		log_error("cannot send ICMP echo requests: %s%s", strerror(-j->error), j->error != -EPERM && j->error != -EACCES ? "" :
			  "; the group of this process is to be within net.ipv4.ping_group_range, or CAP_NET_RAW is needed");
		return EXIT_FAILED;
	}
	if (!j->n) {
		printf("No addresses resolved for %s.\n", j->host);
		return EXIT_UNRESOLVED;
	}
	for (size_t i = 0; i < j->n; i++) {
		printf("%s is %sreachable\n", address_format(&j->candidates[i], text), j->reached[i] ? "" : "not ");
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

/* ---- what WireGuard has, and gets ---- */

static int read_peer(const struct job *j, struct wg_peer *ret)
{
	struct wg_device d;
	int rc = wg_read(j->interface, &d);
	bool found = false;

	if (rc) {
		log_error("--interface %s: %s", j->interface, rc == -ENODEV ? "there is no such interface" : rc == -EOPNOTSUPP ?
			  "that is no WireGuard interface" : strerror(-rc));
		return rc;
	}
	for (size_t i = 0; i < d.n_peers && !found; i++)
		if (!wg_key_compare(&d.peers[i].key, &j->peer)) {
			found = true;
			*ret = d.peers[i];
		}
	wg_free(&d);
	if (!found)
		log_error("--peer %s: %s has no such peer; `wg show %s peers` lists them", j->peer_text, j->interface, j->interface);
	return found ? 0 : -ENOENT;
}

static int bring(const struct job *j, const struct address *chosen)
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
	snprintf(command, sizeof(command), "wg set %s peer %s endpoint %s", j->interface, j->peer_text, is);
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

static bool take(struct job *j, int option, const char *value)
{
	const char *why;

	switch (option) {
	case 'i':
		j->interface = value;
		if (is_interface_name(value))
			return true;
		log_error("--interface %s: no name of an interface, as wg0", value);
		return false;
	case 'p':
		j->peer_text = value;
		if (!wg_key_parse(value, &j->peer))
			return true;
		log_error("--peer %s: no public key: 44 characters of base64, as `wg show IF peers` prints them", value);
		return false;
	case 'h':
		j->host = value;
		why = address_wrong(value, 0, true);
		if (why)
			log_error("--host %s: %s", value, why);
		return !why;
	case 'P':
		if (!port_parse(value, &j->port))
			return true;
		log_error("--port %s: no port: 1 to 65535, as 51820", value);
		return false;
	}
	j->dry_run = true;
	return true;
}

static int parse(int argc, char **argv, struct job *j)
{
	static const struct option options[] = {
		{ "interface", required_argument, NULL, 'i' }, { "peer", required_argument, NULL, 'p' }, { "host", required_argument, NULL, 'h' },
		{ "port", required_argument, NULL, 'P' }, { "dryrun", no_argument, NULL, 'n' }, { "dry-run", no_argument, NULL, 'n' }, { 0 }
	};
	const char *lacks;
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (option == ':' || option == '?') {
			option_error("endpoint", option, argv);
			return -EINVAL;
		}
		if (!take(j, option, optarg))
			return -EINVAL;
	}
	lacks = !j->interface ? "--interface IF" : !j->peer_text ? "--peer KEY" : !j->host ? "--host NAME" : !j->port ? "--port PORT" : NULL;
	if (optind < argc)
		log_error("endpoint: %s: not an option; `wgxdp endpoint --help` lists them", argv[optind]);
	else if (lacks)
		log_error("endpoint: %s is missing", lacks);
	return optind < argc || lacks ? -EINVAL : 0;
}

int cmd_endpoint(const struct global *g, int argc, char **argv)
{
	const struct address *chosen = NULL;
	struct job j = { 0 };
	struct wg_peer p;
	int status;

	if (parse(argc, argv, &j))
		return EXIT_USAGE;
	if (read_peer(&j, &p))		/* before anything is sent */
		return EXIT_FAILED;
	status = find(&j, &chosen);
	if (status == EXIT_DONE)
		status = bring(&j, chosen);
	free(j.candidates);
	free(j.reached);
	return status;
}
