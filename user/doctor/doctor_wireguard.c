/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Checks WireGuard on this host, as the kernel reports it, and WireGuard behind services, by the
 * counters of the guard. It also checks for packets that are not forwarded now.
 */
#include <ctype.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "doctor/doctor.h"
#include "lib/library.h"
#include "show/show_parts.h"
#include "lib/text.h"
#include "show/words.h"

#define DEAD_SECONDS 180 /* age of a handshake at which its session ends */
/* Messages for another key that show a wrong public-key. A client repeats its own every 5 s. */
#define WRONG_KEYS 3

/* ---- WireGuard of this host ---- */

static bool has_private_key(const char *path)
{
	char line[16];
	FILE *in = fopen(path, "re");
	bool has = false;

	while (in && !has && fgets(line, sizeof(line), in))
		has = !strncasecmp(line, "PrivateKey", strlen("PrivateKey"));
	explicit_bzero(line, sizeof(line));
	if (in)
		fclose(in);
	return has;
}

/* Returns a command that gives a device its private key, from the file that `wgxdp gen hosts` makes
 * beside wg-quick's, or from that one. It sets nothing but the key. */
static char *fix_own_key(const struct device_fact *d)
{
	char path[sizeof(WG_QUICK_DIR) + IFNAMSIZ + sizeof("/-privatekey")];

	snprintf(path, sizeof(path), WG_QUICK_DIR "/%s-privatekey", d->name);
	if (!access(path, R_OK))
		return xasprintf("wg set %s private-key %s", SHELL_WORD(d->name), SHELL_WORD(path));
	snprintf(path, sizeof(path), WG_QUICK_DIR "/%s.conf", d->name);
	if (!has_private_key(path))
		return NULL;
	return xasprintf("bash -c 'wg set %s private-key <(wg-quick strip %s | "
			 "sed -n \"s/^PrivateKey *= *//Ip\")'", SHELL_WORD(d->name),
			 SHELL_WORD(d->name));
}

/* Reports a device without a key. That of wireguard-go's is unknown without libsodium. */
static void look_at_own_key(struct doctor *k, const struct device_fact *d)
{
	const struct nl_link *link = host_link_by_name(&k->h, d->name);
	char why[LIBRARY_WHY_LEN];

	if (!wg_key_is_none(&d->wg.key) ||
	    ((!link || strcmp(link->kind, "wireguard")) &&
	     library_open(&library_sodium, NULL, 0, NULL, why)))
		return;
	doctor_report(k, STATE_PROBLEM, "key", d->name, fix_own_key(d),
		      "the interface has no private key, so WireGuard neither starts nor answers a "
		      "handshake: set one with `wg set`");
}

/* Sets ret to the peer's name: from `peers` in the configuration, else from WireGuard's file. */
static void name_peer(const struct doctor *k, const struct wg_names *names,
		      const struct wg_key *key, char ret[NAME_LEN])
{
	wg_name_of(names, key, ret);
	for (size_t i = 0; i < k->c->n_peers; i++)
		if (!wg_key_compare(&k->c->peers[i].key, key))
			strcpy(ret, k->c->peers[i].name);
}

static void look_at_peer(struct doctor *k, const struct device_fact *d,
			 const struct wg_names *names, const struct wg_peer *p)
{
	char name[NAME_LEN], subject[NAME_LEN + IFNAMSIZ + 1];
	char endpoint[ADDRESS_STRLEN] = "unknown";
	long long age = (long long)time(NULL) - (long long)p->handshake;

	name_peer(k, names, &p->key, name);
	snprintf(subject, sizeof(subject), "%s %s", d->name, name);
	if (p->endpoint.family)
		endpoint_format(&p->endpoint, p->endpoint_port, endpoint);
	if (!p->handshake)
		doctor_report(k, STATE_WARNING, "wireguard", subject, NULL, "there was no "
			      "handshake yet (endpoint %s): the peer is off, or a key, endpoint or "
			      "port is wrong: compare `wg show` at both ends", endpoint);
	else if (p->keepalive && age > DEAD_SECONDS)
		doctor_report(k, STATE_WARNING, "wireguard", subject, NULL, "the last handshake "
			      "was %lld seconds ago (endpoint %s), although this host sends "
			      "keepalives: compare `wg show` at both ends", age, endpoint);
	else
		doctor_ok(k, "wireguard", subject,
			  "the peer's endpoint is %s; its last handshake was %lld seconds ago%s",
			  endpoint, age, age > DEAD_SECONDS ? ", so its session has ended" : "");
}

