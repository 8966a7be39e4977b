/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * WireGuard of this host: whether an interface is WireGuard's, whether it has the peers that the
 * configuration names, and whether the blind relay's device has the relay's port and sites.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "config/config_sections.h"
#include "findings/probes.h"
#include "lib/text.h"
#include "plan/site_names.h"

#define DEAD_SECONDS 180 /* age of a handshake at which its session ends */

/* Returns a device if WireGuard has it, or NULL. */
static const struct device_fact *device_of(struct facts *f, const char *name)
{
	const struct device_fact *d = *name && host_link_by_name(f->host, name) ?
				      facts_device(f, name) : NULL;

	return d && !d->error ? d : NULL;
}

/* ---- kind ---- */

static void look_at_kind(struct facts *f, struct findings *to, const char *name, const char *path)
{
	struct subject about = { 0 };
	const struct nl_link *link = host_link_by_name(f->host, name);

	for (size_t i = 0; i < to->n; i++)
		if (to->list[i].id == to->now && !strcmp(to->list[i].about.name, name))
			return;
	if (!link || facts_device(f, name)->error != -EOPNOTSUPP)
		return;
	strcpy(about.name, name);
	strcpy(about.path, path);
	about.ifindex = link->ifindex;
	finding_add(to, &about, NULL, "name a WireGuard interface",
		    "is not a WireGuard interface, or its wireguard-go has no socket in "
		    WG_SOCKET_DIR);
}

void probe_not_wireguard(struct facts *f, struct findings *to)
{
	const struct config *c = f->config;
	const char *name;
	char path[96];

	for (size_t i = 0; i < c->follow.n_wireguard; i++) {
		snprintf(path, sizeof(path), "/follow/wireguard/%zu", i);
		look_at_kind(f, to, c->follow.wireguard[i].name, path);
	}
	for (size_t i = 0; (name = config_followed(c, i, path, sizeof(path))); i++)
		if (i < c->n_endpoints + c->n_learn)
			look_at_kind(f, to, name, path);
	look_at_kind(f, to, c->blind.device, "/blind/device");
}

/* ---- the blind relay's port ---- */

static bool has_fresh_handshake(const struct device_fact *d)
{
	for (size_t i = 0; i < d->wg.n_peers; i++)
		if ((long long)time(NULL) - (long long)d->wg.peers[i].handshake < DEAD_SECONDS)
			return true;
	return false;
}

/* Returns commands that edit the section `blind` of the file by sed, and reload the file. */
static char *fix_blind(const struct facts *f, const char *expression)
{
	char *sed = xasprintf("sed -E '/^blind:/,/^[^ ]/ %s' %s", expression, f->file);
	char *edit = fix_file(f->file, sed);
	char *both = xasprintf("%s && %s reload -c %s", edit, f->wgxdp, f->file);

	free(edit);
	free(sed);
	return both;
}

/* Returns a command that makes WireGuard's port and the file's equal. If WireGuard has handshakes
 * with sites, its port is right, and the command changes the file. */
static char *fix_port(const struct facts *f, const struct device_fact *d)
{
	unsigned int is = ntohs(d->wg.port), blind = ntohs(f->config->blind.port);
	char expression[64];

	if (!has_fresh_handshake(d))
		return xasprintf("wg set %s listen-port %u", SHELL_WORD(d->name), blind);
	if (!f->file)
		return NULL;
	snprintf(expression, sizeof(expression), "s/\\bport: *%u\\b/port: %u/", blind, is);
	return fix_blind(f, expression);
}

void probe_relay_port(struct facts *f, struct findings *to)
{
	const struct device_fact *d = device_of(f, f->config->blind.device);
	const struct blind_config *b = &f->config->blind;
	struct subject about = { .path = "/blind/listen/port" };

	if (!d || d->wg.port == b->port)
		return;
	strcpy(about.name, d->name);
	about.ifindex = host_link_by_name(f->host, d->name)->ifindex;
	finding_add(to, &about, fix_port(f, d),
		    "give both the port that the sites have in Endpoint",
		    "listens on UDP port %u, but the blind relay on %u", ntohs(d->wg.port),
		    ntohs(b->port));
}

/* ---- the blind relay's sites ---- */

struct host_sites {		/* peers of the blind relay's device, by site_names_read() */
	struct site_name *names;	/* sorted */
	size_t n;
	char text[256];			/* the names, for messages */
	size_t missing;			/* number of names in blind.sites that no peer has */
	/* Name of the only peer that is not in blind.sites; "": there is none, or several. */
	char other[NAME_LEN];
};

static bool has_site(const struct host_sites *s, const char *name)
{
	return site_names_have(s->names, s->n, name);
}

/* Compares the names with blind.sites. */
static void compare_sites(struct host_sites *s, const struct blind_config *b)
{
	struct site_name *listed = xcalloc(b->n_sites + 1, sizeof(*listed));
	size_t others = 0;

	if (b->n_sites)
		memcpy(listed, b->sites, b->n_sites * sizeof(*listed));
	site_names_sort(listed, b->n_sites);
	for (size_t i = 0; i < b->n_sites; i++)
		s->missing += !has_site(s, listed[i].name);
	for (size_t i = 0; i < s->n; i++)
		if (!site_names_have(listed, b->n_sites, s->names[i].name) && !others++)
			strcpy(s->other, s->names[i].name);
	if (others > 1)
		*s->other = '\0';
	free(listed);
}

