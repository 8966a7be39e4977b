// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A prefix gets one common next hop exactly where the plainest route lookup gives all its addresses the same. For
 * every tried address in random tables of routes, a uniform prefix leads where the routes lead, and no possible
 * prefix is left out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <cmocka.h>
#include "plan/uniform.h"

enum { WAN0 = 2, WAN1, LAN, PPP };

static struct nl_link links[] = {
	{ .ifindex = WAN0, .ethernet = true }, { .ifindex = WAN1, .ethernet = true }, { .ifindex = LAN, .ethernet = true },
	{ .ifindex = PPP },
};
static struct nl_rule rules[] = {
	{ .family = FAMILY_IPV4, .action = FR_ACT_TO_TBL, .table = RT_TABLE_LOCAL },
	{ .family = FAMILY_IPV4, .action = FR_ACT_TO_TBL, .table = RT_TABLE_MAIN, .priority = 32766 },
	{ .family = FAMILY_IPV4, .action = FR_ACT_TO_TBL, .table = RT_TABLE_DEFAULT, .priority = 32767 },
	{ .family = FAMILY_IPV6, .action = FR_ACT_TO_TBL, .table = RT_TABLE_LOCAL },
	{ .family = FAMILY_IPV6, .action = FR_ACT_TO_TBL, .table = RT_TABLE_MAIN, .priority = 32766 },
	{ .family = FAMILY_IPV6 },	/* a test's own */
};
#define RULES (sizeof(rules) / sizeof(rules[0]) - 1)
static struct nl_route routes[300];
static struct host host = { .links = links, .n_links = 4, .rules = rules, .n_rules = RULES, .routes = routes };

/* host_link() without the rest of plan.c */
const struct nl_link *host_link(const struct host *h, __u32 ifindex)
{
	for (size_t i = 0; i < h->n_links; i++)
		if (h->links[i].ifindex == ifindex)
			return &h->links[i];
	return NULL;
}

static __u32 random32(void)
{
	static __u64 state = 88172645463325252ULL;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state >> 16;
}

static struct address addr(const char *s)
{
	struct address a;

	assert_int_equal(address_parse(s, &a), 0);
	return a;
}

/* "10.0.0.0/8" via a gateway; NULL: on the link */
static struct nl_route *route(const char *dst, const char *via, __u32 oif)
{
	struct nl_route *r = &routes[host.n_routes++];

	*r = (struct nl_route){ .oif = oif, .table = RT_TABLE_MAIN, .type = RTN_UNICAST, .gateway = via };
	assert_int_equal(prefix_parse(dst, &r->dst), 0);
	if (via)
		r->via = addr(via);
	return r;
}

static void local(const char *dst)
{
	struct nl_route *r = route(dst, NULL, WAN0);

	r->table = RT_TABLE_LOCAL;
	r->type = RTN_LOCAL;
}

/* The route of an address; NULL for none, a local one, or several equal ones */
static const struct nl_route *lookup(const struct address *a)
{
	const __u32 tables[] = { RT_TABLE_LOCAL, RT_TABLE_MAIN };

	for (int t = 0; t < 2; t++) {
		const struct nl_route *best = NULL;
		int n = 0;

		for (size_t i = 0; i < host.n_routes; i++) {
			const struct nl_route *r = &routes[i];

			if (r->table != tables[t] || !prefix_covers(&r->dst, a))
				continue;
			if (best && (r->dst.len < best->dst.len || (r->dst.len == best->dst.len && r->metric > best->metric)))
				continue;
			n = best && r->dst.len == best->dst.len && r->metric == best->metric ? n + 1 : 1;
			best = r;
		}
		if (best)
			return t && n == 1 ? best : NULL;
	}
	return NULL;
}

/* Returns what the map says about an address: an index in `hops`, or 0 to ask the FIB */
static __u32 uniform_answer(const struct uniform *u, const struct address *a)
{
	size_t block = a->family == FAMILY_IPV4 ? UNIFORM_IPV4 : UNIFORM_IPV6;
	const __u8 *b = a->addr.b + (a->family == FAMILY_IPV4 ? 12 : 0);

	for (int step = 0; step < 3; step++, b += 2) {
		__u32 place = b[0] << 8 | b[1];
		__u16 answer = u->rows[block * UNIFORM_ROWS + place / UNIFORM_ROW].slot[place % UNIFORM_ROW];

		if (!(answer & UNIFORM_DEEPER))
			return answer;
		block = answer & ~UNIFORM_DEEPER;
	}
	return 0;
}

