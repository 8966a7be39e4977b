/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Checks the guard of a service: backends and their keys, several backends, standbys, AmneziaWG and
 * the challenge.
 */
#include <arpa/inet.h>
#include <string.h>
#include "config/config_parts.h"

void config_at_backend(struct check *k, size_t i, size_t backend, const char *below)
{
	if (k->c->services[i].n_backends)
		at(k, 0, "/services/%zu/backends/%zu%s", i, backend, below);
	else
		at(k, 0, "/services/%zu/backend%s", i, below);
}

void config_check_backend_values(struct check *k, size_t i)
{
	const struct service_config *s = &k->c->services[i];

	for (size_t b = 0; b < backends_of(s); b++) {
		const struct backend_config *is = backend_at(s, b);

		config_at_backend(k, i, b, "/name");
		if (*is->name && !is_service_name(is->name))
			tell(k, "name: '%s' cannot be the name of a backend: write letters, digits, '-', '_' and '.', such as alpha",
			     is->name);
		config_at_backend(k, i, b, "/ipv4");
		config_check_host(k, "ipv4", is->ipv4, FAMILY_IPV4, true);
		config_at_backend(k, i, b, "/ipv6");
		config_check_host(k, "ipv6", is->ipv6, FAMILY_IPV6, true);
		config_at_backend(k, i, b, "/standby/ipv4");
		config_check_host(k, "ipv4", is->standby.ipv4, FAMILY_IPV4, true);
		config_at_backend(k, i, b, "/standby/ipv6");
		config_check_host(k, "ipv6", is->standby.ipv6, FAMILY_IPV6, true);
	}
}

/* ---- keys ---- */

static void at_key(struct check *k, size_t i, size_t backend, size_t key)
{
	const struct service_config *s = &k->c->services[i];
	const char *name = backend_at(s, backend)->n_keys > 1 ? "public-keys" : "public-key";

	if (s->n_backends)
		at(k, 0, "/services/%zu/backends/%zu/%s/%zu", i, backend, name, key);
	else
		at(k, 0, "/services/%zu/wireguard/%s/%zu", i, name, key);
}

static void check_key(struct check *k, size_t i, size_t backend, size_t key)
{
	const struct service_config *s = &k->c->services[i];
	const struct backend_config *is = backend_at(s, backend);
	const char *name = is->n_keys > 1 ? "public-keys" : "public-key";
	char text[WG_KEY_STRLEN];

	wg_key_format(&is->keys[key], text);
	at_key(k, i, backend, key);
	for (size_t j = 0; j < key; j++)
		if (!wg_key_compare(&is->keys[j], &is->keys[key])) {
			tell(k, "%s: '%s' is listed twice: remove one of the two", name, text);
			return;
		}
	for (size_t b = 0; b < backend; b++)
		for (size_t j = 0; j < backend_at(s, b)->n_keys; j++)
			if (!wg_key_compare(&backend_at(s, b)->keys[j], &is->keys[key])) {
				tell(k, "%s: '%s' is already the key of backend '%s': write the key of this backend",
				     name, text, backend_at(s, b)->name);
				return;
			}
}

static void check_keys(struct check *k, size_t i)
{
	const struct service_config *s = &k->c->services[i];
	size_t n = 0;

	for (size_t b = 0; b < backends_of(s); b++) {
		for (size_t j = 0; j < backend_at(s, b)->n_keys; j++)
			check_key(k, i, b, j);
		n += backend_at(s, b)->n_keys;
	}
	at(k, 0, s->n_backends ? "/services/%zu/backends" : "/services/%zu/wireguard", i);
	if (n > GUARD_KEYS_MAX)
		tell(k, "public-keys: the service has %zu keys, and the limit is %u: divide them among several services",
		     n, GUARD_KEYS_MAX);
	if (!s->n_backends && s->guard.profile != PROFILE_NONE && !n)
		tell(k, "wireguard: the backend's public key is missing: add public-key: \"…=\"; `wg show INTERFACE public-key` prints it there");
}

/* ---- several backends ---- */

static bool same_place(const struct backend_config *a, const struct backend_config *b,
		       const char **ret)
{
	*ret = *a->ipv4 && !strcmp(a->ipv4, b->ipv4) ? a->ipv4
	     : *a->ipv6 && !strcmp(a->ipv6, b->ipv6) ? a->ipv6 : NULL;
	return *ret && a->port == b->port;
}

