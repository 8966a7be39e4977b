/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp peer: one peer of the relay that runs is made, changed or removed, live, or those of a WireGuard interface are taken over. What
 * is so made is marked as made by hand, and is gone with the next `up` or `reload` of a file that does not have it.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include "cmd/command.h"
#include "config/config_check.h"
#include "config/config_diff.h"
#include "lib/grow.h"
#include "lib/log.h"
#include "cmd/peer_edit.h"
#include "config/relay_prefix.h"
#include "net/wireguard.h"

const char peer_help[] =
	"add NAME --device IF [--public-key KEY] [--prefix PREFIX]...\n"
	"       wgxdp peer set NAME [--device IF] [--public-key KEY] [--prefix PREFIX]...\n"
	"       wgxdp peer del NAME\n"
	"       wgxdp peer import IF\n\n"
	"Changes the relay that runs. set replaces what is said: --prefix all prefixes of the peer. import takes over the peers and\n"
	"AllowedIPs that WireGuard has on an interface, under the names of wg-quick's file (the comment or `# friendly_name=` above\n"
	"[Peer]), else of their key's first 8 characters. What WireGuard itself has remains its own.\n\n"
	"  --device IF        the interface behind which the peer is\n"
	"  --public-key KEY   WireGuard's, as `wg pubkey` tells it; a peer on a nic needs none\n"
	"  --prefix PREFIX    of its site, and its own address in the tunnel\n";

struct arguments {
	const char *verb, *name;	/* name: a peer's, an interface's for import */
	struct peer_config wanted;	/* what the options say */
	bool key;			/* was said */
};

enum { OPT_DEVICE = 256, OPT_KEY, OPT_PREFIX };

static int parse_option(struct arguments *a, int option)
{
	struct prefix prefix;

	switch (option) {
	case OPT_DEVICE:
		if (is_interface_name(optarg)) {
			strcpy(a->wanted.device, optarg);
			return 0;
		}
		log_error("--device %s: no name of an interface, as wgvpnr01", optarg);
		return -EINVAL;
	case OPT_KEY:
		a->key = true;
		if (!wg_key_parse(optarg, &a->wanted.key))
			return 0;
		log_error(NO_KEY, "--public-key", optarg);
		return -EINVAL;
	case OPT_PREFIX:
		return peer_parse_prefix("--prefix", optarg, &prefix) ?: peer_add_prefix(&a->wanted, &prefix);
	}
	return -EINVAL;
}

static bool is(const struct arguments *a, const char *verb)
{
	return !strcmp(a->verb, verb);
}

static bool said_options(const struct arguments *a)
{
	return a->key || *a->wanted.device || a->wanted.n_prefixes;
}

/* What has to be said, and what may not */
static int check_name(struct arguments *a)
{
	bool import = is(a, "import");

	if (import ? !is_interface_name(a->name) : !is_peer_name(a->name) || strlen(a->name) >= NAME_LEN) {
		log_error("peer %s %s: %s", a->verb, a->name, import ? "no name of an interface, as wgvpnr01" :
			  "no name of a peer: letters, digits, '-', '_', '.', '+' and '/', as site-a");
		return -EINVAL;
	}
	if (said_options(a) && !is(a, "add") && !is(a, "set")) {
		log_error("peer %s: takes no options", a->verb);
		return -EINVAL;
	}
	if (is(a, "set") && !said_options(a)) {
		log_error("peer set %s: what is to change? `wgxdp peer --help` lists the options", a->name);
		return -EINVAL;
	}
	if (is(a, "add") && !*a->wanted.device) {
		log_error("peer add %s: --device is missing: the interface behind which the peer is", a->name);
		return -EINVAL;
	}
	return 0;
}

static int check_words(struct arguments *a, int n, char **words)
{
	if (!n || (strcmp(words[0], "add") && strcmp(words[0], "set") && strcmp(words[0], "del") && strcmp(words[0], "import"))) {
		log_error("peer: %s%sadd, set, del or import is wanted", n ? words[0] : "", n ? ": " : "");
		return -EINVAL;
	}
	a->verb = words[0];
	if (n != 2) {
		log_error("peer %s: %s; `wgxdp peer --help` says more", a->verb, n > 2 ? "too many words" : is(a, "import") ?
			  "an interface is wanted" : "a peer's name is wanted");
		return -EINVAL;
	}
	a->name = words[1];
	return check_name(a);
}

