/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Compares a configuration with this host: netlink, names and libraries.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "config/config_diff.h"
#include "config/config_endpoints.h"
#include "config/config_learn.h"
#include "config/config_tell.h"
#include "ddns/ddns_exec.h"
#include "plan/resolved_backends.h"
#include "plan/reach.h"
#include "plan/site_names.h"
#include "doctor/host_check.h"
#include "lib/grow.h"
#include "lib/library.h"
#include "dataplane/pins.h"
#include "dataplane/shared.h"
#include "instance/lists.h"

struct check_host {
	struct check check;
	const struct config *c;
	const struct host *h;
	const struct resolved_backends *answers;
	const char *instance;
	__u32 *seen;			/* ifindexes that check_forwarding() has handled */
	size_t n_seen;
	char device[IFNAMSIZ];		/* WireGuard device in `wg`; "": none was read */
	struct wg_device wg;
	int wg_error;			/* result of wg_read() for it */
};

/* ---- interfaces ---- */

static void report_missing(struct check_host *k, const char *key, const char *name)
{
	char there[HOST_NAMES_LEN];

	tell(&k->check, "%s: this host has no interface '%s': there is %s", key, name,
	     host_link_names(k->h, name, there));
}

/* Reports forwarding that is off on an interface, once for each interface. */
static void check_forwarding(struct check_host *k, const char *key, const struct nl_link *link)
{
	for (size_t i = 0; i < k->n_seen; i++)
		if (k->seen[i] == link->ifindex)
			return;
	*append(k->seen, k->n_seen) = link->ifindex;
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		char *text = reach_forwarding_off(k->c, k->h, link, ipv6);

		if (text)
			tell(&k->check, "%s: %s", key, text);
		free(text);
	}
}

/* Reports an XDP program of other software, or of another instance, on the interface. Other users
 * than root cannot see it. */
static void check_program(struct check_host *k, const char *key, const struct nl_link *link,
			  bool shared)
{
	char owner[INSTANCE_LEN];

	if (!link->xdp_prog_id || geteuid())
		return;
	if (pins_owner(link->xdp_prog_id, "", owner)) {
		if (strcmp(owner, k->instance))
			tell(&k->check,
			     "%s: instance %s is attached to %s: an interface belongs to one "
			     "instance only", key, owner, link->name);
		return;
	}
	if (shared_is_dispatcher(link->xdp_prog_id)) {
		if (!shared)
			tell(&k->check,
			     "%s: libxdp's dispatcher is attached to %s: write shared: true to run "
			     "beside its programs, or use mode: tc", key, link->name);
		return;
	}
	tell(&k->check,
	     "%s: an XDP program that is not ours (id %u) is attached to %s: remove it, or use "
	     "mode: tc", key, link->xdp_prog_id, link->name);
}

static void check_interface(struct check_host *k, const char *key, const char *name)
{
	const struct nl_link *link = host_link_by_name(k->h, name);
	const struct interface_config *i = config_interface_entry(k->c, name);

	if (!link) {
		report_missing(k, key, name);
		return;
	}
	if (link->loopback)
		tell(&k->check,
		     "%s: %s is a loopback: name the interface to the clients or to the "
		     "backend", key, name);
	if (!i || i->mode != MODE_TC)
		check_program(k, key, link, i && i->shared);
	check_forwarding(k, key, link);
}

/* ---- services ---- */

static bool wan_is_named(const struct config *c)
{
	for (size_t i = 0; i < c->n_interfaces; i++)
		if (c->interfaces[i].role == ROLE_WAN)
			return true;
	for (size_t i = 0; i < c->n_services; i++)
		if (*c->services[i].listen_interface)
			return true;
	return false;
}

/* Returns whether an interface is a wan because it has an address on which a service listens. */
static bool wan_is_found(const struct check_host *k)
{
	for (size_t i = 0; i < k->c->n_services; i++) {
		const struct service_config *s = &k->c->services[i];

		for (size_t j = 0; j < s->n_listen_addresses; j++)
			if (host_outer_address(k->h, &s->listen_addresses[j]))
				return true;
	}
	return false;
}

