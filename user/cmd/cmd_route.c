/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp route: a peer of the relay that runs gets one more prefix, or loses one, live; marked as made by hand, as with `peer`.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include "cmd/command.h"
#include "config/config_diff.h"
#include "dataplane/dataplane.h"
#include "lib/grow.h"
#include "lib/log.h"
#include "cmd/peer_edit.h"

const char route_help[] =
	"add PREFIX --peer NAME\n"
	"       wgxdp route del PREFIX\n\n"
	"Gives a peer of the relay that runs one more prefix, or takes one away. Of a peer that is followed, what WireGuard has as\n"
	"AllowedIPs is WireGuard's own to take away.\n\n"
	"  --peer NAME        behind which the prefix is\n";

struct arguments {
	const char *verb, *text, *peer;	/* text: the prefix, as it was said */
	struct prefix prefix;
};

static int check_words(struct arguments *a, int n, char **words)
{
	bool add = n && !strcmp(words[0], "add");

	if (!n || (!add && strcmp(words[0], "del"))) {
		log_error("route: %s%sadd or del is wanted", n ? words[0] : "", n ? ": " : "");
		return -EINVAL;
	}
	a->verb = words[0];
	if (n != 2) {
		log_error("route %s: %s; `wgxdp route --help` says more", a->verb, n > 2 ? "too many words" : "a prefix is wanted");
		return -EINVAL;
	}
	a->text = words[1];
	if (add != !!a->peer) {
		log_error("route %s %s: %s", a->verb, a->text, add ? "--peer is missing: the name of the peer behind which it is" :
			  "takes no options");
		return -EINVAL;
	}
	return peer_parse_prefix("route", a->text, &a->prefix);
}

static int parse(struct arguments *a, int argc, char **argv)
{
	static const struct option options[] = { { "peer", required_argument, NULL, 'p' }, { 0 } };
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (option != 'p') {
			option_error("route", option, argv);
			return -EINVAL;
		}
		a->peer = optarg;
	}
	return check_words(a, argc - optind, argv + optind);
}

/* ---- the change ---- */

static bool same_prefix(const struct prefix *a, const struct prefix *b)
{
	return prefix_within(a, b) && prefix_within(b, a);
}

/* A followed peer is one of the configuration too once something of it is said by hand */
static struct peer_config *followed_peer(const char *instance, struct config *c, const char *name)
{
	struct relay_peer *list = NULL;
	struct dataplane *dp = NULL;
	struct peer_config *p = NULL;
	size_t n = 0;

	if (!dataplane_open(instance, &dp) && dp->running && dataplane_peers(dp, &list, &n))
		n = 0;
	for (size_t i = 1; i < n && !p; i++) {
		if (!(list[i].name.flags & PEER_NAME_FOLLOWED) || strcmp(list[i].name.name, name))
			continue;
		p = append(c->peers, c->n_peers);
		if (!p)
			break;
		strcpy(p->name, name);
		strcpy(p->device, list[i].name.device);
		memcpy(&p->key, list[i].name.key, sizeof(p->key));
	}
	free(list);
	dataplane_close(dp);
	return p;
}

static int add_route(struct arguments *a, struct config *c, const char *instance)
{
	struct peer_config *p = config_peer(c, a->peer) ?: followed_peer(instance, c, a->peer);

	if (!p) {
		log_error("route add %s: there is no peer '%s': `wgxdp show peers` names those that are", a->text, a->peer);
		return -ENOENT;
	}
	p->by_hand = true;
	return peer_add_prefix(p, &a->prefix);
}

static int del_route(struct arguments *a, struct config *c)
{
	for (size_t i = 0; i < c->n_peers; i++) {
		struct peer_config *p = &c->peers[i];

		for (size_t j = 0; j < p->n_prefixes; j++) {
			if (!same_prefix(&p->prefixes[j], &a->prefix))
				continue;
			memmove(&p->prefixes[j], &p->prefixes[j + 1], (--p->n_prefixes - j) * sizeof(*p->prefixes));
			p->by_hand = true;
			return 0;
		}
	}
	log_error("route del %s: no peer of the configuration has it: `wgxdp show routes` names those that are", a->text);
	return -ENOENT;
}

static int edit(struct peer_edit *e, struct config *c, const char *instance)
{
	struct arguments *a = e->data;

	return a->peer ? add_route(a, c, instance) : del_route(a, c);
}

int cmd_route(const struct global *g, int argc, char **argv)
{
	struct arguments a = { 0 };
	struct peer_edit e = { .command = "route", .edit = edit, .data = &a };

	if (parse(&a, argc, argv))
		return EXIT_USAGE;
	e.verb = a.verb;
	e.name = a.text;
	return peer_edit(g, &e);
}
