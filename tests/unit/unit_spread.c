// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Queues and hashed fields are reported right for drivers that report all, some or nothing (user/plan/transmit.c). Also
 * the number of queues that doctor asks for.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <linux/ethtool.h>
#include <cmocka.h>
#include "plan/transmit.h"

enum { ADDRESSES = RXH_IP_SRC | RXH_IP_DST, PORTS = ADDRESSES | RXH_L4_B_0_1 | RXH_L4_B_2_3, NO_ANSWER = -1 };

static struct {
	const char *name;
	struct ethtool_channels channels;
	bool no_channels;
	int rings, udp4, udp6;		/* NO_ANSWER: the driver has no answer */
	__u32 table[8], n_table;
} driver;

static int number(struct ethtool_rxnfc *answer, int n)
{
	if (n == NO_ANSWER)
		return -EOPNOTSUPP;
	answer->data = n;
	return 0;
}

static int indirection(struct ethtool_rxfh_indir *table)
{
	if (!driver.n_table)
		return -EOPNOTSUPP;
	assert_true(table->size >= driver.n_table);
	table->size = driver.n_table;
	memcpy(table->ring_index, driver.table, driver.n_table * sizeof(*driver.table));
	return 0;
}

static int answer(const char *ifname, void *command)
{
	struct ethtool_rxnfc *rxnfc = command;

	assert_string_equal(ifname, "eth0");
	switch (*(__u32 *)command) {
	case ETHTOOL_GDRVINFO:
		strcpy(((struct ethtool_drvinfo *)command)->driver, driver.name);
		return 0;
	case ETHTOOL_GCHANNELS:
		if (driver.no_channels)
			return -EOPNOTSUPP;
		*(struct ethtool_channels *)command = driver.channels;
		return 0;
	case ETHTOOL_GRXRINGS:
		return number(rxnfc, driver.rings);
	case ETHTOOL_GRXFHINDIR:
		return indirection(command);
	case ETHTOOL_GRXFH:
		return number(rxnfc, rxnfc->flow_type == UDP_V4_FLOW ? driver.udp4 : driver.udp6);
	}
	fail();
	return -EOPNOTSUPP;
}

static struct spread read_it(void)
{
	struct spread s;

	memset(&s, 0xff, sizeof(s));
	spread_read("eth0", &s);
	return s;
}

static int set_up(void **state)
{
	memset(&driver, 0, sizeof(driver));
	driver.name = "igb";
	driver.channels = (struct ethtool_channels){ .max_combined = 8, .combined_count = 4 };
	driver.rings = 4;
	driver.udp4 = driver.udp6 = PORTS;
	spread_ask = answer;
	return 0;
}

static void tells_all(void **state)
{
	struct spread s = read_it();

	assert_int_equal(s.queues, 4);
	assert_int_equal(s.most, 8);
	assert_true(s.combined);
	assert_false(s.addresses[0] || s.addresses[1]);
	assert_int_equal(s.traits, 0);
	driver.udp4 = ADDRESSES;
	s = read_it();
	assert_true(s.addresses[0] && !s.addresses[1]);
	driver.udp4 = PORTS;
	driver.udp6 = RXH_IP_DST;
	s = read_it();
	assert_true(!s.addresses[0] && s.addresses[1]);
}

/* A single port spreads tunnels as well; no reported field means nothing */
static void other_fields(void **state)
{
	struct spread s;

	driver.udp4 = ADDRESSES | RXH_L4_B_0_1;
	driver.udp6 = ADDRESSES | RXH_L4_B_2_3;
	s = read_it();
	assert_false(s.addresses[0] || s.addresses[1]);
	driver.udp4 = 0;
	driver.udp6 = RXH_L2DA | RXH_VLAN;
	s = read_it();
	assert_false(s.addresses[0] || s.addresses[1]);
}

static void apart(void **state)
{
	struct spread s;

	driver.channels = (struct ethtool_channels){ .max_rx = 16, .max_tx = 16, .rx_count = 3, .tx_count = 5 };
	s = read_it();
	assert_int_equal(s.queues, 3);
	assert_int_equal(s.most, 16);
	assert_false(s.combined);
}

static void tells_rings_alone(void **state)
{
	struct spread s;

	driver.no_channels = true;
	driver.rings = 1;
	s = read_it();
	assert_int_equal(s.queues, 1);
	assert_int_equal(s.most, 0);
}

static void tells_nothing(void **state)
{
	const struct spread nothing = { 0 };
	struct spread s;

	driver.no_channels = true;
	driver.rings = driver.udp4 = driver.udp6 = NO_ANSWER;
	s = read_it();
	assert_memory_equal(&s, &nothing, sizeof(s));
}

static void indirection_table(void **state)
{
	assert_int_equal(read_it().table, 0);
	driver.n_table = 4;
	assert_int_equal(read_it().table, 1);
	driver.table[2] = 3;
	assert_int_equal(read_it().table, 2);
	memcpy(driver.table, (__u32[]){ 2, 2, 2, 2 }, 16);
	assert_int_equal(read_it().table, 1);
	driver.table[1] = ~0u;
	assert_int_equal(read_it().table, 0);
}

static __u32 wanted(const char *name, __u32 most, __u32 cpus, bool native)
{
	struct spread s;

	driver.name = name;
	driver.channels.max_combined = most;
	s = read_it();
	return spread_wanted(&s, cpus, native);
}

static void how_many(void **state)
{
	assert_int_equal(wanted("igb", 8, 4, true), 4);
	assert_int_equal(wanted("igb", 2, 4, true), 2);
	assert_int_equal(wanted("ena", 8, 4, true), 4);
	assert_int_equal(wanted("ena", 4, 4, true), 2);
	assert_int_equal(wanted("ena", 4, 4, false), 4);
	assert_int_equal(wanted("ena", 1, 4, true), 1);
	assert_int_equal(wanted("i40e", 4, 4, true), 4);
	assert_int_equal(wanted("virtio_net", 4, 4, true), 4);
	driver.no_channels = true;
	assert_int_equal(wanted("igb", 4, 4, false), 0);
}

static void by_name(void **state)
{
	driver.name = "i40e";
	assert_int_equal(read_it().traits, SPREAD_EVERY_CPU);
	driver.name = "i40";
	assert_int_equal(read_it().traits, 0);
	driver.name = "sfc";
	assert_int_equal(read_it().traits, SPREAD_FIXED);
	driver.name = "sfc_siena";
	assert_int_equal(read_it().traits, SPREAD_FIXED);
	driver.name = "virtio_net";
	assert_int_equal(read_it().traits, SPREAD_DETACH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(tells_all, set_up), cmocka_unit_test_setup(other_fields, set_up),
		cmocka_unit_test_setup(apart, set_up), cmocka_unit_test_setup(tells_rings_alone, set_up),
		cmocka_unit_test_setup(tells_nothing, set_up), cmocka_unit_test_setup(indirection_table, set_up),
		cmocka_unit_test_setup(how_many, set_up),
		cmocka_unit_test_setup(by_name, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