static void check_pair(struct check *k, size_t i, size_t b, size_t before)
{
	const struct service_config *s = &k->c->services[i];
	const struct backend_config *is = &s->backends[b], *other = &s->backends[before];
	const char *place;

	config_at_backend(k, i, b, "/name");
	if (!strcmp(is->name, other->name))
		tell(k, "name: two backends are called '%s': rename one of them", is->name);
	config_at_backend(k, i, b, "");
	if (same_place(is, other, &place))
		tell(k, "backends: '%s' and '%s' have the same address and port, %s:%u: write one backend with both public-keys",
		     is->name, other->name, place, ntohs(is->port));
}

/* With nat: dnat, all backends must have addresses of the same families: reports a backend that
 * lacks one. */
static void check_families(struct check *k, size_t i, size_t b)
{
	const struct service_config *s = &k->c->services[i];
	const struct backend_config *is = &s->backends[b];

	config_at_backend(k, i, b, "");
	if (s->nat != NAT_DNAT || (!*is->ipv4 && !*is->ipv6))
		return;
	if (!*is->ipv4 && service_has_family(s, FAMILY_IPV4))
		tell(k, "backends: '%s' has no 'ipv4', but another backend has: with nat: dnat, give it to all backends or to none",
		     is->name);
	if (!*is->ipv6 && service_has_family(s, FAMILY_IPV6))
		tell(k, "backends: '%s' has no 'ipv6', but another backend has: with nat: dnat, give it to all backends or to none",
		     is->name);
}

static void check_backends(struct check *k, size_t i)
{
	const struct service_config *s = &k->c->services[i];

	at(k, 0, "/services/%zu/backends", i);
	if (*s->backend.ipv4 || *s->backend.ipv6 || s->backend.port)
		tell(k, "backends: the service has both 'backend' and 'backends': remove one of the two");
	if (s->n_backends < 2)
		tell(k, "backends: the list needs 2 to %u entries: for a single backend, write backend: { %s: %s, port: %u } and wireguard: { public-key: \"…=\" }",
		     GUARD_BACKENDS_MAX, s->n_backends && !*s->backends->ipv4 ? "ipv6" : "ipv4",
		     !s->n_backends ? "192.168.1.10" :
		     *s->backends->ipv4 ? s->backends->ipv4 : s->backends->ipv6,
		     s->n_backends ? ntohs(s->backends->port) : 51820);
	else if (s->n_backends > GUARD_BACKENDS_MAX)
		tell(k, "backends: the service has %zu backends, and the limit is %u: divide them among several services",
		     s->n_backends, GUARD_BACKENDS_MAX);
	at(k, 0, "/services/%zu/nat", i);
	if (s->nat == NAT_NONE)
		tell(k, "nat: with nat: none clients choose the backend by its address: for several backends, write nat: dnat or nat: masquerade");
	at(k, 0, "/services/%zu/wireguard", i);
	if (s->backend.n_keys)
		tell(k, "wireguard: with several backends, each needs its own key: move public-key to the entries of backends");
	at(k, 0, "/services/%zu/wireguard/profile", i);
	if (s->guard.profile == PROFILE_NONE)
		tell(k, "profile: with profile: none, the guard cannot tell backends apart by their keys: leave profile out");
	for (size_t b = 0; b < s->n_backends; b++) {
		config_at_backend(k, i, b, "");
		if (!*s->backends[b].name)
			tell(k, "a backend has no name: add name: alpha");
		if (!s->backends[b].n_keys)
			tell(k, "backends: 'public-key' is missing: add public-key: \"…=\"");
		check_families(k, i, b);
		for (size_t before = 0; before < b; before++)
			check_pair(k, i, b, before);
	}
}

/* ---- standbys ---- */

static bool standby_is_at(const struct backend_config *standby, const char *ipv4, const char *ipv6,
			  __be16 port)
{
	bool same = (*ipv4 && !strcmp(standby->standby.ipv4, ipv4)) ||
		    (*ipv6 && !strcmp(standby->standby.ipv6, ipv6));

	return same && (standby->standby.port ?: standby->port) == port;
}

