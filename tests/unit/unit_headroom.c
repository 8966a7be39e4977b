// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The plan knows from a driver's private flags on which ports packets may get longer, and wrong answers of drivers do
 * no harm (user/plan/transmit.c). Also the ports on which packets get longer, by the services of a configuration.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <linux/ethtool.h>
#include <cmocka.h>
#include "plan/transmit.h"
#include "capture_stderr.h"

/* ---- a driver ---- */

static struct {
	const char *device;		/* the interface of the driver */
	__u32 n, n_later;		/* number of flags when their number is queried, and when their names are */
	__u32 n_said;			/* how many the driver reports with the names */
	__u32 legacy_rx;		/* place of the flag; none if beyond n_later */
	__u32 data;
	__u32 refuses;			/* a command; 0: none */
	bool no_set;			/* the kernel does not know such a list for this driver */
	unsigned int asked;
} driver;

static int sset_info(struct ethtool_sset_info *info)
{
	if (driver.no_set)
		info->sset_mask = 0;
	else
		info->data[0] = driver.n;
	return 0;
}

/* Like the kernel, whatever room the caller has announced */
static int strings(struct ethtool_gstrings *names)
{
	char *name = (char *)names->data;

	assert_int_equal(names->string_set, ETH_SS_PRIV_FLAGS);
	for (__u32 i = 0; i < driver.n_later; i++, name += ETH_GSTRING_LEN) {
		memset(name, 'x', ETH_GSTRING_LEN);	/* the whole field: no terminating zero */
		if (i == driver.legacy_rx)
			strcpy(name, "legacy-rx");
		else if (i & 1)
			strcpy(name, "legacy-rx-of-old");
	}
	names->len = driver.n_said;
	return 0;
}

static int answer(const char *ifname, void *command)
{
	driver.asked++;
	if (strcmp(ifname, driver.device))
		return -EOPNOTSUPP;
	if (*(__u32 *)command == driver.refuses)
		return -EOPNOTSUPP;
	switch (*(__u32 *)command) {
	case ETHTOOL_GSSET_INFO:
		return sset_info(command);
	case ETHTOOL_GSTRINGS:
		return strings(command);
	case ETHTOOL_GPFLAGS:
		((struct ethtool_value *)command)->data = driver.data;
		return 0;
	default:
		fail();
		return -EOPNOTSUPP;
	}
}

static void has(__u32 n, __u32 legacy_rx, __u32 data)
{
	memset(&driver, 0, sizeof(driver));
	driver.device = "eth0";
	driver.n = driver.n_later = driver.n_said = n;
	driver.legacy_rx = legacy_rx;
	driver.data = data;
}

static bool lacks(void)
{
	return headroom_lacks("eth0");
}

static void flags(void **state)
{
	has(3, 1, 1 << 1);
	assert_true(lacks());
	has(3, 1, ~(1 << 1));
	assert_false(lacks());
	has(3, 0, 1);
	assert_true(lacks());
	has(3, 3, ~0);			/* other flags */
	assert_false(lacks());
	has(32, 31, 1U << 31);
	assert_true(lacks());
	has(32, 31, ~(1U << 31));
	assert_false(lacks());
	has(40, 2, 1 << 2);		/* more than the word has bits */
	assert_true(lacks());
	has(40, 32, ~0);
	assert_false(lacks());
}

static void no_answer(void **state)
{
	static const __u32 commands[] = { ETHTOOL_GSSET_INFO, ETHTOOL_GSTRINGS, ETHTOOL_GPFLAGS };

	for (unsigned int i = 0; i < 3; i++) {
		has(3, 1, ~0);
		driver.refuses = commands[i];
		assert_false(lacks());
		assert_int_equal(driver.asked, i + 1);
	}
	has(3, 1, ~0);
	driver.no_set = true;
	assert_false(lacks());
	assert_int_equal(driver.asked, 1);
	has(0, 0, ~0);
	assert_false(lacks());
	assert_int_equal(driver.asked, 1);
	assert_false(headroom_lacks("eth1"));
	headroom_ask = nl_ethtool;
	assert_false(headroom_lacks("lo"));
	assert_false(headroom_lacks("no-such-device"));
	headroom_ask = answer;
}

/* Other numbers than before, and more than allowed */
static void lies(void **state)
{
	has(3, 5, ~0);
	driver.n_later = driver.n_said = 8;	/* the driver returns more than was asked for */
	assert_false(lacks());
	has(8, 5, ~0);
	driver.n_later = driver.n_said = 3;
	assert_false(lacks());
	has(8, 2, ~0);
	driver.n_later = driver.n_said = 3;
	assert_true(lacks());
	has(3, 1, ~0);
	driver.n_said = ~0;
	assert_true(lacks());
	has(8, 5, ~0);
	driver.n_said = 0;
	assert_false(lacks());
	has(256, 1, ~0);
	assert_true(lacks());
	for (__u32 n = 257; n; n *= 4) {
		has(n, 1, ~0);
		assert_false(lacks());
		assert_int_equal(driver.asked, 1);
	}
}

/* ---- ports where packets get longer ---- */

enum { WAN = 2, WAN2, LAN, LAN2, BOND_PORT };

