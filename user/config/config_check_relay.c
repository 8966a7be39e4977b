/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Checks the sections peers, follow, announce and policy. It finds duplicates by sorting, because
 * there may be tens of thousands of peers.
 */
#include <string.h>
#include "config/config_relay.h"
#include "config/relay_prefix.h"
#include "lib/memory.h"

/* ---- values ---- */

bool config_check_peer_name(struct check *k, const char *key, const char *name)
{
	if (!*name || is_peer_name(name))
		return true;
	tell(k, "%s: '%s' cannot be the name of a peer: write letters, digits, '-', '_', '.', '+' "
		"and '/', such as site-a", key, name);
	return false;
}

static void check_peer_values(struct check *k, size_t i)
{
	const struct peer_config *p = &k->c->peers[i];

	at(k, 0, "/peers/%zu/name", i);
	config_check_peer_name(k, "name", p->name);
	at(k, 0, "/peers/%zu/device", i);
	config_check_device(k, "device", p->device, "wgvpnr01");
}

static void check_overlay(struct check *k)
{
	const struct prefix *o = &k->c->policy.overlay;
	const char *why = o->family ? relay_overlay_wrong(o) : NULL;
	char text[ADDRESS_STRLEN];

	at(k, 0, "/policy/overlay");
	if (why)
		tell(k, "overlay: '%s' %s, such as \"fd12:3456:789a::/48\"", prefix_format(o, text),
		     why);
}

void config_check_relay_values(struct check *k)
{
	const struct config *c = k->c;

	for (size_t i = 0; i < c->n_peers; i++)
		check_peer_values(k, i);
	for (size_t i = 0; i < c->follow.n_wireguard; i++) {
		at(k, 0, "/follow/wireguard/%zu", i);
		config_check_device(k, "wireguard", c->follow.wireguard[i].name, "wgvpnr01");
	}
	check_overlay(k);
}

/* ---- what contradicts ---- */

static int compare_names(const void *a, const void *b)
{
	const struct peer_config *x = *(const struct peer_config *const *)a,
				 *y = *(const struct peer_config *const *)b;

	return strcmp(x->name, y->name) ?: (x > y) - (x < y);
}

static int compare_keys(const void *a, const void *b)
{
	const struct peer_config *x = *(const struct peer_config *const *)a,
				 *y = *(const struct peer_config *const *)b;

	return wg_key_compare(&x->key, &y->key) ?: (x > y) - (x < y);
}

/* Reports names and keys that two peers have, at the second of them. */
static void check_names_and_keys(struct check *k)
{
	const struct config *c = k->c;
	const struct peer_config **sorted = xcalloc(c->n_peers + 1, sizeof(*sorted));

	for (size_t i = 0; i < c->n_peers; i++)
		sorted[i] = &c->peers[i];
	qsort(sorted, c->n_peers, sizeof(*sorted), compare_names);
	for (size_t i = 1; i < c->n_peers; i++) {
		if (strcmp(sorted[i]->name, sorted[i - 1]->name))
			continue;
		at(k, 0, "/peers/%zu/name", (size_t)(sorted[i] - c->peers));
		tell(k, "name: two peers are called '%s': rename one of them", sorted[i]->name);
	}
	qsort(sorted, c->n_peers, sizeof(*sorted), compare_keys);
	for (size_t i = 1; i < c->n_peers; i++) {
		if (wg_key_is_none(&sorted[i]->key) ||
		    wg_key_compare(&sorted[i]->key, &sorted[i - 1]->key))
			continue;
		at(k, 0, "/peers/%zu/public-key", (size_t)(sorted[i] - c->peers));
		tell(k, "public-key: peer '%s' has the same key: correct one of the two",
		     sorted[i - 1]->name);
	}
	free(sorted);
}

struct owned {				/* prefix, and the index of the peer that has it */
	const struct prefix *prefix;
	size_t peer;
};

static int compare_owned(const void *a, const void *b)
{
	const struct owned *x = a, *y = b;

	return prefix_compare(x->prefix, y->prefix) ?:
	       (x->peer > y->peer) - (x->peer < y->peer) ?:
	       (x->prefix > y->prefix) - (x->prefix < y->prefix);
}

static void at_prefix(struct check *k, const struct owned *o)
{
	at(k, 0, "/peers/%zu/prefixes/%zu", o->peer,
	   (size_t)(o->prefix - k->c->peers[o->peer].prefixes));
}

