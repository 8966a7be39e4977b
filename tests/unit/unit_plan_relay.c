/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The planned maps give every address the owner that the longest prefix of the configuration names
 * (user/plan/plan_relay.c and plan_routes.c). The test looks them up as the data path does. Also the names and ids of
 * peers, followed ones too, and the relay's place in a path.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "lib/jiffies.h"
#include "plan/resolved_backends.h"
#include "plan/plan_make.h"
#include "capture_stderr.h"

enum { TUNNEL = 7, NIC = 8, OTHER = 9 };

static struct nl_link links[] = {
	{ .ifindex = TUNNEL, .name = "wg0", .kind = "wireguard", .mtu = 1420, .mtu6 = 1380, .up = true },
	{ .ifindex = NIC, .name = "eth2", .kind = "dummy", .mtu = 1500, .up = true, .ethernet = true },
	{ .ifindex = OTHER, .name = "eth3", .kind = "dummy", .mtu = 1500, .up = true, .ethernet = true },
};
static struct nl_address addresses[8];
static struct host host = { .links = links, .n_links = 3, .addresses = addresses };

static struct address address(const char *text)
{
	struct address a;

	assert_int_equal(address_parse(text, &a), 0);
	return a;
}

static void has_address(__u32 ifindex, const char *text, __u8 len)
{
	addresses[host.n_addresses++] = (struct nl_address){ .ifindex = ifindex, .local = address(text), .prefix_len = len };
}

static struct plan *plan_of(const struct config *c, struct plan_input *in)
{
	struct resolved_backends answers = { 0 };
	struct plan *p;

	in->config = c;
	in->host = &host;
	in->answers = &answers;
	assert_int_equal(plan_make(in, &p), 0);
	return p;
}

static struct plan *plan_text(const char *text, struct plan_input *in, struct config **ret)
{
	struct captured t;
	struct plan *p;

	assert_int_equal(parse_quietly(text, ret, &t), 0);
	capture_stderr(&t);
	p = plan_of(*ret, in);
	release_stderr(&t);
	return p;
}

/* ---- as the data path asks ---- */

static __u32 longest(const struct plan_relay *r, const struct addr *a)
{
	struct address at = { *a, FAMILY_IPV6 };
	__u32 word = 0;
	int len = -1;

	for (size_t i = 0; i < r->n_longest; i++)
		if (r->longest[i].prefix.len > len && prefix_covers(&r->longest[i].prefix, &at)) {
			len = r->longest[i].prefix.len;
			word = r->longest[i].word;
		}
	return word;
}

static __u32 route_word(const struct plan *p, const struct addr *a)
{
	const struct plan_relay *r = &p->relay;
	struct address at = { *a, FAMILY_IPV6 };
	__u32 word = ROUTE_LONGER;

	if (r->subnets && prefix_covers(&r->overlay, &at))
		word = r->subnets[a->b[6] << 8 | a->b[7]];
	for (size_t i = 0; i < p->n_entries && !r->subnets; i++)
		if ((p->entries[i].key.word & 0xff) == KEY_ROUTE && p->entries[i].key.addr.q[0] == a->q[0])
			word = p->entries[i].route.word;
	return word & ROUTE_LONGER ? longest(r, a) : word;
}

static const char *whose(const struct plan *p, const char *text)
{
	struct address a = address(text);
	__u32 word = route_word(p, &a.addr);

	return word & ROUTE_LOCAL ? "us" : p->relay.peers[word & ROUTE_PEER_MASK].name.name;
}

/* ---- tests ---- */

#define TWO_PEERS(overlay, a, b) \
	"peers: [ { name: a, device: wg0, prefixes: [ " a " ] }, { name: b, device: wg0, prefixes: [ " b " ] } ]\n" \
	"policy: { overlay: \"" overlay "\" }\n"

