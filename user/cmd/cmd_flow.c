/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp flow: ends flows of masquerading services. Who goes on sending gets a new one, and perhaps another port.
 */
#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <unistd.h>
#include "cmd/command.h"
#include "dataplane/dataplane.h"
#include "lib/grow.h"
#include "lib/log.h"
#include "instance/running.h"
#include "instance/state.h"

const char flow_help[] =
	"del [--service NAME] [--client ADDRESS[:PORT]] [--ours ADDRESS:PORT]\n"
	"       wgxdp flow del --all\n\n"
	"Ends the flows for which all that is said holds, and says how many. Who goes on sending gets another.\n\n"
	"  --service NAME           of this service\n"
	"  --client ADDRESS[:PORT]  of this client; IPv6 with a port in brackets\n"
	"  --ours ADDRESS:PORT      that the backend sees as this\n"
	"  --all                    every one\n";

struct endpoint {
	struct address address;		/* family 0: not said */
	__be16 port;			/* 0: whatever */
};

struct arguments {
	const char *service;
	struct endpoint client, ours;
	bool all;
	size_t said;
};

enum { OPT_SERVICE = 256, OPT_CLIENT, OPT_OURS, OPT_ALL };

static int parse_option(struct arguments *a, int option)
{
	a->said++;
	switch (option) {
	case OPT_SERVICE:
		a->service = optarg;
		return 0;
	case OPT_ALL:
		a->all = true;
		return 0;
	case OPT_CLIENT:
		if (!address_parse(optarg, &a->client.address) || !endpoint_parse(optarg, &a->client.address, &a->client.port))
			return 0;
		log_error("flow del: --client %s: no address, and no address and port, as 203.0.113.7 or [2001:db8::7]:51820", optarg);
		return -EINVAL;
	case OPT_OURS:
		if (!endpoint_parse(optarg, &a->ours.address, &a->ours.port))
			return 0;
		log_error("flow del: --ours %s: no address and port, as 192.168.1.1:20000 or [2001:db8::1]:20000", optarg);
		return -EINVAL;
	}
	return -EINVAL;
}

static int check_words(const struct arguments *a, int n, char **words)
{
	if (!n || strcmp(words[0], "del")) {
		log_error("flow: %s%sdel is wanted", n ? words[0] : "", n ? ": " : "");
		return -EINVAL;
	}
	if (n > 1) {
		log_error("flow del: %s: not an option; `wgxdp flow --help` lists them", words[1]);
		return -EINVAL;
	}
	if (!a->said) {
		log_error("flow del: which? --service, --client or --ours says, or --all");
		return -EINVAL;
	}
	if (a->all && a->said > 1) {
		log_error("flow del: --all: with nothing else");
		return -EINVAL;
	}
	return 0;
}

static int parse(struct arguments *a, int argc, char **argv)
{
	static const struct option options[] = {
		{ "service", required_argument, NULL, OPT_SERVICE }, { "client", required_argument, NULL, OPT_CLIENT },
		{ "ours", required_argument, NULL, OPT_OURS }, { "all", no_argument, NULL, OPT_ALL }, { 0 },
	};
	int option, rc = 0;

	opterr = 0;
	while (!rc && (option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (option == ':' || option == '?')
			option_error("flow", option, argv);
		rc = option == ':' || option == '?' ? -EINVAL : parse_option(a, option);
	}
	return rc ?: check_words(a, argc - optind, argv + optind);
}

/* ---- which, and their end ---- */

struct found {
	const struct arguments *a;
	__u32 id;			/* of a->service */
	struct flow_key *keys;
	size_t n;
};

static bool is(const struct endpoint *e, const struct addr *a, __u8 family, __be16 port)
{
	return !e->address.family ||
	       (address_equal(&e->address, &(struct address){ *a, family }) && (!e->port || e->port == port));
}

static int find(void *data, const struct flow_key *key, const struct flow *flow)
{
	struct found *f = data;
	struct flow_key *place;

	if ((f->a->service && flow->id != f->id) || !is(&f->a->client, &key->src, key->family, key->sport) ||
	    !is(&f->a->ours, &flow->src, flow->family, flow->sport))
		return 0;
	place = append(f->keys, f->n);
	if (!place)
		return -ENOMEM;
	*place = *key;
	return 0;
}

static int find_service(const struct dataplane *dp, const char *name, __u32 *ret)
{
	struct service_name *names = NULL;
	size_t n = 0, id = 0;
	int rc = dataplane_names(dp, &names, &n);

	if (rc) {
		log_error("cannot read the maps of instance %s: %s", dp->instance, strerror(-rc));
		return rc;
	}
	while (id < n && strcmp(names[id].name, name))
		id++;
	if (!*name || id == n) {
		log_error("flow del --service %s: there is none of that name: `wgxdp show services` names those that are", name);
		rc = -ENOENT;
	}
	*ret = id;
	free(names);
	return rc;
}

static int delete(const struct dataplane *dp, const struct arguments *a)
{
	struct found f = { .a = a };
	size_t deleted = 0;
	int rc = a->service ? find_service(dp, a->service, &f.id) : 0;

	if (rc)
		return rc;
	rc = dataplane_flows(dp, find, &f);
	if (rc)
		log_error("cannot read the maps of instance %s: %s", dp->instance, strerror(-rc));
	for (size_t i = 0; i < f.n && !rc; i++)
		deleted += dataplane_flow_delete(dp, &f.keys[i]);
	if (!rc && !deleted) {
		log_error("flow del: there is no such flow: `wgxdp show flows` lists those that are");
		rc = -ENOENT;
	}
	if (!rc)
		log_info("%zu %s deleted", deleted, deleted == 1 ? "flow" : "flows");
	free(f.keys);
	return rc;
}

int cmd_flow(const struct global *g, int argc, char **argv)
{
	struct dataplane *dp = NULL;
	struct arguments a = { 0 };
	int lock, rc;

	if (parse(&a, argc, argv))
		return EXIT_USAGE;
	lock = state_lock(g->instance);
	rc = lock < 0 ? lock : dataplane_open(g->instance, &dp);
	if (!rc && !dp->running) {
		running_not_up(g->instance);
		rc = -ENOENT;
	}
	rc = rc ?: delete(dp, &a);
	dataplane_close(dp);
	if (lock >= 0)
		close(lock);
	return rc ? EXIT_FAILED : EXIT_DONE;
}