/* ---- the blind relay ---- */

/* Reports a pair that is not connected, because sessions would not outlive a change, and two active
 * relays. */
static void look_at_pair(struct doctor *k)
{
	const struct pair_config *c = &k->c->blind.pair;
	char peer[ADDRESS_STRLEN], local[ADDRESS_STRLEN];
	struct pair_view p;

	if (!k->dp || !k->dp->running || !pair_view_read(k->dp->instance, k->c, &k->h, &p))
		return;
	address_format(&c->local, local);
	address_format(&c->peer, peer);
	if (!host_address(&k->h, &c->local))
		doctor_report(k, STATE_PROBLEM, "blind", peer, NULL, "pair: this host has no "
			      "address %s: bring up the tunnel between the two relays", local);
	else if (!p.connected)
		doctor_report(k, STATE_PROBLEM, "blind", peer, NULL,
			      "pair: this relay is not connected to the other relay at %s: check "
			      "the tunnel, TCP port %u, and the other relay's file", peer,
			      ntohs(c->port ?: htons(PAIR_PORT)));
	else if (p.active && p.other_active)
		doctor_report(k, STATE_PROBLEM, "blind", peer, NULL, "pair: both relays have the "
			      "shared address: check that VRRP passes between them");
}

/* ---- routes to AllowedIPs ---- */

#define MAX_FIXED 16 /* routes that one command adds */

enum way_out { WAY_NONE, WAY_OTHER, WAY_OVER };

/* Returns whether a route leads to the prefix or a part of it over the device, or whether a route
 * other than the default one leads elsewhere. It asks the kernel first, because a relay may have
 * 100,000 routes. */
static enum way_out find_way(const struct doctor *k, const struct prefix *p, __u32 ifindex)
{
	struct address first = { p->addr, p->family };
	enum way_out way = WAY_NONE;
	__u32 oif;

	if (!nl_route_get(&first, 0, &oif) && oif == ifindex)
		return WAY_OVER;
	for (size_t i = 0; i < k->h.n_routes; i++) {
		const struct nl_route *r = &k->h.routes[i];

		if (r->type != RTN_UNICAST || !r->dst.len)
			continue;
		if (r->oif == ifindex && (prefix_within(p, &r->dst) || prefix_within(&r->dst, p)))
			return WAY_OVER;
		if (prefix_within(p, &r->dst))
			way = WAY_OTHER;
	}
	return way;
}

/* Reports AllowedIPs without a route: `wg set` and `wg syncconf` add none. It says nothing about a
 * device without any such route, whose packets wgxdp alone is to forward, and nothing where the
 * announcements or a routing daemon decide about routes. */
static void look_at_ways(struct doctor *k, const struct device_fact *d)
{
	const struct nl_link *link = host_link_by_name(&k->h, d->name);
	char text[ADDRESS_STRLEN], first[ADDRESS_STRLEN], *fix;
	size_t n_over = 0, n_none = 0, size;
	FILE *out;

	if (!link || !link->up || !config_follows(k->c, d->name) || k->c->announce.table)
		return;
	out = text_open(&fix, &size);
	for (size_t i = 0; i < d->wg.n_peers; i++)
		for (size_t j = 0; j < d->wg.peers[i].n_allowed; j++) {
			const struct prefix *p = &d->wg.peers[i].allowed[j];
			enum way_out way = p->len ? find_way(k, p, link->ifindex) : WAY_OTHER;

			n_over += way == WAY_OVER;
			if (way != WAY_NONE)
				continue;
			if (!n_none)
				prefix_format(p, first);
			if (n_none++ < MAX_FIXED)
				fprintf(out, "%sip %sroute add %s dev %s", n_none > 1 ? " && " : "",
					p->family == FAMILY_IPV6 ? "-6 " : "",
					prefix_format(p, text), SHELL_WORD(d->name));
		}
	fclose(out);
	if (!n_over || !n_none)
		free(fix);
	else
		doctor_report(k, STATE_WARNING, "route", d->name, fix,
			      "%zu of the peers' AllowedIPs, such as %s, %s no route over this "
			      "interface: the kernel cannot send packets there: add a route",
			      n_none, first, n_none == 1 ? "has" : "have");
}