static void check_twice(struct check *k, const struct owned *sorted, size_t n)
{
	char text[ADDRESS_STRLEN];

	for (size_t i = 1; i < n; i++) {
		const struct owned *o = &sorted[i], *before = &sorted[i - 1];

		if (prefix_compare(o->prefix, before->prefix))
			continue;
		at_prefix(k, o);
		if (o->peer == before->peer)
			tell(k, "prefixes: %s is listed twice: remove one of the two",
			     prefix_format(o->prefix, text));
		else
			tell(k, "prefixes: %s is also listed at peer '%s': remove it from one of "
				"the two peers",
			     prefix_format(o->prefix, text), k->c->peers[before->peer].name);
	}
}

static void check_prefixes(struct check *k)
{
	const struct config *c = k->c;
	char text[ADDRESS_STRLEN], overlay[ADDRESS_STRLEN];
	struct owned *list, *o;
	size_t n = 0;

	for (size_t i = 0; i < c->n_peers; i++)
		n += c->peers[i].n_prefixes;
	o = list = xcalloc(n + 1, sizeof(*list));
	prefix_format(&c->policy.overlay, overlay);
	for (size_t i = 0; i < c->n_peers; i++)
		for (size_t j = 0; j < c->peers[i].n_prefixes; j++, o++) {
			const char *why =
				relay_prefix_wrong(&c->peers[i].prefixes[j], &c->policy.overlay);

			*o = (struct owned){ &c->peers[i].prefixes[j], i };
			if (!why)
				continue;
			at_prefix(k, o);
			tell(k, "prefixes: %s %s %s", prefix_format(o->prefix, text), why, overlay);
		}
	qsort(list, n, sizeof(*list), compare_owned);
	check_twice(k, list, n);
	free(list);
}

static void check_followed(struct check *k)
{
	const struct follow_config *f = &k->c->follow;
	char text[TABLE_STRLEN];

	for (size_t i = 0; i < f->n_wireguard; i++)
		for (size_t j = 0; j < i; j++) {
			at(k, 0, "/follow/wireguard/%zu", i);
			if (!strcmp(f->wireguard[i].name, f->wireguard[j].name))
				tell(k, "wireguard: '%s' is listed twice: remove one of the two",
				     f->wireguard[i].name);
		}
	for (size_t i = 0; i < f->n_tables; i++)
		for (size_t j = 0; j < i; j++) {
			at(k, 0, "/follow/routes/%zu", i);
			if (f->tables[i] == f->tables[j])
				tell(k, "routes: table %s is listed twice: remove one of the two",
				     table_format(f->tables[i], text));
		}
	at(k, 0, "/follow/routes");
	if (f->n_tables && !config_relays(k->c))
		tell(k, "routes: routes need peers, and the configuration has none: add peers, or "
			"follow: { wireguard: [ wgvpnr01 ] }");
}

static void check_announced(struct check *k)
{
	const struct config *c = k->c;

	at(k, 0, "/announce/table");
	for (size_t i = 0; i < c->follow.n_tables && c->announce.table; i++)
		if (c->follow.tables[i] == c->announce.table)
			tell(k, "table: wgxdp also reads routes from table %u: choose a table that "
				"nothing else uses", c->announce.table);
	at(k, 0, "/announce");
	if (c->announce.table && !config_relays(c) && !*c->blind.device)
		tell(k, "announce: the configuration has no sites to announce: add peers, or "
			"follow: { wireguard: [ wgvpnr01 ] }");
	else if (c->announce.table && !c->policy.overlay.family && !config_relays(c))
		tell(k, "announce: the prefix of all sites (the overlay) is missing: add policy: { "
			"overlay: \"fd12:3456:789a::/48\" }");
}

void config_check_relay(struct check *k)
{
	const struct config *c = k->c;

	for (size_t i = 0; i < c->n_peers; i++) {
		if (*c->peers[i].name && *c->peers[i].device)
			continue;
		at(k, 0, "/peers/%zu", i);
		tell(k, "a peer has no name or no device: add both, { name: site-a, device: wg0 }");
	}
	check_names_and_keys(k);
	check_followed(k);
	check_announced(k);
	if (c->policy.overlay.family) {
		check_prefixes(k);
	} else if (config_relays(c)) {
		at(k, 0, c->n_peers ? "/peers" : "/follow");
		tell(k, "%s: the prefix of all sites (the overlay) is missing: add policy: { "
			"overlay: \"fd12:3456:789a::/48\" }", c->n_peers ? "peers" : "follow");
	}
}