/* Reads the peers' names. The caller frees ret->names. */
static void read_sites(const struct config *c, const struct wg_device *d, struct host_sites *ret)
{
	struct wg_names names;
	size_t length = 0;

	*ret = (struct host_sites){ .text = "none" };
	ret->names = xcalloc(d->n_peers + 1, sizeof(*ret->names));
	site_names_read(c, &names);
	for (size_t i = 0; i < d->n_peers; i++) {
		char *name = ret->names[ret->n++].name;

		wg_name_of(&names, &d->peers[i].key, name);
		if (length < sizeof(ret->text))
			length += snprintf(ret->text + length, sizeof(ret->text) - length, "%s%s",
					   length ? ", " : "", name);
	}
	wg_names_free(&names);
	site_names_sort(ret->names, ret->n);
	compare_sites(ret, &c->blind);
}

/* Returns whether a name means itself in a command of sed(1). */
static bool is_plain(const char *name)
{
	while (isalnum((unsigned char)*name) || *name == '_' || *name == '-')
		name++;
	return !*name;
}

/* Returns a command that corrects a site's name in the file, if exactly one name there and one peer
 * of the device have no counterpart: they must be the same site. */
static char *fix_site(const struct facts *f, const struct host_sites *sites, const char *name)
{
	char expression[2 * NAME_LEN + 64];

	if (sites->missing != 1 || !*sites->other || !f->file || !is_plain(name) ||
	    !is_plain(sites->other))
		return NULL;
	snprintf(expression, sizeof(expression),
		 "s/(^|[^A-Za-z0-9_:-])%s([^A-Za-z0-9_-]|$)/\\1%s\\2/", name, sites->other);
	return fix_blind(f, expression);
}

static bool is_in_earlier_pair(const struct blind_config *b, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (!strcmp(b->pairs[i / 2].name[i % 2], b->pairs[at / 2].name[at % 2]))
			return true;
	return false;
}

static void add_site(struct facts *f, struct findings *to, const struct host_sites *sites,
		     const char *key, size_t i, const char *name)
{
	const char *device = f->config->blind.device;
	struct subject about = { .kind = "site " };
	char advice[400];

	snprintf(about.name, sizeof(about.name), "%s", name);
	snprintf(about.path, sizeof(about.path), "/blind/%s/%zu", key, i);
	snprintf(advice, sizeof(advice),
		 "write one of %s, or name the peer in `peers` or in a comment of "
		 WG_QUICK_DIR "/%s.conf", sites->text, device);
	finding_add(to, &about, fix_site(f, sites, name), advice,
		    "is no peer of WireGuard on %s", device);
}

/* Names in `pairs` count only without the list `sites`, with which the configuration's own checks
 * compare them. */
void probe_relay_site(struct facts *f, struct findings *to)
{
	const struct device_fact *d = device_of(f, f->config->blind.device);
	const struct blind_config *b = &f->config->blind;
	struct host_sites sites;

	if (!d)
		return;
	read_sites(f->config, &d->wg, &sites);
	for (size_t i = 0; i < b->n_sites; i++)
		if (!has_site(&sites, b->sites[i].name))
			add_site(f, to, &sites, "sites", i, b->sites[i].name);
	for (size_t i = 0; i < 2 * b->n_pairs && !b->n_sites; i++) {
		const char *name = b->pairs[i / 2].name[i % 2];

		if (!has_site(&sites, name) && !is_in_earlier_pair(b, i))
			add_site(f, to, &sites, "pairs", i / 2, name);
	}
	free(sites.names);
}

/* ---- peers ---- */

/* Returns the peer of the device whose AllowedIPs are the configured peer's prefixes; NULL: none or
 * several. */
static const struct wg_peer *peer_by_prefixes(const struct wg_device *d,
					      const struct peer_config *p)
{
	const struct wg_peer *found = NULL;

	for (size_t i = 0; i < d->n_peers; i++) {
		const struct wg_peer *w = &d->peers[i];
		size_t same = 0;

		for (size_t j = 0; j < w->n_allowed; j++)
			for (size_t n = 0; n < p->n_prefixes; n++)
				same += prefix_within(&w->allowed[j], &p->prefixes[n]) &&
					prefix_within(&p->prefixes[n], &w->allowed[j]);
		if (!same || same != p->n_prefixes)
			continue;
		if (found)
			return NULL;
		found = w;
	}
	return found;
}

static char *fix_key(const struct facts *f, const struct wg_device *d, const struct peer_config *p)
{
	const struct wg_peer *is = f->keep ? peer_by_prefixes(d, p) : NULL;
	char key[WG_KEY_STRLEN];

	return !is ? NULL : xasprintf("%s peer set %s --public-key %s%s", f->wgxdp, p->name,
				      wg_key_format(&is->key, key), f->keep);
}