static int parse(struct arguments *a, int argc, char **argv)
{
	static const struct option options[] = {
		{ "device", required_argument, NULL, OPT_DEVICE }, { "public-key", required_argument, NULL, OPT_KEY },
		{ "prefix", required_argument, NULL, OPT_PREFIX }, { 0 },
	};
	int option, rc = 0;

	opterr = 0;
	while (!rc && (option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
		if (option == ':' || option == '?')
			option_error("peer", option, argv);
		rc = option == ':' || option == '?' ? -EINVAL : parse_option(a, option);
	}
	return rc ?: check_words(a, argc - optind, argv + optind);
}

/* ---- the change ---- */

static void take_prefixes(struct peer_config *to, struct peer_config *from)
{
	free(to->prefixes);
	to->prefixes = from->prefixes;
	to->n_prefixes = from->n_prefixes;
	from->prefixes = NULL;
	from->n_prefixes = 0;
}

static int change(struct arguments *a, struct config *c)
{
	struct peer_config *p = config_peer(c, a->name);

	if (is(a, "add") ? p != NULL : !p) {
		log_error("peer %s %s: %s", a->verb, a->name, p ? "there is one of that name: `peer set` changes it" :
			  "there is none of that name in the configuration: `wgxdp show peers` names those that are, also those that "
			  "are followed, which are WireGuard's own to change");
		return -ENOENT;
	}
	if (is(a, "del")) {
		config_free_peer(p);
		memmove(p, p + 1, (c->peers + --c->n_peers - p) * sizeof(*p));
		return 0;
	}
	if (is(a, "add")) {
		p = append(c->peers, c->n_peers);
		if (!p)
			return -ENOMEM;
		strcpy(p->name, a->name);
	}
	p->by_hand = true;
	if (a->key)
		p->key = a->wanted.key;
	if (*a->wanted.device)
		strcpy(p->device, a->wanted.device);
	if (a->wanted.n_prefixes)
		take_prefixes(p, &a->wanted);
	return 0;
}

static struct peer_config *peer_of_key(struct config *c, const struct wg_key *key, const char *device)
{
	for (size_t i = 0; i < c->n_peers; i++)
		if (!wg_key_compare(&c->peers[i].key, key) && !strcmp(c->peers[i].device, device))
			return &c->peers[i];
	return NULL;
}

static int import_peer(struct config *c, const char *device, const struct wg_peer *from, const struct wg_names *names)
{
	struct peer_config *p = peer_of_key(c, &from->key, device);
	char text[WG_KEY_STRLEN], name[NAME_LEN], prefix[ADDRESS_STRLEN];
	int rc = 0;

	if (!p) {
		wg_name_of(names, &from->key, name);
		wg_key_format(&from->key, text);
		for (int n = 8; n < WG_KEY_STRLEN && config_peer(c, name); n += 4)
			snprintf(name, sizeof(name), "%.*s", n, text);
		p = append(c->peers, c->n_peers);
		if (!p)
			return -ENOMEM;
		strcpy(p->name, name);
		strcpy(p->device, device);
		p->key = from->key;
	}
	p->by_hand = true;
	p->n_prefixes = 0;
	for (size_t i = 0; i < from->n_allowed && !rc; i++) {
		const char *why = relay_prefix_wrong(&from->allowed[i], &c->policy.overlay);

		if (why)
			log_warning("peer %s: left out: %s %s", p->name, prefix_format(&from->allowed[i], prefix), why);
		else
			rc = peer_add_prefix(p, &from->allowed[i]);
	}
	return rc;
}

static int import(struct arguments *a, struct config *c)
{
	struct wg_device d = { 0 };
	struct wg_names names;
	int rc = wg_read(a->name, &d);

	if (rc)
		log_error("peer import %s: %s", a->name, rc == -ENODEV ? "there is no such interface" : rc == -EOPNOTSUPP ?
			  "it is none of WireGuard's, or wireguard-go has no socket in " WG_SOCKET_DIR : strerror(-rc));
	if (!rc && !c->policy.overlay.family) {
		log_error("peer import %s: the configuration has no overlay, the prefix that holds all sites, as policy: { overlay: "
			  "\"fd12:3456:789a::/48\" }", a->name);
		rc = -EINVAL;
	}
	wg_names_read(a->name, &names);
	for (size_t i = 0; i < d.n_peers && !rc; i++)
		rc = import_peer(c, a->name, &d.peers[i], &names);
	wg_names_free(&names);
	wg_free(&d);
	return rc;
}

static int edit(struct peer_edit *e, struct config *c, const char *instance)
{
	struct arguments *a = e->data;

	return is(a, "import") ? import(a, c) : change(a, c);
}

int cmd_peer(const struct global *g, int argc, char **argv)
{
	struct arguments a = { 0 };
	struct peer_edit e = { .command = "peer", .edit = edit, .data = &a };
	int status = EXIT_USAGE;

	if (!parse(&a, argc, argv)) {
		e.verb = a.verb;
		e.name = a.name;
		status = peer_edit(g, &e);
	}
	config_free_peer(&a.wanted);
	return status;
}