void doctor_wireguard(struct doctor *k)
{
	look_at_pair(k);
	for (size_t i = 0; i < k->n_devices; i++) {
		const struct device_fact *d = &k->devices[i];
		struct wg_names names;

		if (d->error == -EOPNOTSUPP)
			continue;	/* a nic with sites behind it, not a WireGuard device */
		if (d->error) {
			if (host_link_by_name(&k->h, d->name))
				doctor_report(k, STATE_WARNING, "wireguard", d->name, NULL,
					      "cannot read the interface from WireGuard: "
					      "%s", strerror(-d->error));
			continue;
		}
		doctor_ok(k, "wireguard", d->name, "WireGuard listens on UDP port %u and has %zu "
			  "peers", ntohs(d->wg.port), d->wg.n_peers);
		look_at_own_key(k, d);
		look_at_ways(k, d);
		wg_names_read(d->name, &names);
		for (size_t p = 0; p < d->wg.n_peers; p++)
			look_at_peer(k, d, &names, &d->wg.peers[p]);
		wg_names_free(&names);
	}
}

/* ---- WireGuard behind services ---- */

/* Finds doctor's record of the backend, in which it notes what was reported already. */
static const struct doctor_backend *find_backend(const struct doctor *k, const char *service,
						 const struct guarded *g)
{
	for (size_t i = 0; i < k->n_backends; i++)
		for (int f = 0; f < 2; f++)
			if (!strcmp(k->backends[i].service->name, service) &&
			    g->address[f].family &&
			    address_equal(&g->address[f], &k->backends[i].address))
				return &k->backends[i];
	return NULL;
}

static void look_at_handshakes(struct doctor *k, const char *service, const struct guarded *g)
{
	const struct doctor_backend *b = find_backend(k, service, g);
	char to[ADDRESS_STRLEN] = "the backend", subject[2 * NAME_LEN];

	snprintf(subject, sizeof(subject), "%s%s%s", service, *g->name ? " " : "", g->name);
	if (b && b->suspect)
		return;
	if (b)
		address_format(&b->address, to);
	if (g->down)
		doctor_report(k, STATE_PROBLEM, "handshakes", subject, NULL,
			      "%s did not answer the last %llu handshake initiations: compare "
			      "`wg show` there with the clients' keys and the service's "
			      "public-key, or correct its packet filter",
			      to, (unsigned long long)g->health.unanswered);
	else
		doctor_ok(k, "handshakes", subject, "the backend got %llu handshake initiations "
			  "and answered %llu", (unsigned long long)g->health.initiations,
			  (unsigned long long)g->health.responses);
}

/* Reports a wrong key of a guard: messages came with wrong mac1s, but none with a valid one. Anyone
 * can send those, so a few give only a warning, without a fix that would change the key. */