/* Returns whether a service with this listen address gets its packets. */
static bool is_served(const struct check_host *k, const struct address *a)
{
	return wan_is_named(k->c) || host_outer_address(k->h, a) ||
	       (host_address(k->h, a) && wan_is_found(k));
}

static bool is_broadcast(const struct host *h, const struct address *a)
{
	for (size_t i = 0; i < h->n_addresses; i++) {
		const struct nl_address *own = &h->addresses[i];
		__u32 host = own->prefix_len < 31 ? ~0U >> own->prefix_len : 0;

		if (a->family == FAMILY_IPV4 && own->local.family == FAMILY_IPV4 && host &&
		    (own->local.addr.w[3] | htonl(host)) == a->addr.w[3])
			return true;
	}
	return false;
}

static void check_listen(struct check_host *k, size_t i)
{
	const struct service_config *s = &k->c->services[i];
	const struct nl_link *link = host_link_by_name(k->h, s->listen_interface);
	const char *missing = link ? reach_missing_address(k->h, s, link) : NULL;
	char text[ADDRESS_STRLEN];

	at(&k->check, 0, "/services/%zu/listen/interface", i);
	if (*s->listen_interface && !config_interface_entry(k->c, s->listen_interface))
		check_interface(k, "interface", s->listen_interface);
	if (missing)
		tell(&k->check,
		     "interface: %s has no %saddress to listen on: give it one, or name another "
		     "interface", link->name, missing);
	for (size_t j = 0; j < s->n_listen_addresses; j++) {
		at(&k->check, 0, "/services/%zu/listen/addresses/%zu", i, j);
		if (!is_served(k, &s->listen_addresses[j]))
			tell(&k->check,
			     "addresses: no wan here has %s: correct it; if it is "
			     "only routed to this host, name its interface: interfaces: [ { name: "
			     "eth0, role: wan } ]",
			     address_format(&s->listen_addresses[j], text));
	}
	for (size_t j = 0; j < s->flows.n_sources; j++) {
		at(&k->check, 0, "/services/%zu/flows/source/%zu", i, j);
		if (!host_address(k->h, &s->flows.sources[j]))
			tell(&k->check,
			     "source: no interface of this host has %s: write an address that it "
			     "has, as answers come there",
			     address_format(&s->flows.sources[j], text));
	}
}

/* Reports a service that listens on the interface which leads to its backend: perhaps it is the LAN
 * by mistake. */
static void check_side(struct check_host *k, const struct service_config *s, const char *backend,
		       const struct nl_way *way)
{
	const char *name = host_link(k->h, way->oif)->name;

	if (way->via.family || strcmp(s->listen_interface, name))
		return;
	at(&k->check, 0, "/services/%zu/listen/interface", (size_t)(s - k->c->services));
	tell(&k->check,
	     "interface: %s also leads to the backend %s: if %s does not lead to the internet, "
	     "write the other interface", name, backend, name);
}

static void check_backend(struct check_host *k, const struct service_config *s, const char *key,
			  const char *text, __u8 family)
{
	char format[ADDRESS_STRLEN];
	struct nl_way way;
	struct address a;

	if (!*text)
		return;
	if (!resolved_backends_address(k->answers, text, family, &a)) {
		tell(&k->check,
		     "%s: %s has no %s address: correct the name, or see /etc/resolv.conf", key,
		     text, family == FAMILY_IPV4 ? "IPv4" : "IPv6");
		return;
	}
	address_format(&a, format);
	if (is_broadcast(k->h, &a)) {
		tell(&k->check,
		     "%s: %s is the broadcast address of a network of this host: write that of "
		     "one host in it", key, format);
		return;
	}
	switch (reach_backend(k->h, k->c, s, &a, &way)) {
	case REACH_SELF:
		tell(&k->check,
		     "%s: %s is an address of this host: write the address of the WireGuard host "
		     "behind it",
		     key, format);
		break;
	case REACH_NONE:
		tell(&k->check,
		     "%s: this host has no route to %s: correct the address, or add a route", key,
		     format);
		break;
	case REACH_WAN:
		tell(&k->check,
		     "%s: %s is reached by interface %s, on which clients arrive: correct the "
		     "address, or write nat: masquerade, so that answers come back here",
		     key, format, host_link(k->h, way.oif)->name);
		check_side(k, s, format, &way);
		break;
	case REACH_UNKNOWN:
		tell(&k->check, "%s: no memory to ask for the route to %s", key, format);
		break;
	case REACH_ROUTED:
		check_forwarding(k, key, host_link(k->h, way.oif));
		break;
	default:
		break;
	}
}