/* Reports peers without a key on devices of WireGuard, also if only root may read the device. */
void probe_keyless(struct facts *f, struct findings *to)
{
	for (size_t i = 0; i < f->config->n_peers; i++) {
		const struct peer_config *p = &f->config->peers[i];
		const struct nl_link *link = host_link_by_name(f->host, p->device);
		const struct device_fact *d = link ? facts_device(f, p->device) : NULL;
		struct subject about = { .kind = "peer " };

		if (!d || !wg_key_is_none(&p->key) || (d->error && strcmp(link->kind, "wireguard")))
			continue;
		strcpy(about.name, p->name);
		snprintf(about.path, sizeof(about.path), "/peers/%zu", i);
		finding_add(to, &about, fix_key(f, &d->wg, p), "add it",
			    "has no public-key, and WireGuard on %s knows a peer only by its key",
			    p->device);
	}
}

/* Returns a command that adds a configured peer to WireGuard, with its prefixes. Those of followed
 * peers are only in WireGuard and its file. */
static char *fix_peer(const struct peer_config *p)
{
	char path[sizeof(WG_QUICK_DIR) + IFNAMSIZ + 8];
	char key[WG_KEY_STRLEN], prefix[ADDRESS_STRLEN], *text;
	size_t size;
	FILE *out;

	snprintf(path, sizeof(path), WG_QUICK_DIR "/%s.conf", p->device);
	if (!p->n_prefixes)
		return access(path, R_OK) ? NULL :
		       xasprintf("bash -c 'wg addconf %s <(wg-quick strip %s)'",
				 SHELL_WORD(p->device), SHELL_WORD(p->device));
	out = text_open(&text, &size);
	fprintf(out, "wg set %s peer %s allowed-ips ", p->device, wg_key_format(&p->key, key));
	for (size_t i = 0; i < p->n_prefixes; i++)
		fprintf(out, "%s%s", i ? "," : "", prefix_format(&p->prefixes[i], prefix));
	fclose(out);
	return text;
}

/* Reports a peer that its device lacks; only root can read that. p: NULL for another section. */
static void look_at_peer(struct facts *f, struct findings *to, const char *device,
			 const struct wg_key *key, const struct peer_config *p, const char *list,
			 size_t at)
{
	const struct device_fact *d = device_of(f, device);
	struct subject about = { 0 };

	if (!d || wg_key_is_none(key) || wg_find_peer(&d->wg, key))
		return;
	wg_key_format(key, about.name);
	if (p)
		strcpy(about.name, p->name);
	snprintf(about.path, sizeof(about.path), "/%s/%zu/%s", list, at, p ? "public-key" : "peer");
	finding_add(to, &about, p && to->to == DOCTOR ? fix_peer(p) : NULL,
		    "correct the key, or add the peer",
		    "WireGuard on %s has no peer with this public key", device)->whole = true;
}

void probe_unknown_peer(struct facts *f, struct findings *to)
{
	const struct config *c = f->config;

	for (size_t i = 0; i < c->n_peers; i++)
		look_at_peer(f, to, c->peers[i].device, &c->peers[i].key, &c->peers[i], "peers", i);
	for (size_t i = 0; i < c->n_endpoints; i++)
		look_at_peer(f, to, c->endpoints[i].interface, &c->endpoints[i].peer, NULL,
			     "endpoints", i);
	for (size_t i = 0; i < c->n_learn; i++)
		look_at_peer(f, to, c->learn[i].interface, &c->learn[i].peer, NULL, "learn", i);
}

/* An entry of `learn` without a peer needs a device with exactly one. */
void probe_learned_peer(struct facts *f, struct findings *to)
{
	for (size_t i = 0; i < f->config->n_learn; i++) {
		const struct learn_config *l = &f->config->learn[i];
		const struct device_fact *d = device_of(f, l->interface);
		struct subject about = { 0 };

		if (!d || !wg_key_is_none(&l->peer) || d->wg.n_peers == 1)
			continue;
		strcpy(about.name, l->interface);
		snprintf(about.path, sizeof(about.path), "/learn/%zu", i);
		finding_add(to, &about, NULL, d->wg.n_peers ?
			    "name the one that moves with `peer:`" : "add the one that moves",
			    "WireGuard on %s has %s", l->interface,
			    d->wg.n_peers ? "several peers" : "no peer")->whole = true;
	}
}

void probe_endpoint_name(struct facts *f, struct findings *to)
{
	for (size_t i = 0; i < f->config->n_endpoints; i++) {
		const char *host = f->config->endpoints[i].host;
		struct subject about = { 0 };
		struct address a;

		if (resolved_backends_address(f->answers, host, FAMILY_IPV4, &a) ||
		    resolved_backends_address(f->answers, host, FAMILY_IPV6, &a))
			continue;
		strcpy(about.name, host);
		snprintf(about.path, sizeof(about.path), "/endpoints/%zu/host", i);
		finding_add(to, &about, NULL, "correct the name, or see /etc/resolv.conf",
			    "has no address");
	}
}