/* Checks that a uniform address leads where the route leads; returns whether it is uniform */
static bool check(const struct uniform *u, const struct address *a)
{
	__u32 answer = uniform_answer(u, a);
	const struct nl_route *r = lookup(a);

	if (!answer)
		return false;
	assert_non_null(r);
	assert_true(answer < u->n_hops);
	assert_true(r->type == RTN_UNICAST && !r->conditional);
	assert_true(r->gateway || !host_link(&host, r->oif)->ethernet);
	assert_int_equal(u->hops[answer].oif, r->oif);
	assert_int_equal(u->hops[answer].family, a->family);
	assert_memory_equal(&u->hops[answer].via, &r->via.addr, sizeof(r->via.addr));
	return true;
}

static bool is_uniform(const struct uniform *u, const char *a)
{
	struct address address = addr(a);

	return check(u, &address);
}

static struct uniform *make(void)
{
	struct uniform_work *w = uniform_begin(&host);
	struct uniform *u = malloc(sizeof(*u));
	__u32 block, n = 0;

	assert_true(w && u);
	while (uniform_next(w, &block))
		assert_int_equal(block, n++);
	*u = *uniform_of(w);
	assert_int_equal(n, u->n_blocks);
	uniform_end(w);
	return u;
}

static void a_home(void **state)
{
	struct uniform *u;

	host.n_routes = 0;
	route("0.0.0.0/0", "203.0.113.254", WAN0);
	route("203.0.113.0/24", NULL, WAN0);
	route("192.168.1.0/24", NULL, LAN);
	route("::/0", "fe80::1", WAN0);
	route("2001:db8:2::/64", NULL, LAN);
	local("203.0.113.1/32");
	local("127.0.0.0/8");
	local("2001:db8:2::1/128");
	local("ff00::/8");
	u = make();
	assert_true(is_uniform(u, "198.51.100.7"));
	assert_true(is_uniform(u, "203.0.112.255"));
	assert_true(is_uniform(u, "203.0.114.0"));
	assert_false(is_uniform(u, "203.0.113.7"));
	assert_false(is_uniform(u, "203.0.113.1"));
	assert_false(is_uniform(u, "127.0.0.1"));
	assert_false(is_uniform(u, "192.168.1.10"));
	assert_true(is_uniform(u, "2a00::1"));
	assert_true(is_uniform(u, "2001:db8:1:ffff::1"));
	assert_false(is_uniform(u, "2001:db8:2::9"));
	assert_false(is_uniform(u, "ff02::1"));
	free(u);
}

static void what_is_not(void **state)
{
	struct nl_route *r;
	struct uniform *u;

	host.n_routes = 0;
	route("0.0.0.0/0", "203.0.113.254", WAN0);
	route("10.0.0.0/8", NULL, PPP);
	route("20.0.0.0/8", NULL, LAN);
	r = route("30.0.0.0/8", NULL, 0);
	r->type = RTN_BLACKHOLE;
	r = route("40.0.0.0/8", "203.0.113.253", WAN0);
	r->conditional = true;
	route("50.0.0.0/8", "203.0.113.252", WAN0);	/* two next hops */
	route("50.0.0.0/8", "203.0.113.251", WAN1);
	route("60.0.0.0/8", "203.0.113.252", WAN0)->metric = 10;
	route("60.0.0.0/8", "203.0.113.251", WAN1);
	r = route("70.0.0.0/8", NULL, WAN0);	/* a gateway of the other family */
	r->gateway = true;
	u = make();
	assert_true(is_uniform(u, "10.1.1.1"));
	for (int i = 20; i <= 50; i += 10) {
		char a[16];

		snprintf(a, sizeof(a), "%d.1.2.3", i);
		assert_false(is_uniform(u, a));
	}
	assert_true(is_uniform(u, "60.1.1.1"));
	assert_false(is_uniform(u, "70.1.1.1"));
	assert_true(is_uniform(u, "80.1.1.1"));
	free(u);
}