static void check_backends(struct check_host *k, size_t i)
{
	const struct service_config *s = &k->c->services[i];
	char where[64];

	for (size_t b = 0; b < backends_of(s); b++) {
		snprintf(where, sizeof(where), s->n_backends ? "/services/%zu/backends/%zu" :
			 "/services/%zu/backend", i, b);
		at(&k->check, 0, "%s/ipv4", where);
		check_backend(k, s, "ipv4", backend_at(s, b)->ipv4, FAMILY_IPV4);
		at(&k->check, 0, "%s/ipv6", where);
		check_backend(k, s, "ipv6", backend_at(s, b)->ipv6, FAMILY_IPV6);
		at(&k->check, 0, "%s/standby/ipv4", where);
		check_backend(k, s, "ipv4", backend_at(s, b)->standby.ipv4, FAMILY_IPV4);
		at(&k->check, 0, "%s/standby/ipv6", where);
		check_backend(k, s, "ipv6", backend_at(s, b)->standby.ipv6, FAMILY_IPV6);
	}
}

/* ---- WireGuard devices ---- */

static void read_device(struct check_host *k, const char *name)
{
	if (!strcmp(k->device, name))
		return;
	wg_free(&k->wg);
	k->wg = (struct wg_device){ 0 };
	snprintf(k->device, sizeof(k->device), "%s", name);
	k->wg_error = wg_read(name, &k->wg);
}

/* Reports a peer that its device lacks; only root can read that. path: the entry with the key `key`
 * that names the peer. */
static void check_peer(struct check_host *k, const char *path, size_t i, const char *device,
		       const char *key, const struct wg_key *peer)
{
	read_device(k, device);
	at(&k->check, 0, "%s/%zu/%s", path, i, key);
	if (!k->wg_error && !wg_find_peer(&k->wg, peer))
		tell(&k->check,
		     "%s: WireGuard on %s has no peer with this public key: correct the key, or "
		     "add the peer", key, device);
}

/* Reports an interface that does not exist, or is none of WireGuard. */
static void check_wireguard(struct check_host *k, const char *key, const char *name)
{
	if (!host_link_by_name(k->h, name)) {
		report_missing(k, key, name);
		return;
	}
	read_device(k, name);
	if (k->wg_error == -EOPNOTSUPP)
		tell(&k->check,
		     "%s: %s is not a WireGuard interface, or its wireguard-go has no socket in "
		     WG_SOCKET_DIR ": name a WireGuard interface", key, name);
}

/* Checks the peers in the sections endpoints and learn. An entry of `learn` without a peer needs a
 * device with exactly one. */
static void check_followed_peers(struct check_host *k)
{
	const struct config *c = k->c;

	for (size_t i = 0; i < c->n_endpoints; i++) {
		const struct peer_endpoint_config *e = &c->endpoints[i];
		struct address a;

		check_peer(k, "/endpoints", i, e->interface, "peer", &e->peer);
		at(&k->check, 0, "/endpoints/%zu/host", i);
		if (!resolved_backends_address(k->answers, e->host, FAMILY_IPV4, &a) &&
		    !resolved_backends_address(k->answers, e->host, FAMILY_IPV6, &a))
			tell(&k->check,
			     "host: %s has no address: correct the name, or see /etc/resolv.conf",
			     e->host);
	}
	for (size_t i = 0; i < c->n_learn; i++) {
		const struct learn_config *l = &c->learn[i];

		if (!wg_key_is_none(&l->peer)) {
			check_peer(k, "/learn", i, l->interface, "peer", &l->peer);
			continue;
		}
		read_device(k, l->interface);
		at(&k->check, 0, "/learn/%zu", i);
		if (!k->wg_error && k->wg.n_peers != 1)
			tell(&k->check, k->wg.n_peers ?
			     "learn: WireGuard on %s has several peers: name the one that moves "
			     "with `peer:`" :
			     "learn: WireGuard on %s has no peer: add the one that moves",
			     l->interface);
	}
}

