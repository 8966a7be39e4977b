/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp knock: hears knocks without a configuration, as an instance of its own; and knocks at another host.
 */
#include <errno.h>
#include <getopt.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cmd/command.h"
#include "config/config_guard.h"
#include "config/config_learn.h"
#include "daemon/daemon.h"
#include "plan/plan.h"
#include "lib/log.h"
#include "instance/state.h"
#include "net/wireguard.h"

#define HOPS 30
#define INSTANCE "knock"		/* unless --instance says another */

const char knock_help[] =
	"[-i IF] [-p PORT] [-c COMMAND] | -k | send [-p PORT] HOST\n\n"
	"Hears knocks: UDP packets with a TTL or hop limit of 1 for this host, to PORT or one of the 99 above it, as `traceroute -p PORT HOST`\n"
	"sends them. A knock lets the endpoint of IF's peer be learnt again from its next handshake initiation, and runs COMMAND. Stays until\n"
	"it is stopped; it comes in by the interfaces that have default routes. With a configuration: the section learn.\n"
	"`send` knocks at HOST, however many hops away.\n\n"
	"  -i IF       the WireGuard interface (default: the only one)\n"
	"  -p PORT     default 19000\n"
	"  -c COMMAND  a program with its arguments, run as nobody, without a shell\n"
	"  -k          stops the one that runs\n";

struct arguments {
	const char *interface, *command;
	__be16 port;
	bool kill;
};

static int parse(int argc, char **argv, struct arguments *a)
{
	int option;

	opterr = 0;
	while ((option = getopt(argc, argv, ":i:p:c:k")) != -1) {
		switch (option) {
		case 'i':
			a->interface = optarg;
			break;
		case 'c':
			a->command = optarg;
			break;
		case 'k':
			a->kill = true;
			break;
		case 'p':
			if (!port_parse(optarg, &a->port) && ntohs(a->port) <= 65536 - KNOCK_PORTS)
				break;
			log_error("-p %s: 1 to %u is wanted, for it is the first of %u", optarg, 65536 - KNOCK_PORTS, KNOCK_PORTS);
			return -EINVAL;
		default:
			option_error("knock", option, argv);
			return -EINVAL;
		}
	}
	return 0;
}

/* ---- send ---- */

static int send_all(const struct addrinfo *to)
{
	int fd = socket(to->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc = fd < 0 ? -errno : 0, sent = 0, none = 0;

	for (int hops = 1; hops <= HOPS && !rc; hops++) {
		if (to->ai_family == AF_INET6 ? setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof(hops))
					      : setsockopt(fd, IPPROTO_IP, IP_TTL, &hops, sizeof(hops)))
			rc = -errno;
		else if (sendto(fd, "knock", 5, 0, to->ai_addr, to->ai_addrlen) == 5)
			sent++;
		else if (errno == EHOSTUNREACH || errno == ECONNREFUSED)	/* most often an answer to one before */
			none = -errno;
		else
			rc = -errno;
	}
	if (fd >= 0)
		close(fd);
	return sent ? 0 : rc ?: none;
}

static int cmd_send(int argc, char **argv)
{
	struct addrinfo hints = { .ai_socktype = SOCK_DGRAM }, *found = NULL;
	struct arguments a = { .port = htons(KNOCK_PORT) };
	bool any = false;
	char port[8];
	int rc;

	if (parse(argc, argv, &a))
		return EXIT_USAGE;
	if (optind + 1 != argc || a.interface || a.command || a.kill) {
		log_error("knock send: one HOST is wanted, and nothing but -p PORT");
		return EXIT_USAGE;
	}
	snprintf(port, sizeof(port), "%u", ntohs(a.port));
	rc = getaddrinfo(argv[optind], port, &hints, &found);
	if (rc) {
		log_error("knock send: %s: %s", argv[optind], gai_strerror(rc));
		return EXIT_FAILED;
	}
	for (const struct addrinfo *to = found; to; to = to->ai_next) {
		rc = send_all(to);
		any |= !rc;
	}
	freeaddrinfo(found);
	if (!any)
		log_error("knock send: %s: %s", argv[optind], strerror(-rc));
	return any ? EXIT_DONE : EXIT_FAILED;
}

