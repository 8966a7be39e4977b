/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp knock: waits for knocks without a configuration, as an instance of its own, and sends
 * knocks to another host.
 */
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include "cmd/command.h"
#include "config/config_parts.h"
#include "config/config_sections.h"
#include "daemon/daemon.h"
#include "lib/file.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "net/host.h"
#include "lib/paths.h"
#include "net/wireguard.h"

#define HOPS 30
#define INSTANCE "knock"

struct arguments {
	const char *interface, *command;
	__be16 port;
	bool kill;
};

static int parse_knock_port(void *member, const struct command_option *o, char *value)
{
	unsigned long port;
	int rc = option_number(o, value, 1, 65536 - KNOCK_PORTS, &port);

	if (!rc)
		*(__be16 *)member = htons(port);
	return rc;
}

/* ---- send ---- */

static int send_all(const struct addrinfo *to)
{
	int fd = socket(to->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc = fd < 0 ? -errno : 0;
	int sent = 0, none = 0;

	for (int hops = 1; hops <= HOPS && !rc; hops++) {
		if (to->ai_family == AF_INET6 ?
			    setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof(hops)) :
			    setsockopt(fd, IPPROTO_IP, IP_TTL, &hops, sizeof(hops)))
			rc = -errno;
		else if (sendto(fd, "knock", 5, 0, to->ai_addr, to->ai_addrlen) == 5)
			sent++;
		else if (errno == EHOSTUNREACH || errno == ECONNREFUSED)
			none = -errno;		/* mostly an ICMP error about an earlier knock */
		else
			rc = -errno;
	}
	fd_close(fd);
	return sent ? 0 : rc ?: none;
}

static int send_knocks(const struct arguments *a, const char *host)
{
	struct addrinfo hints = { .ai_socktype = SOCK_DGRAM }, *found = NULL;
	bool any = false;
	char port[8];
	int rc;

	snprintf(port, sizeof(port), "%u", ntohs(a->port));
	rc = getaddrinfo(host, port, &hints, &found);
	if (rc) {
		log_error("knock send: %s: %s", host, gai_strerror(rc));
		return EXIT_FAILED;
	}
	for (const struct addrinfo *to = found; to; to = to->ai_next) {
		rc = send_all(to);
		any |= !rc;
	}
	if (!any)
		log_error("knock send: %s: %s", host, strerror(-rc));
	return any ? EXIT_DONE : EXIT_FAILED;
}

/* ---- knocks that arrive ---- */

static bool is_wireguard(const char *name)
{
	struct wg_device d;

	if (wg_read(name, &d))
		return false;
	wg_free(&d);
	return true;
}

/* Finds the host's only WireGuard interface. Returns 0, or -errno after printing an error. */
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
	log_error("knock: %s", n ? "this host has several WireGuard interfaces: name one with -i" :
		  "this host has no WireGuard interface: create one first");
	return -ENOENT;
}

static int check_exists(const struct host *h, const char *interface)
{
	char names[HOST_NAMES_LEN];

	if (host_link_by_name(h, interface))
		return 0;
	log_error("knock: -i %s: this host has no interface '%s': name one of %s", interface,
		  interface, host_link_names(h, interface, names));
	return -ENODEV;
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

/* Writes a configuration file that does what the command's options say. Returns 0, or -errno after
 * printing an error. */
static int write_file(const char *path, const struct arguments *a, const struct host *h,
		      const char *interface)
{
	FILE *out = fopen(path, "we");
	char *words = a->command ? xstrdup(a->command) : NULL;
	bool any = false;

	if (!out) {
		log_error("cannot write %s: %s", path, strerror(errno));
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
	fclose(out);
	if (!any)
		log_error("knock: no interface has a default route: name the interfaces in the section learn of a configuration, see wgxdp.yaml(5)");
	return any ? 0 : -ENOENT;
}

static int parse(struct arguments *a, int argc, char **argv, const char **ret_host)
{
	int n;
	char **words = options_parse(&knock_command, argc, argv, a, &n);

	if (!words)
		return -EINVAL;
	*ret_host = n ? words[1] : NULL;
	if (n && strcmp(words[0], "send"))
		log_error("knock: %s: this is not an option: `wgxdp knock --help` lists the options", words[0]);
	else if (n && (n != 2 || a->interface || a->command || a->kill))
		log_error("knock send: write one HOST, and no option except -p PORT");
	else
		return 0;
	return -EINVAL;
}

static int run_knock(const struct global *g, int argc, char **argv)
{
	struct arguments a = { .port = htons(KNOCK_PORT) };
	struct global own = { strcmp(g->instance, INSTANCE_DEFAULT) ? g->instance : INSTANCE };
	char path[RUN_STATE_PATH_LEN], interface[IFNAMSIZ] = "", *none[] = { "down", NULL };
	const char *host = NULL;
	struct host h = { 0 };
	int rc;

	if (parse(&a, argc, argv, &host))
		return EXIT_USAGE;
	if (host)
		return send_knocks(&a, host);
	if (a.kill)
		return down_command.run(&own, 1, none);
	if (a.interface)
		snprintf(interface, sizeof(interface), "%s", a.interface);
	rc = host_read(&h) ?: a.interface ? check_exists(&h, interface) :
	     only_wireguard(&h, interface);
	mkdir(RUN_STATE_DIR, 0755);
	run_state_path(path, own.instance, "");
	mkdir(path, 0755);
	run_state_path(path, own.instance, "knock.yaml");
	rc = rc ?: write_file(path, &a, &h, interface);
	host_free(&h);
	return rc ? EXIT_FAILED : daemon_run(own.instance, path);
}

static const struct command_option options[] = {
	{ 'i', NULL, "IF", offsetof(struct arguments, interface),
	  "the WireGuard interface (default: the only one)", .values = "@interface" },
	{ 'p', NULL, "PORT", offsetof(struct arguments, port),
	  "the first port (default: 19000)", parse_knock_port },
	{ 'c', NULL, "COMMAND", offsetof(struct arguments, command),
	  "a program and its arguments to run after a knock, as the user nobody and without a shell" },
	{ 'k', NULL, NULL, offsetof(struct arguments, kill), "stop the running `wgxdp knock`" },
	{ 0 },
};

const struct command knock_command = {
	.name = "knock",
	.summary = "find a WireGuard peer again after its address has changed, or help a host to find this one",
	.usage = "[-i IF] [-p PORT] [-c COMMAND]\n-k\nsend [-p PORT] HOST",
	.about = "Waits for knocks, until it is stopped. A knock is a UDP packet to this host with a TTL or hop limit of 1. It goes to PORT or one of the 99 ports above it: `traceroute -p PORT HOST` sends such packets. After a knock, wgxdp sets the endpoint of IF's peer from its next handshake initiation, and runs COMMAND. It listens on the interfaces with default routes. The section learn of a configuration does the same.\n"
		 "`send` sends a knock to HOST, however many hops away it is.",
	.run = run_knock,
	.options = options,
	.words = (const struct command_word[]){ { "send" }, { 0 } },
};