/* The same sites in a /48 and in a wider overlay */
static void nested(void **state)
{
	static const char *const texts[] = {
		TWO_PEERS("fd12:3456:789a::/48", "\"fd12:3456:789a:100::/56\", \"fd12:3456:789a:200::7\", \"fd12:3456:789a:300:8000::/65\", \"fd99::a\"",
			  "\"fd12:3456:789a:180::/57\", \"fd12:3456:789a:1ff::/64\", \"fd12:3456:789a:101::/64\", \"fd12:3456:789a:101::1:0/112\", \"fd12:3456:789a:300::/64\""),
		TWO_PEERS("fd12:3456:7800::/40", "\"fd12:3456:789a:100::/56\", \"fd12:3456:789a:200::7\", \"fd12:3456:789a:300:8000::/65\", \"fd99::a\"",
			  "\"fd12:3456:789a:180::/57\", \"fd12:3456:789a:1ff::/64\", \"fd12:3456:789a:101::/64\", \"fd12:3456:789a:101::1:0/112\", \"fd12:3456:789a:300::/64\""),
	};
	static const char *const expected[][2] = {
		{ "fd12:3456:789a:100::1", "a" }, { "fd12:3456:789a:17f::1", "a" }, { "fd12:3456:789a:180::1", "b" },
		{ "fd12:3456:789a:1ff::1", "b" }, { "fd12:3456:789a:101::1", "b" }, { "fd12:3456:789a:101::1:5", "b" },
		{ "fd12:3456:789a:200::7", "a" }, { "fd12:3456:789a:200::8", "" }, { "fd12:3456:789a:300::1", "b" },
		{ "fd12:3456:789a:300:8000::1", "a" }, { "fd12:3456:789a:400::1", "" }, { "fd12:3456:789a:ff::1", "" },
		{ "fd99::a", "a" }, { "fd99::b", "" }, { "2001:db8::1", "" },
	};

	host.n_addresses = 0;
	for (size_t i = 0; i < 2; i++) {
		struct plan_input in = { 0 };
		struct config *c;
		struct plan *p = plan_text(texts[i], &in, &c);

		assert_int_equal(!p->relay.subnets, i);
		assert_int_equal(p->relay.routes64, i);
		for (size_t j = 0; j < sizeof(expected) / sizeof(*expected); j++)
			assert_string_equal(whose(p, expected[j][0]), expected[j][1]);
		plan_free(p);
		config_free(c);
	}
}

/* Prefixes at random, and every address of a few at their edges, against the longest of them all */
static void at_random(void **state)
{
	srandom(1);
	for (int round = 0; round < 60; round++) {
		char text[8192], name[ADDRESS_STRLEN], *at = text;
		struct plan_input in = { 0 };
		struct config *c;
		struct plan *p;

		at += sprintf(at, "policy: { overlay: \"%s\" }\npeers:\n", round % 2 ? "fd12:3456:789a::/48" : "fd12:3456:7890::/44");
		for (int i = 0; i < 12; i++) {
			struct prefix q = { .addr.b = { 0xfd, 0x12, 0x34, 0x56, 0x78, 0x9a }, .family = FAMILY_IPV6 };

			q.len = (int[]){ 52, 56, 60, 63, 64, 64, 64, 65, 72, 127, 128 }[random() % 11];
			q.addr.b[6] = random() % 2;
			q.addr.b[7] = random() % 4;
			q.addr.b[8] = random() % 2 * 0x80;
			q.addr.b[15] = random() % 3;
			prefix_clear_host(&q);
			at += sprintf(at, "  - { name: p%d, device: wg0, prefixes: [ \"%s\" ] }\n", i, prefix_format(&q, name));
		}
		if (config_parse(text, "test.yaml", &c))	/* twice the same */
			continue;
		p = plan_of(c, &in);
		for (int i = 0; i < 2 * 8 * 2 * 5; i++) {
			struct address a = { { .b = { 0xfd, 0x12, 0x34, 0x56, 0x78, 0x9a, i % 2, i / 2 % 8, i / 16 % 2 * 0x80 } }, FAMILY_IPV6 };
			const char *expected = "";
			int len = -1;

			a.addr.b[15] = i / 32;
			for (size_t j = 0; j < c->n_peers; j++)
				if (prefix_covers(c->peers[j].prefixes, &a) && c->peers[j].prefixes->len > len) {
					len = c->peers[j].prefixes->len;
					expected = c->peers[j].name;
				}
			assert_string_equal(whose(p, address_format(&a, name)), expected);
		}
		plan_free(p);
		config_free(c);
	}
}