static void check_standby(struct check *k, size_t i, size_t b)
{
	const struct service_config *s = &k->c->services[i];
	const struct backend_config *is = backend_at(s, b);

	config_at_backend(k, i, b, "/standby");
	if (!service_has_guard(s))
		tell(k, "standby: a service with a standby needs the backend's public key: add wireguard: { public-key: \"…=\" } to the service");
	if (s->nat == NAT_NONE)
		tell(k, "standby: with nat: none, packets go only to the address that clients send to: write nat: dnat or nat: masquerade");
	if (s->nat == NAT_DNAT && s->ipv6 == IPV6_DIRECT && *is->ipv6)
		tell(k, "standby: with ipv6: direct, IPv6 packets go only to the address that clients send to: write ipv6: dnat or ipv6: off");
	if (!*is->ipv4 != !*is->standby.ipv4 || !*is->ipv6 != !*is->standby.ipv6)
		tell(k, "standby: the standby and its backend have different families: give both 'ipv4', 'ipv6' or both of these");
	for (size_t j = 0; j < backends_of(s); j++) {
		const struct backend_config *other = backend_at(s, j);

		if (standby_is_at(is, other->ipv4, other->ipv6, other->port))
			tell(k, "standby: the address and port are those of the backend%s%s: write the standby's own",
			     *other->name ? " " : "", other->name);
		else if (j < b && standby_is_at(is, other->standby.ipv4, other->standby.ipv6,
						other->standby.port ?: other->port))
			tell(k, "standby: the address and port are those of the standby of '%s': write another address or port",
			     other->name);
	}
}

/* ---- AmneziaWG ---- */

static void check_amneziawg(struct check *k, size_t i)
{
	const struct guard_config *g = &k->c->services[i].guard;

	at(k, 0, "/services/%zu/wireguard/profile/amneziawg/h", i);
	if (g->n_headers && g->n_headers != MESSAGES)
		tell(k, "h: the list needs %u numbers, one for each type of message, and has %zu: add or remove some",
		     MESSAGES, g->n_headers);
	for (size_t a = 1; a < g->n_headers && g->n_headers == MESSAGES; a++)
		for (size_t b = 0; b < a; b++) {
			at(k, 0, "/services/%zu/wireguard/profile/amneziawg/h/%zu", i, a);
			if (g->headers[a] <= g->header_ends[b] &&
			    g->headers[b] <= g->header_ends[a])
				tell(k, "h: %u stands for H%zu and for H%zu: write the numbers or ranges of the server's own file",
				     g->headers[a] > g->headers[b] ? g->headers[a] : g->headers[b],
				     b + 1, a + 1);
		}
	at(k, 0, "/services/%zu/wireguard/profile/amneziawg/s", i);
	if (g->n_junk == 1 || g->n_junk > MESSAGES)
		tell(k, "s: the list needs 2 to %u sizes and has %zu: write those of the junk before initiations, responses, cookies and data",
		     MESSAGES, g->n_junk);
}

/* ---- the challenge ---- */

static void check_challenge(struct check *k, size_t i)
{
	const struct guard_config *g = &k->c->services[i].guard;

	at(k, 0, "/services/%zu/wireguard/challenge", i);
	if (!g->challenge_above)
		return;
#ifndef WITH_SODIUM
	tell(k, "challenge: this program was built without libsodium and cannot send cookies: leave challenge out");
#endif
	if (g->profile == PROFILE_NONE)
		tell(k, "challenge: with profile: none, no message is checked: leave challenge out, or write profile: wireguard");
	if (g->profile == PROFILE_AMNEZIAWG &&
	    g->junk[2] + COOKIE_LEN > g->junk[0] + INITIATION_LEN)
		tell(k, "challenge: with %u bytes of junk before cookies and %u before initiations, a cookie would be longer than the initiation: leave challenge out",
		     g->junk[2], g->junk[0]);
}

void config_check_guard(struct check *k, size_t i)
{
	const struct service_config *s = &k->c->services[i];

	if (s->n_backends)
		check_backends(k, i);
	if (s->n_backends || s->guard.on)
		check_keys(k, i);
	for (size_t b = 0; b < backends_of(s); b++)
		if (backend_has_standby(backend_at(s, b)))
			check_standby(k, i, b);
	check_amneziawg(k, i);
	check_challenge(k, i);
	at(k, 0, "/services/%zu/wireguard/strict", i);
	if (s->guard.strict && s->guard.profile == PROFILE_NONE)
		tell(k, "strict: with profile: none, no message is checked: leave strict out, or write profile: wireguard");
}