/* ---- hearing ---- */

static bool is_wireguard(const char *name)
{
	struct wg_device d;

	if (wg_read(name, &d))
		return false;
	wg_free(&d);
	return true;
}

/* The only interface that is WireGuard's; 0 or -errno, told */
static int only_wireguard(const struct host *h, char ret[IFNAMSIZ])
{
	unsigned int n = 0;

	for (size_t i = 0; i < h->n_links; i++)
		if (is_wireguard(h->links[i].name)) {
			strcpy(ret, h->links[i].name);
			n++;
		}
	if (n == 1)
		return 0;
	log_error("knock: there %s: -i says which one", n ? "are several WireGuard interfaces" : "is no WireGuard interface");
	return -ENOENT;
}

static bool has_default(const struct host *h, const struct nl_link *link)
{
	for (size_t i = 0; i < h->n_routes; i++)
		if (!h->routes[i].dst.len && h->routes[i].oif == link->ifindex)
			return !is_wireguard(link->name);
	return false;
}

static void write_words(FILE *out, char *words)
{
	const char *between = " ";

	fputs(", command: [", out);
	for (char *word; (word = strsep(&words, " ")); between = ", ")
		if (*word) {
			fputs(between, out);
			config_put_text(out, word);
		}
	fputs(" ]", out);
}

/* A configuration that says the same. 0 or -errno, told. */
static int write_file(const char *path, const struct arguments *a, const struct host *h, const char *interface)
{
	FILE *out = fopen(path, "we");
	char *words = a->command ? strdup(a->command) : NULL;
	bool any = false;

	if (!out) {
		log_error("cannot write %s: %s", path, strerror(errno));
		free(words);
		return -EACCES;
	}
	fputs("interfaces:\n", out);
	for (size_t i = 0; i < h->n_links; i++)
		if (has_default(h, &h->links[i])) {
			fprintf(out, "  - { name: %s, role: wan }\n", h->links[i].name);
			any = true;
		}
	fprintf(out, "learn:\n  - { interface: %s, knock: { port: %u", interface, ntohs(a->port));
	if (words)
		write_words(out, words);
	fputs(" } }\n", out);
	free(words);
	fclose(out);
	if (!any)
		log_error("knock: no interface has a default route: a configuration says by which they come: see wgxdp.yaml(5), learn");
	return any ? 0 : -ENOENT;
}

int cmd_knock(const struct global *g, int argc, char **argv)
{
	struct arguments a = { .port = htons(KNOCK_PORT) };
	struct global own = { strcmp(g->instance, INSTANCE_DEFAULT) ? g->instance : INSTANCE };
	char path[STATE_PATH_LEN], interface[IFNAMSIZ] = "", *none[] = { "down", NULL };
	struct host h = { 0 };
	int rc;

	if (argc > 1 && !strcmp(argv[1], "send"))
		return cmd_send(argc - 1, argv + 1);
	if (parse(argc, argv, &a))
		return EXIT_USAGE;
	if (optind < argc) {
		log_error("knock: %s: not an option; `wgxdp knock --help` lists them", argv[optind]);
		return EXIT_USAGE;
	}
	if (a.kill)
		return cmd_down(&own, 1, none);
	if (a.interface)
		snprintf(interface, sizeof(interface), "%s", a.interface);
	rc = host_read(&h) ?: a.interface ? 0 : only_wireguard(&h, interface);
	mkdir(STATE_DIR, 0755);
	state_path(path, own.instance, "");
	mkdir(path, 0755);
	state_path(path, own.instance, "knock.yaml");
	rc = rc ?: write_file(path, &a, &h, interface);
	host_free(&h);
	return rc ? EXIT_FAILED : daemon_run(own.instance, path);
}