static void ours(void **state)
{
	struct plan_input in = { 0 };
	struct config *c;
	struct plan *p;

	host.n_addresses = 0;
	has_address(TUNNEL, "fd12:3456:789a::1", 48);		/* all of the overlay is no link's */
	has_address(OTHER, "fd12:3456:789a:c::1", 64);
	has_address(OTHER, "fd12:3456:789a:a::5", 64);		/* a has this address */
	has_address(OTHER, "2001:db8::1", 64);
	p = plan_text(TWO_PEERS("fd12:3456:789a::/48", "\"fd12:3456:789a:a::/64\"", "\"fd12:3456:789a:b::/64\""), &in, &c);
	assert_string_equal(whose(p, "fd12:3456:789a::1"), "us");
	assert_string_equal(whose(p, "fd12:3456:789a::2"), "");
	assert_string_equal(whose(p, "fd12:3456:789a:c::77"), "us");
	assert_string_equal(whose(p, "fd12:3456:789a:a::5"), "us");
	assert_string_equal(whose(p, "fd12:3456:789a:a::6"), "a");
	assert_string_equal(whose(p, "2001:db8::1"), "");
	assert_int_equal(p->relay.n_own, 1);
	assert_int_equal(p->relay.own[0].ifindex, TUNNEL);
	assert_int_equal(p->relay.own[0].peer, 0);
	assert_memory_equal(&p->relay.own[0].addr, &addresses[0].local.addr, 16);
	plan_free(p);
	config_free(c);
}

/* A next hop belongs to one destination if routes of the overlay lead to several gateways on the peer's link */
static void several_gateways(void **state)
{
	static const char *const text = "peers:\n  - { name: n, device: eth2 }\n  - { name: o, device: eth3 }\n"
					"policy: { overlay: \"fd12:3456:789a::/48\" }\n";
	static const struct { const char *dst, *via; __u32 oif; bool several; } rows[] = {
		{ "fd12:3456:789a:1::/64", "fe80::1", NIC, false }, { "fd12:3456:789a:2::/64", "fe80::1", NIC, false },
		{ "fd12:3456:789a:3::/64", "fe80::2", OTHER, false }, { "::/0", "fe80::1", NIC, false },
		{ "fd12:3456:789a:4::/64", "fe80::2", NIC, true },
		{ "::/0", "fe80::3", NIC, true },
		{ "fd12:3456:789a:5::/64", NULL, NIC, true },	/* on the link */
		{ "2001:db8::/32", "fe80::2", NIC, false },	/* no route of the overlay */
	};
	struct nl_route routes[5] = { 0 };
	struct plan_input in = { 0 };
	struct config *c;

	host.n_addresses = 0;
	host.routes = routes;
	for (size_t i = 0; i < 8; i++) {
		size_t n = i < 4 ? i : 4;	/* from the fifth on, each takes the place of the one before */
		struct plan *p;

		assert_int_equal(prefix_parse(rows[i].dst, &routes[n].dst), 0);
		routes[n].via = rows[i].via ? address(rows[i].via) : (struct address){ 0 };
		routes[n].oif = rows[i].oif;
		routes[n].type = RTN_UNICAST;
		host.n_routes = n + 1;
		p = plan_text(text, &in, &c);
		assert_int_equal(p->relay.peers[1].peer.flags, rows[i].several ? PEER_GATEWAYS : 0);
		assert_int_equal(p->relay.peers[2].peer.flags, 0);
		plan_free(p);
		config_free(c);
	}
	host.n_routes = 0;
}

/* The largest limit is not rounded to whole units of eight: 100 Gbit/s and no more than one per cent above */
static void fast_rates(void **state)
{
	struct plan_input in = { 0 };
	double each, exact;
	struct config *c;
	struct plan *p;

	host.n_addresses = 0;
	p = plan_text("peers:\n  - { name: n, device: eth2 }\npolicy: { overlay: \"fd12:3456:789a::/48\" }\n"
		      "rates: [ { peer: n, from: 100 Gbit/s } ]\n", &in, &c);
	each = p->peer_rates[rate_index(1, DIRECTION_ORIGINAL)].each[0];
	exact = 8e-11 * jiffies_a_second() * (1ULL << (RATE_TICK + RATE_FRACTION));
	assert_true(each <= exact && each > 0.99 * exact - 1);
	plan_free(p);
	config_free(c);
}