/* Checks each device of peers and of `follow`, where the file names it first. Peers of a WireGuard
 * device need a key. */
static void check_devices(struct check_host *k)
{
	const struct config *c = k->c;

	for (size_t i = 0; i < c->n_peers; i++) {
		const struct peer_config *p = &c->peers[i];
		const struct nl_link *link = host_link_by_name(k->h, p->device);
		size_t before = 0;

		while (before < i && strcmp(c->peers[before].device, p->device))
			before++;
		at(&k->check, 0, "/peers/%zu/device", i);
		if (before == i)
			check_interface(k, "device", p->device);
		at(&k->check, 0, "/peers/%zu", i);
		if (link && !strcmp(link->kind, "wireguard") && wg_key_is_none(&p->key))
			tell(&k->check,
			     "peers: '%s' has no public-key: add it: %s knows a peer only by its "
			     "key",
			     p->name, p->device);
		if (!wg_key_is_none(&p->key))
			check_peer(k, "/peers", i, p->device, "public-key", &p->key);
	}
	for (size_t i = 0; i < c->follow.n_wireguard; i++) {
		at(&k->check, 0, "/follow/wireguard/%zu", i);
		check_interface(k, "wireguard", c->follow.wireguard[i].name);
		if (host_link_by_name(k->h, c->follow.wireguard[i].name))
			check_wireguard(k, "wireguard", c->follow.wireguard[i].name);
	}
}

/* Compares the names with blind.sites. */
static void compare_sites(struct host_sites *s, const struct blind_config *b)
{
	struct site_name *listed;
	size_t others = 0;

	if (!b->n_sites)
		return;
	listed = xcalloc(b->n_sites, sizeof(*listed));
	memcpy(listed, b->sites, b->n_sites * sizeof(*listed));
	site_names_sort(listed, b->n_sites);
	for (size_t i = 0; i < b->n_sites; i++)
		s->missing += !host_sites_have(s, listed[i].name);
	for (size_t i = 0; i < s->n; i++)
		if (!site_names_have(listed, b->n_sites, s->names[i].name) && !others++)
			strcpy(s->other, s->names[i].name);
	if (others > 1)
		*s->other = '\0';
	free(listed);
}

