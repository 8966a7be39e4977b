/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp up: from a file, or a firewall in one line, to a running instance: all of it or nothing.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "apply.h"
#include "command.h"
#include "config_check.h"
#include "grow.h"
#include "heap.h"
#include "log.h"
#include "service_args.h"
#include "state.h"
#include "try.h"

const char up_help[] =
	"[-c FILE] [--mode MODE] [--try SECONDS]\n"
	"       wgxdp up --wan IF [--wan IF]... --to BACKEND[,BACKEND][:PORT] [--lan IF]... [--port N[,N]...]\n"
	"                [--nat dnat|none|masquerade] [--mode MODE] [--try SECONDS]\n\n"
	"Loads the data path, attaches it and fills its maps. Running already, it is brought to what is asked for, touching\n"
	"only what differs. All of it or nothing.\n\n"
	"  -c, --config FILE  default " CONFIG_DEFAULT "; - is standard input\n"
	"  --wan IF           where clients come in; every address of it is listened on\n"
	"  --to BACKEND       wg-end's IPv4 address, IPv6 address or both; :PORT (default 51820), IPv6 in brackets then; a name\n"
	"                     stands for the family that is not there as an address, alone for IPv4\n"
	"  --lan IF           where wg-end is; default: what the routing table says\n"
	"  --port N[,N]       UDP ports to listen on (default 51820)\n"
	"  --nat MODE         dnat: IPv4 is translated to the backend, IPv6 to the backend's own address let through (default);\n"
	"                     none: no translation for either; masquerade: the backend sees an address of this host, and clients of\n"
	"                     either family reach it\n"
	"  --mode MODE        auto: native XDP where the driver has it, else generic, else tc (default); native, generic, tc\n"
	"  --try SECONDS      roll back to what ran before, unless Enter, or another `up`, keeps the change within that time; and\n"
	"                     where this command is ended, or its terminal hangs up\n";

struct arguments {
	const char *file;		/* NULL: none said */
	enum mode mode;
	bool mode_said;
	struct config *line;		/* made of --wan, --to …; NULL: none said */
	struct service_config *service;	/* its only one */
	bool port_said;			/* --port */
	unsigned int try_seconds;	/* 0: for good */
};

/* The configuration that a firewall in one line means: one service by the name of wg-end */
static int line_config(struct arguments *a)
{
	if (a->line)
		return 0;
	a->line = calloc(1, sizeof(*a->line));
	if (a->line)
		a->service = append(a->line->services, a->line->n_services);
	if (!a->service)
		return -ENOMEM;
	strcpy(a->service->name, "wg-end");
	a->service->backend.port = htons(51820);
	return 0;
}

static int add_interface(struct arguments *a, const char *name, enum link_role role)
{
	struct interface_config *i;

	if (!*name || strlen(name) >= IFNAMSIZ) {
		log_error("--%s %s: not an interface's name", role_name(role), name);
		return -EINVAL;
	}
	i = append(a->line->interfaces, a->line->n_interfaces);
	if (!i)
		return -ENOMEM;
	strcpy(i->name, name);
	i->role = role;
	return 0;
}

enum { OPT_WAN = 256, OPT_LAN, OPT_TO, OPT_PORT, OPT_NAT, OPT_MODE, OPT_TRY };

static int parse_seconds(struct arguments *a, const char *text)
{
	char *end;
	unsigned long seconds = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || !seconds || seconds > TRY_MAX) {
		log_error("--try %s: a number of seconds from 1 to %d is wanted", text, TRY_MAX);
		return -EINVAL;
	}
	a->try_seconds = seconds;
	return 0;
}

static int parse_option(struct arguments *a, int option)
{
	int rc = option == 'c' || option == OPT_MODE || option == OPT_TRY ? 0 : line_config(a);

	if (rc)
		return rc;
	switch (option) {
	case 'c':
		a->file = optarg;
		return 0;
	case OPT_WAN:
		return add_interface(a, optarg, ROLE_WAN);
	case OPT_LAN:
		return add_interface(a, optarg, ROLE_LAN);
	case OPT_TO:
		return service_backend(&a->service->backend, "--to", optarg);
	case OPT_PORT:
		a->port_said = true;
		return service_ports(a->service, optarg);
	case OPT_NAT:
		return service_nat(a->service, optarg);
	case OPT_TRY:
		return parse_seconds(a, optarg);
	case OPT_MODE:
		a->mode_said = true;
		if (!mode_parse(optarg, &a->mode))
			return 0;
		log_error("--mode %s: auto, native, generic or tc is wanted", optarg);
		return -EINVAL;
	}
	return -EINVAL;
}

struct line_errors {
	const struct config *config;
	unsigned int told;
};