static void devices(void **state)
{
	static const char *const text =
		"peers:\n  - { name: t, device: wg0 }\n  - { name: n, device: eth2 }\n  - { name: gone, device: wg9 }\n"
		"policy: { overlay: \"fd12:3456:789a::/48\" }\n";
	struct plan_input in = { 0 }, again = { 0 };
	struct plan *p, *q;
	struct config *c;

	host.n_addresses = 0;
	has_address(OTHER, "fd12:3456:7899::1", 128);
	p = plan_text(text, &in, &c);
	assert_int_equal(p->relay.n_peers, 4);
	assert_int_equal(p->relay.peers[1].peer.flags, PEER_TUNNEL);
	assert_int_equal(p->relay.peers[1].peer.mtu, 1380);
	assert_int_equal(p->relay.peers[1].peer.slot, 0);
	assert_int_equal(p->relay.peers[2].peer.ifindex, NIC);
	assert_int_equal(p->relay.peers[2].peer.flags, 0);
	assert_true(p->relay.peers[2].peer.slot && p->relay.peers[2].peer.slot < p->n_slots);
	assert_int_equal(p->relay.peers[3].peer.ifindex, 0);
	assert_int_equal(p->relay.n_own, 2);
	assert_int_equal(p->relay.own[1].peer, 2);
	assert_memory_equal(&p->relay.own[0].addr, &addresses[0].local.addr, 16);	/* there is none on wg0 itself */
	for (size_t i = 0; i < p->n_links; i++)
		assert_int_equal(!(p->links[i].flags & LINK_PEERS), p->links[i].ifindex == OTHER);
	assert_int_equal(plan_port(p, TUNNEL)->role, ROLE_TUNNEL);
	again.peers = p->relay.peers;				/* slots and ids are kept */
	again.n_peers = p->relay.n_peers;
	q = plan_of(c, &again);
	assert_memory_equal(p->relay.peers, q->relay.peers, 4 * sizeof(*p->relay.peers));
	plan_free(q);
	plan_free(p);
	config_free(c);
}

static struct wg_peer followed_peer(__u8 key, struct prefix *allowed, size_t n)
{
	return (struct wg_peer){ .key.b = { key }, .allowed = allowed, .n_allowed = n };
}

/* Names and ids: of the file, of the key, of the configuration; those that run keep theirs whatever else comes and goes */
static void followed(void **state)
{
	struct prefix sites[4], more[2];
	struct wg_name named[] = { { .key.b = { 2 }, .name = "site-b" } };
	struct wg_peer peers[3];
	struct followed_device f = { .device = "wg0", .wireguard = { .peers = peers, .n_peers = 2 }, .names = { named, 1 } };
	struct plan_input in = { .followed_peers = &f, .n_followed = 1 }, again = in;
	struct plan *p, *q;
	struct config *c;

	host.n_addresses = 0;
	assert_int_equal(prefix_parse("fd12:3456:789a:a::/64", &sites[0]) | prefix_parse("10.0.0.1", &sites[1]) |
			 prefix_parse("::/0", &sites[2]) | prefix_parse("fd99::a", &sites[3]) |
			 prefix_parse("fd12:3456:789a:b::/64", &more[0]) | prefix_parse("fd12:3456:789a:a::/64", &more[1]), 0);
	peers[0] = followed_peer(1, sites, 4);
	peers[1] = followed_peer(2, more, 1);
	p = plan_text("follow: { wireguard: [ wg0 ] }\npolicy: { overlay: \"fd12:3456:789a::/48\" }\n", &in, &c);
	assert_int_equal(p->relay.n_routes, 3);
	assert_string_equal(whose(p, "fd12:3456:789a:a::1"), "AQAAAAAA");
	assert_string_equal(whose(p, "fd12:3456:789a:b::1"), "site-b");
	assert_string_equal(whose(p, "fd99::a"), "AQAAAAAA");
	assert_int_equal(p->relay.peers[1].name.flags, PEER_NAME_FOLLOWED);
	config_free(c);
	/* the file names both otherwise now; a third comes first, whose key begins as the first one's, and its name is taken */
	strcpy(named[0].name, "AQAAAAAA");
	peers[2] = peers[0];
	peers[0] = followed_peer(1, more, 2);
	peers[0].key.b[20] = 1;
	f.wireguard.n_peers = 3;
	again.peers = p->relay.peers;
	again.n_peers = p->relay.n_peers;
	q = plan_text("follow: { wireguard: [ wg0 ] }\npeers: [ { name: mine, device: wg0, public-key: \"AgAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\","
		      " prefixes: [ \"fd12:3456:789a:d::/64\" ] } ]\npolicy: { overlay: \"fd12:3456:789a::/48\" }\n", &again, &c);
	assert_string_equal(q->relay.peers[1].name.name, "AQAAAAAA");
	assert_memory_equal(q->relay.peers[1].name.key, &peers[2].key, 32);
	assert_string_equal(whose(q, "fd12:3456:789a:d::1"), "mine");
	assert_string_equal(whose(q, "fd12:3456:789a:b::1"), "mine");
	assert_string_equal(q->relay.peers[2].name.name, "");	/* site-b's, for which the configuration has a name */
	assert_int_equal(q->relay.n_peers, 5);
	for (size_t id = 3; id < 5; id++)
		assert_true(!strcmp(q->relay.peers[id].name.name, "mine") ||
			    !strcmp(q->relay.peers[id].name.name, "AQAAAAAAAAAA"));
	plan_free(q);
	plan_free(p);
	config_free(c);
}