void host_sites_read(const struct config *c, const struct wg_device *d, struct host_sites *ret)
{
	struct wg_names names;
	size_t length = 0;

	*ret = (struct host_sites){ .text = "none" };
	ret->names = xcalloc(d->n_peers, sizeof(*ret->names));
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

bool host_sites_have(const struct host_sites *s, const char *name)
{
	return site_names_have(s->names, s->n, name);
}

void host_sites_free(struct host_sites *s)
{
	free(s->names);
}

/* Checks that the blind relay's device has the relay's port, and a peer for each named site. Only
 * root can read it. */
static void check_blind(struct check_host *k)
{
	const struct blind_config *b = &k->c->blind;
	struct host_sites sites;

	read_device(k, b->device);
	if (k->wg_error)
		return;
	host_sites_read(k->c, &k->wg, &sites);
	at(&k->check, 0, "/blind/listen/port");
	if (k->wg.port != b->port)
		tell(&k->check,
		     "port: %s listens on UDP port %u, and the blind relay on %u: write the same "
		     "port, that of Endpoint at the sites", b->device, ntohs(k->wg.port),
		     ntohs(b->port));
	for (size_t i = 0; i < b->n_sites; i++) {
		at(&k->check, 0, "/blind/sites/%zu", i);
		if (!host_sites_have(&sites, b->sites[i].name))
			tell(&k->check, "sites: %s has no peer with the name '%s': it has %s",
			     b->device, b->sites[i].name, sites.text);
	}
	for (size_t i = 0; i < b->n_pairs && !b->n_sites; i++)
		for (int j = 0; j < 2; j++) {
			at(&k->check, 0, "/blind/pairs/%zu", i);
			if (!host_sites_have(&sites, b->pairs[i].name[j]))
				tell(&k->check, "pairs: %s has no peer with the name '%s': there "
				     "are %s", b->device, b->pairs[i].name[j], sites.text);
		}
	host_sites_free(&sites);
}

/* Checks the interfaces that the daemon uses without a data path, and the blind relay's devices. */
static void check_followed(struct check_host *k)
{
	const struct blind_config *b = &k->c->blind;
	const char *name;

	for (size_t i = 0;
	     (name = config_followed(k->c, i, k->check.place.path, sizeof(k->check.place.path)));
	     i++)
		if (i < k->c->n_endpoints + k->c->n_learn)
			check_wireguard(k, "interface", name);
		else if (!host_link_by_name(k->h, name))
			report_missing(k, "interface", name);
	check_followed_peers(k);
	if (!*b->device)
		return;
	at(&k->check, 0, "/blind/device");
	check_wireguard(k, "device", b->device);
	at(&k->check, 0, "/blind/listen/interface");
	if (!config_interface_entry(k->c, b->interface))
		check_interface(k, "interface", b->interface);
	check_blind(k);
}

/* ---- libraries ---- */

static void check_library(struct check_host *k, const char *key, const struct library *l)
{
	char why[LIBRARY_WHY_LEN];

	if (library_open(l, NULL, 0, NULL, why))
		tell(&k->check, "%s: %s", key, why);
}

/* Reports libraries that the daemon needs for this configuration and cannot open. */
static void check_libraries(struct check_host *k)
{
	const struct config *c = k->c;

	at(&k->check, 0, "/exporter/listen/0");
	if (c->n_exporter)
		check_library(k, "exporter", &library_mhd);
	for (size_t i = 0; i < c->n_services; i++) {
		at(&k->check, 0, "/services/%zu/wireguard/challenge", i);
		if (c->services[i].guard.challenge_above)
			check_library(k, "challenge", &library_sodium);
	}
}

/* ---- files ---- */

/* Checks the files with keys and credentials, which perhaps only root can read. */
static void check_secrets(struct check_host *k)
{
	for (size_t i = 0; i < k->c->n_ddns; i++) {
		const struct ddns_config *d = &k->c->ddns[i];
		char why[DDNS_WHY_LEN];
		int rc = ddns_check(d, why);

		at(&k->check, 0, "/ddns/%zu/provider/%s/%s", i,
		   d->by == DDNS_OVH ? "ovh" : "rfc2136", ddns_secret_key(d));
		if (rc && (rc != -EACCES || !geteuid()))
			tell(&k->check, "%s", why);
	}
}

static void check_list(struct check_host *k, size_t i, const char *key, const struct list_config *l)
{
	struct list_content content;
	struct nft_set_kind kind;
	int rc = list_read(l, &content, &kind);

	list_keys_free(&content.keys);
	at(&k->check, 0, "/services/%zu/%s/%zu", i, key, l->at);
	if (rc && (geteuid() == 0 || (rc != -EACCES && rc != -EPERM)))
		tell(&k->check, "%s: %s", l->name, list_unread(l, rc));
}

/* Checks the lists that other programs keep. */
static void check_lists(struct check_host *k, size_t i)
{
	const struct service_config *s = &k->c->services[i];

	for (size_t j = 0; j < s->n_allow_lists; j++)
		check_list(k, i, "allow", &s->allow_lists[j]);
	for (size_t j = 0; j < s->n_deny_lists; j++)
		check_list(k, i, "deny", &s->deny_lists[j]);
}

unsigned int host_check(const struct config *c, const struct host *h,
			const struct resolved_backends *answers, const char *instance,
			config_tell *tell, void *data)
{
	struct check_host k = {
		.check = { .tell = tell, .data = data },
		.c = c, .h = h, .answers = answers, .instance = instance,
	};

	for (size_t i = 0; i < c->n_interfaces; i++) {
		at(&k.check, 0, "/interfaces/%zu/name", i);
		check_interface(&k, "name", c->interfaces[i].name);
	}
	for (size_t i = 0; i < c->n_services; i++) {
		check_listen(&k, i);
		check_backends(&k, i);
		check_lists(&k, i);
	}
	check_devices(&k);
	check_followed(&k);
	check_libraries(&k);
	check_secrets(&k);
	wg_free(&k.wg);
	free(k.seen);
	return k.check.errors;
}
