// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The plan finds the parent of an interface from netlink's answers: below a virtual router's MACVLAN, a bond's port,
 * and the VRF of a service.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <linux/rtnetlink.h>
#include <cmocka.h>
#include "plan/plan_make.h"

enum { WAN = 2, VRRP, RED, BOND, PORT, LAST };

static struct nl_link links[] = {
	{ .ifindex = WAN, .ethernet = true, .up = true, .name = "wan" },
	{ .ifindex = VRRP, .ethernet = true, .up = true, .name = "vrrp.51", .kind = "macvlan", .lower = WAN,
	  .mac = { 0, 0, 0x5e, 0, 1, 51 } },
	{ .ifindex = RED, .name = "red", .kind = "vrf" },
	{ .ifindex = BOND, .ethernet = true, .kind = "bond" },
	{ .ifindex = PORT, .ethernet = true, .master = BOND },
};
static struct nl_route routes[4];
static struct nl_address addresses[1];
static struct host host = { .links = links, .n_links = LAST - WAN, .routes = routes, .addresses = addresses };

static struct nl_link *link_of(__u32 ifindex)
{
	return &links[ifindex - WAN];
}

static __u32 base(__u32 ifindex)
{
	return plan_base(&host, link_of(ifindex))->ifindex;
}

static void add_route(const char *prefix, __u32 oif, __u8 type)
{
	struct nl_route *r = &routes[host.n_routes++];

	*r = (struct nl_route){ .oif = oif, .type = type };
	assert_int_equal(prefix_parse(prefix, &r->dst), 0);
}

static int no_routes(void **state)
{
	host.n_routes = 0;
	return 0;
}

static void virtual_routers(void **state)
{
	struct nl_link was = *link_of(VRRP);

	assert_int_equal(base(WAN), WAN);
	assert_int_equal(base(VRRP), WAN);
	link_of(VRRP)->mac[4] = 2;		/* IPv6's */
	assert_int_equal(base(VRRP), WAN);
	link_of(VRRP)->mac[4] = 3;
	assert_int_equal(base(VRRP), VRRP);
	link_of(VRRP)->mac[4] = 1;
	link_of(VRRP)->mac[0] = 2;
	assert_int_equal(base(VRRP), VRRP);
	*link_of(VRRP) = was;
	link_of(VRRP)->lower_elsewhere = true;
	assert_int_equal(base(VRRP), VRRP);
	*link_of(VRRP) = was;
	link_of(VRRP)->master = RED;		/* wan is not in this VRF */
	assert_int_equal(base(VRRP), VRRP);
	link_of(WAN)->master = RED;
	assert_int_equal(base(VRRP), WAN);
	link_of(WAN)->master = 0;
	*link_of(VRRP) = was;
	strcpy(link_of(VRRP)->kind, "vlan");
	assert_int_equal(base(VRRP), VRRP);
	*link_of(VRRP) = was;
}

/* Only the FIB's answer makes it an interface of its own */
static void own_routes(void **state)
{
	add_route("198.51.100.1/32", VRRP, RTN_LOCAL);
	add_route("2001:db8:1::1/128", VRRP, RTN_UNICAST);
	add_route("fe80::/64", VRRP, RTN_UNICAST);
	add_route("ff00::/8", VRRP, RTN_UNICAST);
	assert_int_equal(base(VRRP), WAN);
	host.n_routes = 0;
	add_route("198.51.100.0/24", WAN, RTN_UNICAST);
	add_route("198.51.100.0/24", VRRP, RTN_UNICAST);
	assert_int_equal(base(VRRP), WAN);
	routes[1].dst.len = 25;
	assert_int_equal(base(VRRP), VRRP);
	host.n_routes = 0;
	add_route("0.0.0.0/0", VRRP, RTN_UNICAST);
	assert_int_equal(base(VRRP), VRRP);
	host.n_routes = 0;
	add_route("::/0", VRRP, RTN_UNICAST);
	assert_int_equal(base(VRRP), VRRP);
}

static void bonds(void **state)
{
	assert_ptr_equal(plan_bond(&host, link_of(PORT)), link_of(BOND));
	assert_null(plan_bond(&host, link_of(BOND)));
	link_of(PORT)->master = RED;
	assert_null(plan_bond(&host, link_of(PORT)));
	link_of(PORT)->master = BOND;
}

static void vrfs(void **state)
{
	struct service_config by_name = { .listen_interface = "wan" }, by_address = { .n_listen_addresses = 1 };
	struct address a;

	assert_int_equal(address_parse("198.51.100.1", &a), 0);
	by_address.listen_addresses = &a;
	addresses[0] = (struct nl_address){ .ifindex = WAN, .local = a };
	assert_int_equal(host_vrf(&host, &by_name), 0);
	link_of(WAN)->master = RED;
	assert_int_equal(host_vrf(&host, &by_name), RED);
	assert_int_equal(host_vrf(&host, &by_address), 0);	/* no interface has this address */
	host.n_addresses = 1;
	assert_int_equal(host_vrf(&host, &by_address), RED);
	link_of(WAN)->master = BOND;
	assert_int_equal(host_vrf(&host, &by_name), 0);
	link_of(WAN)->master = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(virtual_routers, no_routes), cmocka_unit_test_setup(own_routes, no_routes),
		cmocka_unit_test(bonds), cmocka_unit_test(vrfs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