static struct nl_route kernel_route(const char *prefix, __u32 table, __u32 oif, __u32 metric)
{
	struct nl_route r = { .table = table, .oif = oif, .metric = metric, .type = RTN_UNICAST, .protocol = RTPROT_BIRD };

	assert_int_equal(prefix_parse(prefix, &r.dst), 0);
	return r;
}

/* The kernel's routes override the peers' prefixes. If several tables have a prefix, the table named first wins,
 * then the lowest metric */
static void kernel(void **state)
{
	static const char *const overlays[] = { "fd12:3456:789a::/48", "fd12:3456:7800::/40" };
	struct nl_route routes[] = {
		kernel_route("fd12:3456:789a:a::/64", 254, NIC, 32),		/* a has moved, behind the nic's only peer */
		kernel_route("fd12:3456:789a:b::/64", 254, NIC, 1024),		/* and b has not: the next one counts */
		kernel_route("fd12:3456:789a:b::/64", 254, TUNNEL, 32),
		kernel_route("fd12:3456:789a:c::/64", 254, OTHER, 32),		/* a device that the relay does not know */
		kernel_route("fd12:3456:789a:d::/64", 254, NIC, 1),		/* table 700 is named first */
		kernel_route("fd12:3456:789a:d::/64", 700, TUNNEL, 9),
		kernel_route("fd12:3456:789a:e::/64", 800, NIC, 1),		/* not followed */
		kernel_route("fd12:3456:789a:f::/64", 254, TUNNEL, 1),		/* no peer of the tunnel has it */
		kernel_route("fd12:3456:789a:100::/56", 254, NIC, 1),
		kernel_route("fd12:3456:789a:101::/64", 254, 0, 1),		/* unreachable */
		kernel_route("fd12:3456:789a:102::7", 254, NIC, 1),
		kernel_route("fd12:3456:789a:103::/64", 254, NIC, 1),		/* dead */
		kernel_route("fd12:3456:789a:104::/64", 254, TUNNEL, 256),	/* the metric of an address */
		kernel_route("::/0", 254, NIC, 1),
		kernel_route("fd99::/64", 254, NIC, 1),
		kernel_route("fd12:3456:789a:8000::/64", 254, TUNNEL, 1),	/* by a gateway that is b */
	};

	routes[9].type = RTN_UNREACHABLE;
	routes[11].conditional = true;
	routes[12].protocol = RTPROT_KERNEL;
	assert_int_equal(address_parse("fd99::b", &routes[15].via), 0);
	host.n_addresses = 0;
	host.routes = routes;
	host.n_routes = sizeof(routes) / sizeof(*routes);
	for (size_t i = 0; i < 2; i++) {
		struct plan_input in = { 0 };
		char text[1024];
		struct config *c;
		struct plan *p;

		sprintf(text, "follow: { routes: [ 700, main ] }\npeers:\n"
			"  - { name: a, device: wg0, prefixes: [ \"fd12:3456:789a:a::/64\" ] }\n"
			"  - { name: b, device: wg0, prefixes: [ \"fd12:3456:789a:b::/64\", \"fd99::b\", \"fd12:3456:789a:104::/64\" ] }\n"
			"  - { name: d, device: wg0, prefixes: [ \"fd12:3456:789a:d::/64\" ] }\n"
			"  - { name: relay, device: eth2 }\npolicy: { overlay: \"%s\" }\n", overlays[i]);
		p = plan_text(text, &in, &c);
		assert_string_equal(whose(p, "fd12:3456:789a:a::1"), "relay");
		assert_string_equal(whose(p, "fd12:3456:789a:b::1"), "b");
		assert_string_equal(whose(p, "fd12:3456:789a:c::1"), "us");
		assert_string_equal(whose(p, "fd12:3456:789a:d::1"), "d");
		assert_string_equal(whose(p, "fd12:3456:789a:e::1"), "");
		assert_string_equal(whose(p, "fd12:3456:789a:f::1"), "");
		assert_string_equal(whose(p, "fd12:3456:789a:1ff::1"), "relay");
		assert_string_equal(whose(p, "fd12:3456:789a:101::1"), "");
		assert_string_equal(whose(p, "fd12:3456:789a:102::7"), "relay");
		assert_string_equal(whose(p, "fd12:3456:789a:103::7"), "relay");
		assert_string_equal(whose(p, "fd12:3456:789a:104::1"), "b");
		assert_string_equal(whose(p, "fd12:3456:789a:200::1"), "");
		assert_string_equal(whose(p, "fd12:3456:789a:8000::1"), "b");
		assert_string_equal(whose(p, "fd99::1"), "");
		plan_free(p);
		config_free(c);
	}
	host.n_routes = 0;
}

