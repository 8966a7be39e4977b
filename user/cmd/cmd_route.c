/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp route: adds a prefix to a peer of the running relay, or removes one. The next
 * `up` or `reload` of a file that does not have the change undoes it.
 */
#include <errno.h>
#include "cmd/command.h"
#include "config/config_diff.h"
#include "dataplane/dataplane.h"
#include "lib/grow.h"
#include "lib/log.h"

struct arguments {
	const char *verb, *peer;
	const char *text;		/* the prefix as the user wrote it */
	struct prefix prefix;
};

static int check_words(struct arguments *a, int n, char **words)
{
	bool add, named;

	a->verb = command_word(&route_command, words);
	if (!a->verb)
		return -EINVAL;
	add = !strcmp(a->verb, "add");
	named = add && n == 3 && !a->peer;
	if (n != 2 + named) {
		log_error("route %s: %s: see `wgxdp route --help`", a->verb,
			  n > 2 ? "too many words" : "the prefix is missing");
		return -EINVAL;
	}
	a->text = words[1];
	if (named)
		a->peer = words[2];
	if (add != !!a->peer) {
		log_error("route %s %s: %s", a->verb, a->text,
			  add ? "--peer is missing: add the peer to route it to, --peer site-a; `wgxdp show peers` lists the peers" :
			  "takes no options");
		return -EINVAL;
	}
	return edit_parse_prefix("route", a->text, &a->prefix);
}

/* ---- the change ---- */

/* Copies a followed peer into the configuration, where a change by a command needs it. Returns NULL
 * if there is no such peer. */
static struct peer_config *followed_peer(const char *instance, struct config *c, const char *name)
{
	struct relay_peer *list = NULL;
	struct dataplane *dp = NULL;
	size_t n = 0;

	if (!dataplane_open(instance, &dp) && dp->running && dataplane_peers(dp, &list, &n))
		n = 0;
	for (size_t i = 1; i < n; i++) {
		struct peer_config *p;

		if (!(list[i].name.flags & PEER_NAME_FOLLOWED) || strcmp(list[i].name.name, name))
			continue;
		p = append(c->peers, c->n_peers);
		strcpy(p->name, name);
		strcpy(p->device, list[i].name.device);
		memcpy(&p->key, list[i].name.key, sizeof(p->key));
		return p;
	}
	return NULL;
}

static int add_route(struct arguments *a, struct config *c, const char *instance)
{
	struct peer_config *p = config_peer(c, a->peer) ?: followed_peer(instance, c, a->peer);

	if (!p) {
		log_error("route add %s: there is no peer '%s': `wgxdp show peers` lists the peers", a->text, a->peer);
		return -ENOENT;
	}
	*append(p->prefixes, p->n_prefixes) = a->prefix;
	return 0;
}

static int del_route(struct arguments *a, struct config *c)
{
	for (size_t i = 0; i < c->n_peers; i++) {
		struct peer_config *p = &c->peers[i];

		for (size_t j = 0; j < p->n_prefixes; j++) {
			if (prefix_compare(&p->prefixes[j], &a->prefix))
				continue;
			memmove(&p->prefixes[j], &p->prefixes[j + 1],
				(--p->n_prefixes - j) * sizeof(*p->prefixes));
			return 0;
		}
	}
	log_error("route del %s: no peer of the configuration has this prefix: `wgxdp show routes` lists the prefixes",
		  a->text);
	return -ENOENT;
}

static int change(struct edit *e, struct config *c, const char *instance)
{
	struct arguments *a = e->arguments;

	return a->peer ? add_route(a, c, instance) : del_route(a, c);
}

static int run_route(const struct global *g, int argc, char **argv)
{
	struct arguments a = { 0 };
	int n;
	char **words = options_parse(&route_command, argc, argv, &a, &n);

	if (!words || check_words(&a, n, words))
		return EXIT_USAGE;
	return edit_running(g, &(struct edit){
		.command = &route_command, .verb = a.verb, .name = a.text,
		.change = change, .arguments = &a,
	});
}

static const struct command_option options[] = {
	{ 0, "peer", "NAME", offsetof(struct arguments, peer),
	  "the peer that gets the prefix", .values = "@peer" },
	{ 0 },
};

const struct command route_command = {
	.name = "route",
	.summary = "add or remove a prefix of a relay's peer",
	.usage = "add PREFIX [--peer] NAME\ndel PREFIX",
	.about = "Adds a prefix to a peer of the running relay, or removes one. A peer that wgxdp follows has its prefixes in WireGuard: change its AllowedIPs there.",
	.run = run_route,
	.options = options,
	.words = (const struct command_word[]){ { "add" }, { "del" }, { 0 } },
};
