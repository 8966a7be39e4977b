/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp peer: adds, changes or removes a peer of the running relay, or takes over the peers of a
 * WireGuard interface. The next `up` or `reload` of a file that does not have the change undoes it.
 */
#include <errno.h>
#include "cmd/command.h"
#include "config/config_check.h"
#include "config/config_diff.h"
#include "config/config_sections.h"
#include "lib/grow.h"
#include "lib/log.h"
#include "net/host.h"
#include "net/wireguard.h"

struct arguments {
	struct edit edit;		/* .name: a peer's; for `import` an interface's */
	struct peer_config wanted;	/* peer that the options describe */
	bool key;			/* --public-key was given */
};

static int parse_device(void *member, const struct command_option *o, char *value)
{
	if (!is_interface_name(value))
		return option_wrong(o, value, "this cannot be the name of an interface: write one such as wgvpnr01");
	strcpy(member, value);
	return 0;
}

static int parse_key(void *arguments, const struct command_option *o, char *value)
{
	struct arguments *a = arguments;

	a->key = true;
	if (!wg_key_parse(value, &a->wanted.key))
		return 0;
	log_error("--public-key: '%s' %s", value, config_key_wrong(value));
	return -EINVAL;
}

static int parse_prefix(void *member, const struct command_option *o, char *value)
{
	struct peer_config *p = member;
	struct prefix prefix;

	if (edit_parse_prefix("--prefix", value, &prefix))
		return -EINVAL;
	*append(p->prefixes, p->n_prefixes) = prefix;
	return 0;
}

static bool is_verb(const struct arguments *a, const char *verb)
{
	return !strcmp(a->edit.verb, verb);
}

/* Checks the name, and the options that the verb needs and accepts. */
static int check_name(const struct arguments *a)
{
	const char *verb = a->edit.verb, *name = a->edit.name;
	bool import = is_verb(a, "import");

	if (import ? !is_interface_name(name) : !is_peer_name(name) || strlen(name) >= NAME_LEN)
		log_error("peer %s %s: %s", verb, name, import ?
			  "this cannot be the name of an interface: write one such as wgvpnr01" :
			  "this cannot be the name of a peer: write letters, digits, '-', '_', '.', '+' and '/', such as site-a");
	else if (is_verb(a, "add") && !*a->wanted.device)
		log_error("peer add %s: --device is missing: add the interface that leads to the peer, --device wg0",
			  name);
	else
		return edit_check_options(&a->edit, a->key || *a->wanted.device ||
					  a->wanted.n_prefixes);
	return -EINVAL;
}

static int check_words(struct arguments *a, int n, char **words)
{
	a->edit.verb = command_word(&peer_command, words);
	if (!a->edit.verb)
		return -EINVAL;
	if (n != 2) {
		log_error("peer %s: %s: see `wgxdp peer --help`", a->edit.verb,
			  n > 2 ? "too many words" : is_verb(a, "import") ?
			  "the name of an interface is missing" : "the peer's name is missing");
		return -EINVAL;
	}
	a->edit.name = words[1];
	return check_name(a);
}

/* ---- the change ---- */

static int change_peer(struct arguments *a, struct config *c)
{
	struct peer_config *p = config_peer(c, a->edit.name);

	if (is_verb(a, "add") ? p != NULL : !p) {
		log_error("peer %s %s: %s", a->edit.verb, a->edit.name, p ?
			  "this peer exists already: change it with `wgxdp peer set`" :
			  "the configuration has no such peer: `wgxdp show peers` lists the peers. A peer that wgxdp follows is changed with `wg set`");
		return -ENOENT;
	}
	if (is_verb(a, "del")) {
		memmove(p, p + 1, (c->peers + --c->n_peers - p) * sizeof(*p));
		config_drop_rates(c, "", a->edit.name);
		return 0;
	}
	if (is_verb(a, "add")) {
		p = append(c->peers, c->n_peers);
		strcpy(p->name, a->edit.name);
	}
	if (a->key)
		p->key = a->wanted.key;
	if (*a->wanted.device)
		strcpy(p->device, a->wanted.device);
	if (a->wanted.n_prefixes) {
		p->prefixes = a->wanted.prefixes;
		p->n_prefixes = a->wanted.n_prefixes;
	}
	return 0;
}

static struct peer_config *peer_of_key(struct config *c, const struct wg_key *key,
				       const char *device)
{
	for (size_t i = 0; i < c->n_peers; i++)
		if (!wg_key_compare(&c->peers[i].key, key) && !strcmp(c->peers[i].device, device))
			return &c->peers[i];
	return NULL;
}