static void look_at_mac1(struct doctor *k, const struct service_name *name, __u32 id,
			 __u64 initiations, const struct doctor_backend *b)
{
	char to[ADDRESS_STRLEN];
	__u64 wrong = 0;

	for (size_t i = 0; i < k->n_before; i++)
		if (k->before[i].key.id == id && k->before[i].key.reason == DROP_guard_mac1)
			wrong += k->before[i].packets;
	if (!wrong)
		doctor_ok(k, "key", name->name,
			  "all handshake messages were for the service's public keys");
	else if (initiations)
		doctor_ok(k, "key", name->name,
			  "%llu handshake messages from unknown senders were for other keys; the "
			  "rest were for the service's public keys", (unsigned long long)wrong);
	else if (wrong < WRONG_KEYS)
		doctor_report(k, STATE_WARNING, "key", name->name, NULL, "all handshake messages "
			      "so far (%llu) were for another public key: a stranger sent them, or "
			      "the service's public-key is wrong", (unsigned long long)wrong);
	else
		doctor_report(k, STATE_PROBLEM, "key", name->name,
			      b ? xasprintf("%s service set %s --public-key \"$(ssh %s 'wg show "
					    "\"$(wg show all listen-port | awk \"\\$2 == %u {print "
					    "\\$1}\")\" public-key')\"%s", k->wgxdp, name->name,
					    address_format(&b->address, to), ntohs(b->port),
					    k->keep) : NULL,
			      "all %llu handshake messages were for another public key: write the "
			      "backend's own key as the service's public-key",
			      (unsigned long long)wrong);
}

static void look_at_guard(struct doctor *k, const struct table_entry *table, size_t n,
			  const struct service_name *name, __u32 id)
{
	const struct doctor_backend *one = NULL;
	struct guarded *list = NULL;
	__u64 initiations = 0;
	size_t n_list = 0;

	if (guarded_read(k->dp, table, n, id, &list, &n_list) || !n_list)
		return;
	for (size_t i = 0; i < n_list; i++) {
		initiations += list[i].health.initiations;
		look_at_handshakes(k, name->name, &list[i]);
	}
	if (n_list == 1)
		one = find_backend(k, name->name, list);
	look_at_mac1(k, name, id, initiations, one);
	free(list);
}

void doctor_guards(struct doctor *k)
{
	struct table_entry *table = NULL;
	size_t n = 0;

	if (!k->dp || dataplane_table(k->dp, &table, &n))
		return;
	for (__u32 id = 0; id < k->is.n_services; id++)
		if (*k->is.names[id].name)
			look_at_guard(k, table, n, &k->is.names[id], id);
	free(table);
}

/* ---- counters ---- */

/* Returns whether packets with this reason show a fault. Other reasons also count in normal
 * operation, or for packets of strangers. */
static bool is_failure(__u16 reason)
{
	switch (reason) {
	case PASS_no_route: case PASS_forwarding_off: case PASS_unknown_egress:
	case PASS_no_transmit: case PASS_no_headroom: case PASS_too_big: case PASS_wrong_link:
	case PASS_no_listener: case DROP_send_failed: case DROP_flows_full:
	case DROP_ports_exhausted: case DROP_packet_too_big: case DROP_unrouted:
	case DROP_gso_family:
		return true;
	}
	return false;
}

void doctor_counters(struct doctor *k)
{
	struct dataplane_reason *now = NULL;
	bool any = false;
	size_t n = 0;

	if (!k->dp)
		return;
	dataplane_reasons(k->dp, &now, &n);
	for (size_t i = 0; i < n; i++) {
		const struct reason_key *key = &now[i].key;
		__u64 before = 0;

		for (size_t j = 0; j < k->n_before; j++)
			if (!memcmp(&k->before[j].key, key, sizeof(*key)))
				before = k->before[j].packets;
		if (!is_failure(key->reason) || now[i].packets <= before)
			continue;
		any = true;
		doctor_report(k, STATE_WARNING, "counters",
			      key->id < k->is.n_services ? k->is.names[key->id].name : "", NULL,
			      "%llu packet%s refused just now (%s): %s",
			      (unsigned long long)(now[i].packets - before),
			      now[i].packets - before == 1 ? " was" : "s were",
			      reason_name(key->reason), reason_text(key->reason));
	}
	if (!any && !k->n_seen)
		doctor_ok(k, "counters", "",
			  "in %u s, no packet was refused that should have passed", k->seconds);
	free(now);
}