static struct nl_link links[] = {
	{ .ifindex = WAN, .ethernet = true, .up = true, .name = "eth0" }, { .ifindex = WAN2, .ethernet = true, .up = true, .name = "eth1" },
	{ .ifindex = LAN, .ethernet = true, .up = true, .name = "eth2" },
	{ .ifindex = LAN2, .ethernet = true, .up = true, .name = "bond0", .kind = "bond" },
	{ .ifindex = BOND_PORT, .ethernet = true, .up = true, .name = "eth4", .master = LAN2 },
};
static struct nl_address addresses[2];
static struct host host = { .links = links, .n_links = 5, .addresses = addresses, .n_addresses = 2 };

/* Returns the names of those ports, out of the first n_ports, each followed by a blank */
static const char *longer_on(const char *services, size_t n_ports, struct plan **ret)
{
	struct link running[4] = { { .ifindex = WAN, .role = ROLE_WAN }, { .ifindex = WAN2, .role = ROLE_WAN },
				   { .ifindex = LAN, .role = ROLE_LAN }, { .ifindex = LAN2, .role = ROLE_LAN } };
	static char text[64];
	struct config *c;
	struct plan *p;

	assert_int_equal(config_parse(services, "test.yaml", &c), 0);
	p = plan_running(&host, c, running, n_ports);
	*text = '\0';
	for (size_t i = 0; i < p->n_ports; i++)
		if (p->ports[i].lengthens)
			strcat(strcat(text, p->ports[i].name), " ");
	config_free(c);
	if (ret)
		*ret = p;
	else
		plan_free(p);
	return text;
}

#define SERVICE(listen, backend, more) \
	"services: [ { name: a, listen: { " listen ", ports: [ 51820 ] }, backend: { " backend ", port: 51820 }, " more " } ]\n"
#define TO6 "ipv6: \"2001:db8:2::10\""
#define TO4 "ipv4: 192.168.1.10"

static void ports(void **state)
{
	assert_int_equal(address_parse("203.0.113.1", &addresses[0].local), 0);
	assert_int_equal(address_parse("2001:db8:1::1", &addresses[1].local), 0);
	addresses[0].ifindex = WAN2;
	addresses[1].ifindex = WAN;
	assert_string_equal(longer_on(SERVICE("interface: eth0", TO6, "nat: masquerade"), 4, NULL), "eth0 ");
	assert_string_equal(longer_on(SERVICE("interface: eth0", TO6, "nat: masquerade, ipv6: \"off\""), 4, NULL), "eth0 ");
	assert_string_equal(longer_on(SERVICE("addresses: [ 203.0.113.1 ]", TO6, "nat: masquerade"), 4, NULL), "eth1 ");
	assert_string_equal(longer_on(SERVICE("addresses: [ \"2001:db8:1::1\" ]", TO6, "nat: masquerade"), 4, NULL), "");
	assert_string_equal(longer_on(SERVICE("addresses: [ 203.0.113.9 ]", TO6, "nat: masquerade"), 4, NULL), "eth0 eth1 ");
	assert_string_equal(longer_on(SERVICE("interface: eth0", TO4, "nat: masquerade"), 4, NULL), "eth2 bond0 ");
	assert_string_equal(longer_on(SERVICE("interface: eth0", TO4, "nat: masquerade"), 1, NULL), "eth0 ");
	assert_string_equal(longer_on(SERVICE("interface: eth0", TO4, "nat: masquerade, ipv6: \"off\""), 4, NULL), "");
	assert_string_equal(longer_on(SERVICE("interface: eth0", TO4 ", " TO6, "nat: masquerade"), 4, NULL), "");
	assert_string_equal(longer_on(SERVICE("interface: eth0", TO6, "ipv6: dnat"), 4, NULL), "");
	assert_string_equal(longer_on(SERVICE("interface: eth0", TO4, "nat: dnat"), 4, NULL), "");
}

static const char *warned_of(const struct plan *p, __u32 ifindex)
{
	static struct captured t;

	capture_stderr(&t);
	headroom_warn(p, &host, plan_nic(p, ifindex));
	return release_stderr(&t);
}

static void warnings(void **state)
{
	struct plan *p;

	longer_on(SERVICE("interface: eth0", TO6, "nat: masquerade"), 4, &p);
	has(3, 1, ~0);
	assert_non_null(strstr(warned_of(p, WAN), "interface eth0: the driver of eth0 leaves no room"));
	assert_non_null(strstr(warned_of(p, WAN), "`ethtool --set-priv-flags eth0 legacy-rx off`"));
	assert_string_equal(warned_of(p, LAN), "");
	driver.data = 0;
	assert_string_equal(warned_of(p, WAN), "");
	plan_free(p);
	longer_on(SERVICE("interface: eth0", TO4, "nat: masquerade"), 4, &p);
	has(3, 1, ~0);
	driver.device = "eth4";
	assert_non_null(strstr(warned_of(p, LAN2), "interface bond0: the driver of eth4 leaves no room"));
	plan_free(p);
}

static int set_up(void **state)
{
	headroom_ask = answer;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flags), cmocka_unit_test(no_answer), cmocka_unit_test(lies), cmocka_unit_test(ports), cmocka_unit_test(warnings),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