static void import_peer(struct config *c, const char *device, const struct wg_peer *from,
			const struct wg_names *names)
{
	struct peer_config *p = peer_of_key(c, &from->key, device);
	char text[WG_KEY_STRLEN], name[NAME_LEN], prefix[ADDRESS_STRLEN];

	if (!p) {
		wg_name_of(names, &from->key, name);
		wg_key_format(&from->key, text);
		for (int n = 8; n < WG_KEY_STRLEN && config_peer(c, name); n += 4)
			snprintf(name, sizeof(name), "%.*s", n, text);
		p = append(c->peers, c->n_peers);
		strcpy(p->name, name);
		strcpy(p->device, device);
		p->key = from->key;
	}
	p->n_prefixes = 0;
	for (size_t i = 0; i < from->n_allowed; i++) {
		const char *why = relay_prefix_wrong(&from->allowed[i], &c->policy.overlay);

		if (why)
			log_warning("peer %s: a prefix is left out: %s %s", p->name,
				    prefix_format(&from->allowed[i], prefix), why);
		else
			*append(p->prefixes, p->n_prefixes) = from->allowed[i];
	}
}

static int import_device(const char *device, struct config *c)
{
	struct wg_device d = { 0 };
	char there[HOST_NAMES_LEN];
	struct wg_names names;
	int rc = wg_read(device, &d);

	if (rc == -ENODEV)
		log_error("peer import %s: this host has no such interface: name one of %s", device,
			  host_names_now(device, there));
	else if (rc)
		log_error("peer import %s: %s", device, rc == -EOPNOTSUPP ?
			  "this is not a WireGuard interface, or its wireguard-go has no socket in "
			  WG_SOCKET_DIR : strerror(-rc));
	if (!rc && !c->policy.overlay.family) {
		log_error("peer import %s: the prefix of all sites (the overlay) is missing: add policy: { overlay: \"fd12:3456:789a::/48\" } to the configuration",
			  device);
		rc = -EINVAL;
	}
	wg_names_read(device, &names);
	for (size_t i = 0; i < d.n_peers && !rc; i++)
		import_peer(c, device, &d.peers[i], &names);
	return rc;
}

static int change(struct edit *e, struct config *c, const char *instance)
{
	struct arguments *a = e->arguments;

	return is_verb(a, "import") ? import_device(e->name, c) : change_peer(a, c);
}

static const struct edit_option options_by_path[] = {
	{ "/prefixes", "--prefix: " }, { "/public-key", "--public-key: " },
	{ "/device", "--device: " }, { 0 },
};

static int run_peer(const struct global *g, int argc, char **argv)
{
	struct arguments a = { .edit = {
		.command = &peer_command, .options = options_by_path, .change = change,
		.arguments = &a,
	} };
	int n;
	char **words = options_parse(&peer_command, argc, argv, &a, &n);

	return words && !check_words(&a, n, words) ? edit_running(g, &a.edit) : EXIT_USAGE;
}

static const struct command_option options[] = {
	{ 0, "device", "IF", offsetof(struct arguments, wanted.device),
	  "the interface that leads to the peer", parse_device, .values = "@interface" },
	{ 0, "public-key", "KEY", 0,
	  "the peer's WireGuard key, as `wg pubkey` prints it; a peer behind a network card needs none", parse_key },
	{ 0, "prefix", "PREFIX", offsetof(struct arguments, wanted),
	  "a prefix of the peer's site, or its own address in the tunnel; may be repeated",
	  parse_prefix },
	{ 0 },
};

static const struct command_word words[] = {
	{ "add" }, { "set", "@peer" }, { "del", "@peer" }, { "import", "@interface" }, { 0 },
};

const struct command peer_command = {
	.name = "peer",
	.summary = "add, change and remove peers of the running relay, or import WireGuard's peers",
	.usage = "add NAME --device IF [--public-key KEY] [--prefix PREFIX]...\n"
		 "set NAME [--device IF] [--public-key KEY] [--prefix PREFIX]...\n"
		 "del NAME\nimport IF",
	.about = "Changes the running relay. `set` replaces the settings that the options name; --prefix replaces all prefixes of the peer. `import` adds the peers of a WireGuard interface with their AllowedIPs. Their names come from wg-quick's file (the comment or `# friendly_name=` above [Peer]), or are the first 8 characters of their keys. It does not change WireGuard.",
	.run = run_peer,
	.options = options,
	.words = words,
};
