// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The express path sends a flow's packets until its time must be extended, and counts each of them once. One packet a
 * second renews the next hop for all flows. On the host plane.
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
			host_jiffies += (FLOW_STEP_SECONDS + 1) * tick_rate;
			before = express_hits(express_cpu());
			client_sends(m, 0, 40000);
			assert_int_equal(express_hits(express_cpu()), before);
			client_sends(m, 0, 40000);
			assert_int_equal(express_hits(express_cpu()), before + 1);
		}
	}
}

static bool is_hit(const struct masq *m, __u32 client)
{
	__u64 before = express_hits(express_cpu());

	client_sends(m, client, 40000);
	return express_hits(express_cpu()) > before;
}

/* After a second the first flow's packet renews the next hop, and the others are hits, until their time is extended */
static void share_the_next_hop(void **state)
{
	for (size_t i = 0; i < MASQ_PAIRS; i++) {
		const struct masq *m = &masqs[i];

		flows_pool(m->id)->timeout = FLOW_TIMEOUT;
		for (__u32 client = 0; client < 3; client++) {
			assert_true(backend_answers(m, client_sends(m, client, 40000), client, 40000));
			for (int i = 0; i < 2; i++)
				is_hit(m, client);	/* the memo learns the device, and then the packet */
			assert_true(is_hit(m, client));
		}
		for (int seconds = 2; seconds < FLOW_STEP_SECONDS; seconds += 2) {
			host_jiffies += 2 * tick_rate;
			assert_false(is_hit(m, 0));
			for (__u32 client = 0; client < 3; client++)
				assert_true(is_hit(m, client));
		}
		host_jiffies += 2 * tick_rate;
		for (__u32 client = 0; client < 3; client++) {
			assert_false(is_hit(m, client));
			assert_true(is_hit(m, client));
		}
	}
}

/* ---- counters ---- */

#define CROWD 48

/* Adds what the memo's entries have counted for the flow. Returns how many entries there were */
static int add_pending(const struct flow *f, __u64 word, __u64 packets[2], __u64 bytes[2])
{
	const struct memo *e = (const struct memo *)memo.values;
	int n = 0;

	for (__u32 i = 0; i < memo.max * MEMO_WAYS; i++, e++) {
		if (!e->from || !memo_counts_for(e, word) ||
		    f != &((struct flow_bucket *)flow_table.values)[e->place / LEARNED_WAYS].flow[e->place % LEARNED_WAYS])
			continue;
		packets[total_direction(e->total)] += e->packets;
		bytes[total_direction(e->total)] += e->bytes;
		n++;
	}
	return n;
}

/* More flows than the memo has lines: entries replace each other, and each flow's packets and bytes are still exact */
static void count_crowd(const struct masq *m)
{
	__u32 size[2] = { world_family(m->client) == FAMILY_IPV4 ? 60 : 80, world_family(m->backend) == FAMILY_IPV4 ? 60 : 80 };
	__u64 sent[CROWD][2] = { 0 }, hits = express_hits(express_cpu()), bytes[2], packets[2];
	__u16 ports[CROWD];
	struct addr from[CROWD];
	int pending = 0;
	__u32 n = 0;

	assert_true(with_counts);
	host_map_reset(&memo, 4);
	express_bits = 2;
	flows_pool(m->id)->timeout = FLOW_TIMEOUT;
	for (n = 0; n < CROWD; n++) {
		ports[n] = client_sends(m, n, 40000);
		from[n] = ours;
		assert_true(backend_answers(m, ports[n], n, 40000));
		sent[n][0] = sent[n][1] = 1;
	}
	srand(1);
	for (int i = 0; i < 20000; i++) {
		if (i % 8 == 0)
			n = rand() % CROWD;
		if (i % 50 == 0)
			host_jiffies += tick_rate / 4;
		ours = from[n];
		sent[n][i % 3 == 0]++;
		if (i % 3)
			assert_int_equal(client_sends(m, n, 40000), ports[n]);
		else
			assert_true(backend_answers(m, ports[n], n, 40000));
	}
	for (n = 0; n < CROWD; n++) {
		const struct flow *f = flow_of(m, n, 40000);

		memcpy(packets, f->packets, sizeof(packets));
		memcpy(bytes, f->bytes, sizeof(bytes));
		pending += add_pending(f, word_of(m, n, 40000), packets, bytes);
		for (int d = 0; d < 2; d++) {
			assert_int_equal(packets[d], sent[n][d]);
			assert_int_equal(bytes[d], sent[n][d] * size[d]);
		}
	}
	assert_true(pending >= 8 && express_hits(express_cpu()) - hits > 500);
	express_bits = 8;
}

static void counts_each_packet_once(void **state)
{
	for (size_t i = 0; i < MASQ_PAIRS; i++)
		count_crowd(&masqs[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(counts_each_packet_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(share_the_next_hop, set_up, tear_down),
		cmocka_unit_test_setup_teardown(learned_when_extended, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
