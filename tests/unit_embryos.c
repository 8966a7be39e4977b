// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two CPUs' newcomers for one port of ours whose embryo is over: one of them gets it. One CPU runs up to where it takes the old embryo away,
 * there the other one's packet is run as a whole, and then the first goes on.
 */
#ifndef WGXDP_HOST
#define WGXDP_HOST
#endif
#include "../bpf/host_maps.h"

static void (*before_delete)(const struct host_map *map);

static inline long delete_elem(struct host_map *map, const void *key)
{
	if (before_delete)
		before_delete(map);
	return bpf_map_delete_elem(map, key);
}

#define bpf_map_delete_elem(map, key) delete_elem(map, key)
#include "host_clients.h"

static struct host_map *const of_cpu[] = { &flow_scratch, &nexthops, &scratch, &quotes, &frag_scratch, &pieces, &judged, &guard_scratch };
#define OF_CPU (sizeof(of_cpu) / sizeof(*of_cpu))

static const struct masq *at_service;
static __u16 other_port;
static struct addr other_ours;

static void other_cpu(const struct host_map *map)
{
	void *kept[OF_CPU] = { NULL };
	struct ran ran_here = ran;
	struct frame in_here = in, out_here = out;

	if (map != &embryos)
		return;
	before_delete = NULL;
	for (size_t i = 0; i < OF_CPU; i++) {
		size_t n = (size_t)of_cpu[i]->max * of_cpu[i]->value_size;

		if (of_cpu[i]->values)
			kept[i] = memcpy(malloc(n), of_cpu[i]->values, n);
	}
	other_port = client_sends(at_service, 2, 40005);
	other_ours = ours;
	for (size_t i = 0; i < OF_CPU; i++) {
		if (kept[i])
			memcpy(of_cpu[i]->values, kept[i], (size_t)of_cpu[i]->max * of_cpu[i]->value_size);
		free(kept[i]);
	}
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
