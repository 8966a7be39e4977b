// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two CPUs' newcomers for one port of ours whose embryo is over: one of them gets it. One CPU runs up to where it takes the old embryo away,
 * there the other one's packet is run as a whole, and then the first goes on.
 */
#ifndef WGXDP_HOST
#define WGXDP_HOST
#endif
#include "plane/host_maps.h"

static void (*before_delete)(const struct host_map *map);

static inline long delete_elem(struct host_map *map, const void *key)
{
	if (before_delete)
		before_delete(map);
	return bpf_map_delete_elem(map, key);
}

#define bpf_map_delete_elem(map, key) delete_elem(map, key)
#include "host/host_clients.h"

static const struct masq *at_service;
static __u16 other_port;
static struct addr other_ours;

static void other_cpu(const struct host_map *map)
{
	struct cpu here;
	struct ran ran_here = ran;
	struct frame in_here = in, out_here = out;

	if (map != &embryos)
		return;
	before_delete = NULL;
	here = cpu_keep();
	other_port = client_sends(at_service, 2, 40005);
	other_ours = ours;
	cpu_restore(&here);
	ran = ran_here;
	in = in_here;
	out = out_here;
	frame_build(&in, came);
}

static void one_gets_the_port(void **state)
{
	for (int i = 0; i < MASQ_PAIRS; i++) {
		__u16 port;

		flows_setup();
		plane = PLANE_TC;
		at_service = &masqs[i];
		flows_pool(at_service->id)->n4 = flows_pool(at_service->id)->n6 = 1;
		assert_int_equal(client_sends(at_service, 0, 40005), 40005);
		host_jiffies += (EMBRYO_SECONDS + 1) * tick_rate;	/* nobody has answered him */
		before_delete = other_cpu;
		port = client_sends(at_service, 1, 40005);
		assert_null(before_delete);
		assert_int_equal(port, 40005);
		assert_int_not_equal(other_port, port);
		assert_true(addr_same(&ours, &other_ours));
		assert_int_equal(embryos.n, 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(one_gets_the_port) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