/* As WireGuard sends: to the peer that has the longest prefix, be it wider than a site */
static void kernel_and_wireguard(void **state)
{
	struct nl_route routes[] = {
		kernel_route("fd12:3456:789a:a::/64", 254, TUNNEL, 32), kernel_route("fd12:3456:789a:b::/64", 254, TUNNEL, 32),
		kernel_route("fd12:3456:789a:8000::/64", 254, TUNNEL, 32), kernel_route("fd12:3456:789a::/48", 254, TUNNEL, 32),
	};
	struct prefix allowed[4];
	struct wg_peer peers[2];
	struct followed_device f = { .device = "wg0", .wireguard = { .peers = peers, .n_peers = 2 } };
	struct plan_input in = { .followed_peers = &f, .n_followed = 1 };
	struct config *c;
	struct plan *p;

	assert_int_equal(prefix_parse("fd12:3456:789a::/48", &allowed[0]) | prefix_parse("10.0.0.0/8", &allowed[1]) |
			 prefix_parse("fd12:3456:789a:8000::/49", &allowed[2]) | prefix_parse("fd12:3456:789a:b::/64", &allowed[3]), 0);
	peers[0] = followed_peer(1, allowed, 2);
	peers[1] = followed_peer(2, allowed + 2, 2);
	host.n_addresses = 0;
	host.routes = routes;
	host.n_routes = 4;
	p = plan_text("follow: { wireguard: [ wg0 ], routes: [ main ] }\npolicy: { overlay: \"fd12:3456:789a::/48\" }\n", &in, &c);
	assert_string_equal(whose(p, "fd12:3456:789a:a::1"), "AQAAAAAA");
	assert_string_equal(whose(p, "fd12:3456:789a:b::1"), "AgAAAAAA");
	assert_string_equal(whose(p, "fd12:3456:789a:8000::1"), "AgAAAAAA");
	assert_string_equal(whose(p, "fd12:3456:789a:c::1"), "AQAAAAAA");
	plan_free(p);
	config_free(c);
	host.n_routes = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nested), cmocka_unit_test(at_random), cmocka_unit_test(ours), cmocka_unit_test(devices), cmocka_unit_test(several_gateways), cmocka_unit_test(fast_rates),
		cmocka_unit_test(followed), cmocka_unit_test(kernel), cmocka_unit_test(kernel_and_wireguard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
