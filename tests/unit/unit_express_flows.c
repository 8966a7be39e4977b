// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The express path learns a flow from the packet that extends it, so only one packet a second takes the pipeline. On the
 * host plane.
 */
#include "host/host_clients.h"

static int set_up(void **state)
{
	flows_setup();
	plane = PLANE_XDP;
	return 0;
}

static int tear_down(void **state)
{
	bool held = ways_sums_hold();

	world_clear();
	return held ? 0 : -1;
}

/* The packet that extends a flow is learned by the express path, so the next one is sent there */
static void learned_when_extended(void **state)
{
	for (size_t i = 0; i < MASQ_PAIRS; i++) {
		const struct masq *m = &masqs[i];
		__u16 port = client_sends(m, 0, 40000);
		__u64 before;

		assert_true(backend_answers(m, port, 0, 40000));
		client_sends(m, 0, 40000);
		for (int n = 0; n < 5; n++) {
			host_jiffies += 3 * tick_rate / 2;
			before = express_cpu()->count.hits;
			client_sends(m, 0, 40000);
			assert_int_equal(express_cpu()->count.hits, before);
			client_sends(m, 0, 40000);
			assert_int_equal(express_cpu()->count.hits, before + 1);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(learned_when_extended, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