static void rules_that_look_elsewhere(void **state)
{
	struct nl_rule *own = &rules[RULES];
	struct uniform *u;

	host.n_routes = 0;
	route("0.0.0.0/0", "203.0.113.254", WAN0);
	route("::/0", "fe80::1", WAN0);
	*own = (struct nl_rule){ .family = FAMILY_IPV6, .action = FR_ACT_TO_TBL, .table = 100, .priority = 1000, .mark = true };
	host.n_rules = RULES + 1;
	u = make();
	assert_true(is_uniform(u, "198.51.100.7"));
	assert_false(is_uniform(u, "2001:db8::7"));
	free(u);
	*own = (struct nl_rule){ .family = FAMILY_IPV4, .action = FR_ACT_TO_TBL, .table = RT_TABLE_MAIN, .priority = 1000, .iif = true };
	u = make();
	assert_false(is_uniform(u, "198.51.100.7"));
	assert_true(is_uniform(u, "2001:db8::7"));
	free(u);
	host.n_rules = RULES;
}

static struct address random_address(bool ipv6)
{
	struct address a = { .family = ipv6 ? FAMILY_IPV6 : FAMILY_IPV4 };

	for (int i = 0; i < 4; i++)
		a.addr.w[i] = ipv6 ? random32() : 0;
	if (ipv6) {
		a.addr.w[0] = htonl(0x20010000 | (random32() & 0x3000f));	/* close together, so that prefixes meet */
		a.addr.w[1] = htonl((random32() & 0x30003));
	} else {
		a.addr.w[2] = htonl(0xffff);
		a.addr.w[3] = htonl(0xc0a80000 ^ (random32() & 0x3030303));
	}
	return a;
}

static void random_route(void)
{
	static const char *const via4[] = { "203.0.113.1", "203.0.113.2", "203.0.113.3" };
	static const char *const via6[] = { "fe80::1", "fe80::2", "fe80::3" };
	bool ipv6 = random32() & 1;
	struct address a = random_address(ipv6);
	struct nl_route *r = &routes[host.n_routes++];
	struct addr mask;
	__u32 kind = random32() % 16;

	*r = (struct nl_route){ .table = RT_TABLE_MAIN, .type = RTN_UNICAST, .oif = WAN0 + random32() % 3, .metric = random32() % 2 };
	r->dst = (struct prefix){ .addr = a.addr, .family = a.family, .len = random32() % (ipv6 ? 129 : 33) };
	mask = prefix_mask(&r->dst);
	r->dst.addr.q[0] &= mask.q[0];
	r->dst.addr.q[1] &= mask.q[1];
	if (kind < 8) {
		r->gateway = true;
		r->via = addr(ipv6 ? via6[kind % 3] : via4[kind % 3]);
	} else if (kind < 10) {
		r->oif = PPP;
	} else if (kind < 12) {
		r->table = RT_TABLE_LOCAL;
		r->type = RTN_LOCAL;
	} else if (kind < 13) {
		r->conditional = true;
	} else if (kind < 14) {
		r->type = RTN_UNREACHABLE;
	}
}

static void random_tables(void **state)
{
	unsigned int uniform = 0, tried = 0;

	for (int n = 0; n < 60; n++) {
		struct uniform *u;

		host.n_routes = 0;
		for (__u32 i = random32() % 250; i; i--)
			random_route();
		u = make();
		for (int i = 0; i < 400; i++) {
			struct address a = random_address(i & 1);

			if (i & 2 && host.n_routes) {	/* at the edge of a route */
				const struct nl_route *r = &routes[random32() % host.n_routes];

				a = (struct address){ .addr = r->dst.addr, .family = r->dst.family };
			}
			uniform += check(u, &a);
			tried++;
		}
		free(u);
	}
	assert_true(uniform > tried / 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_home), cmocka_unit_test(what_is_not), cmocka_unit_test(rules_that_look_elsewhere),
		cmocka_unit_test(random_tables),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