/* What config_check finds, by the argument that said it. Services after the first, and where the first listens, repeat. */
static void tell_argument(void *data, const struct config_place *place, const char *text)
{
	struct line_errors *e = data;
	const char *argument = "up";
	size_t i;

	if (e->told && (strstr(place->path, "/listen/interface") || (!strncmp(place->path, "/services/", 10) &&
								     strncmp(place->path, "/services/0/", 12))))
		return;
	e->told++;
	if (sscanf(place->path, "/interfaces/%zu", &i) == 1)
		argument = e->config->interfaces[i].role == ROLE_WAN ? "--wan" : "--lan";
	else if (strstr(place->path, "/backend"))
		argument = "--to";
	else if (strstr(place->path, "/listen/ports"))
		argument = "--port";
	log_error("%s: %s", argument, without_key(text));
}

/* What only the whole line can tell. Each --wan listens: one service a wan, of the same backend. */
static int finish_line(struct arguments *a)
{
	struct config *c = a->line;
	struct line_errors errors = { .config = c };
	size_t wans = 0;
	__be16 *port;

	if (!*a->service->backend.ipv4 && !*a->service->backend.ipv6) {
		log_error("up: --to is missing: wg-end's address");
		return -EINVAL;
	}
	if (a->service->nat != NAT_NONE && !a->port_said) {
		port = append(a->service->ports, a->service->n_ports);
		if (!port)
			return -ENOMEM;
		*port = htons(51820);
	}
	for (size_t i = 0; i < c->n_interfaces; i++) {
		struct service_config *s;
		__be16 *ports;

		if (c->interfaces[i].role != ROLE_WAN)
			continue;
		if (!wans++) {
			strcpy(a->service->listen_interface, c->interfaces[i].name);
			continue;
		}
		s = append(c->services, c->n_services);
		ports = calloc(c->services->n_ports + 1, sizeof(*ports));
		if (!s || !ports)
			return -ENOMEM;
		*s = c->services[0];
		s->ports = memcpy(ports, s->ports, s->n_ports * sizeof(*ports));
		snprintf(s->name, sizeof(s->name), "wg-end-%zu", wans);
		strcpy(s->listen_interface, c->interfaces[i].name);
	}
	if (!wans) {
		log_error("up: --wan is missing: the interface on which clients come in");
		return -EINVAL;
	}
	return config_check_each(c, 0, tell_argument, &errors) ? -EINVAL : 0;
}

static int parse(struct arguments *a, int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' }, { "wan", required_argument, NULL, OPT_WAN },
		{ "lan", required_argument, NULL, OPT_LAN }, { "to", required_argument, NULL, OPT_TO },
		{ "port", required_argument, NULL, OPT_PORT }, { "nat", required_argument, NULL, OPT_NAT },
		{ "mode", required_argument, NULL, OPT_MODE },
		{ "try", required_argument, NULL, OPT_TRY }, { 0 },
	};
	int option, rc = 0;

	opterr = 0;
	while (!rc && (option = getopt_long(argc, argv, ":c:", options, NULL)) != -1) {
		if (option == ':' || option == '?')
			option_error("up", option, argv);
		rc = option == ':' || option == '?' ? -EINVAL : parse_option(a, option);
	}
	if (!rc && optind < argc) {
		log_error("up: %s: not an option; `wgxdp up --help` lists them", argv[optind]);
		rc = -EINVAL;
	}
	if (!rc && a->line && a->file) {
		log_error("up: either -c FILE or --wan and --to, not both");
		rc = -EINVAL;
	}
	return rc ?: a->line ? finish_line(a) : 0;
}

/* Under the lock; with --try it waits without */
static int bring_up(const char *instance, const struct config *c, unsigned int try_seconds)
{
	struct try *t = NULL;
	int lock = state_lock(instance), rc = lock < 0 ? lock : 0;

	if (!rc && try_seconds)
		rc = try_begin(instance, try_seconds, lock, &t);
	if (!rc)
		rc = apply(instance, c);
	if (!rc && !t)
		try_keep(instance);
	if (lock >= 0)
		close(lock);
	if (!t)
		return rc;
	if (!rc)
		return try_wait(t);
	try_abandon(t);
	return rc;
}

int cmd_up(const struct global *g, int argc, char **argv)
{
	struct arguments a = { 0 };
	int rc = parse(&a, argc, argv), status = EXIT_USAGE;

	if (!rc && !a.line) {
		heap_for_file(a.file ?: CONFIG_DEFAULT);
		rc = config_read(a.file ?: CONFIG_DEFAULT, &a.line);
		if (rc == -ENOENT && !a.file)
			log_error("up: without a file --wan IF and --to BACKEND are wanted; `wgxdp up --help` says more");
	}
	if (rc)
		goto cleanup;
	if (!a.line->n_services && !config_relays(a.line) && !*a.line->blind.device && !config_is_control(a.line))
		log_warning("no service and no peer is configured: nothing will be forwarded");
	if (a.mode_said)
		a.line->mode = a.mode;
	status = bring_up(g->instance, a.line, a.try_seconds) ? EXIT_FAILED : EXIT_DONE;
cleanup:
	config_free(a.line);
	return status;
}
