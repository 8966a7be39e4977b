// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two CPUs that change the table of flows at once, at any pair of moments, give no port to two clients and leave the
 * table whole. The first runs up to its n-th change of a word, then the second one's whole packet is run, and then
 * the first continues: for each n. The cases: clients that ask for one port of the pool, two packets of one client,
 * two answers, and a client that replaces an expired one. No port belongs to two clients, each client is counted
 * once, and the table is whole.
 */
#include "host/host_two_cpus.h"
#include "host/host_clients.h"

enum { CHANGES = 12 };			/* more than a packet makes */

static const struct masq *at_service;
static __u32 other_client;
static bool other_answers;
static __u16 other_port;		/* GONE: the other CPU's packet was not sent */
static struct addr other_ours;

static void other_packet(void)
{
	struct cpu here = cpu_keep();
	struct ran ran_here = ran;
	struct frame in_here = in, out_here = out;
	struct addr ours_here = ours;
	__u64 created = flows_total(at_service->id)->created;

	ours = other_ours;
	if (other_answers)
		backend_answers(at_service, other_port, other_client, 40005);
	else
		other_port = client_sends(at_service, other_client, 40005);
	other_ours = ours;
	created = flows_total(at_service->id)->created - created;
	cpu_restore(&here);
	flows_total(at_service->id)->created += created;	/* on both CPUs */
	ran = ran_here;
	in = in_here;
	out = out_here;
	ours = ours_here;
	frame_build(&in, came);
}

static void begin(const struct masq *m, __u32 client, bool answers)
{
	other_cpu = NULL;
	flows_setup();
	plane = PLANE_TC;
	at_service = m;
	flows_pool(m->id)->n4 = flows_pool(m->id)->n6 = 1;
	other_client = client;
	other_answers = answers;
}

static void meet(int n)
{
	changes_before = n;
	other_cpu = other_packet;
}

/* Returns whether the first CPU made so many changes that the other one's packet was run, and counts it in *met. The table is whole then. */
static bool have_met(int *met)
{
	if (other_cpu)
		return false;
	(*met)++;
	whole();
	return true;
}

/* Both clients ask for an expired client's port */
static void one_gets_the_port(void **state)
{
	int met = 0;

	for (int i = 0; i < MASQ_PAIRS * CHANGES; i++) {
		__u16 port;

		begin(&masqs[i / CHANGES], 2, false);
		assert_int_equal(client_sends(at_service, 0, 40005), 40005);
		host_jiffies += (HALF_OPEN_SECONDS + 1) * tick_rate;	/* the backend has not answered the client */
		meet(i % CHANGES);
		port = client_sends(at_service, 1, 40005);
		if (!have_met(&met))
			continue;
		assert_int_not_equal(port, GONE);
		assert_int_not_equal(other_port, GONE);
		assert_int_not_equal(other_port, port);
		assert_true(port == 40005 || other_port == 40005 || i % CHANGES);
		assert_int_equal(half_open_there(), 2);
	}
	assert_true(met >= MASQ_PAIRS * 4);
}

/* Two packets of a new client: at least one is sent, and there is one half-open flow */
static void one_client_twice(void **state)
{
	int met = 0;

	for (int i = 0; i < MASQ_PAIRS * CHANGES; i++) {
		__u16 port;

		begin(&masqs[i / CHANGES], 1, false);
		meet(i % CHANGES);
		port = client_sends(at_service, 1, 40005);
		if (!have_met(&met))
			continue;
		assert_true(port != GONE || other_port != GONE);
		assert_true(port == GONE || other_port == GONE || port == other_port);
		assert_int_equal(half_open_there(), 1);
		assert_int_not_equal(client_sends(at_service, 1, 40005), GONE);
	}
	assert_true(met >= MASQ_PAIRS * 3);
}

/* Two answers to one client: both reach it, and it is counted once */
static void two_answers(void **state)
{
	int met = 0;

	for (int i = 0; i < MASQ_PAIRS * CHANGES; i++) {
		__u16 port;

		begin(&masqs[i / CHANGES], 1, true);
		port = other_port = client_sends(at_service, 1, 40005);
		other_ours = ours;
		meet(i % CHANGES);
		assert_true(backend_answers(at_service, port, 1, 40005));
		if (!have_met(&met))
			continue;
		assert_int_equal(flows_there(), 1);
		assert_int_equal(flows_total(at_service->id)->created, 1);
	}
	assert_true(met >= MASQ_PAIRS);
}

/* A flow's packet finds it, and before it counts, another client takes its place: the other client's flow does not
 * change */
static void place_taken(void **state)
{
	for (int i = 0; i < MASQ_PAIRS; i++) {
		const struct flow *f;

		begin(&masqs[i], 9, false);
		flows_room(1);
		assert_int_not_equal(client_sends(at_service, 0, 40005), GONE);
		host_jiffies += (HALF_OPEN_SECONDS - 1) * tick_rate;	/* the flow is about to expire: the packet prolongs it */
		for (__u32 n = 1; n < LEARNED_WAYS; n++)
			flow_made(at_service, n, 40005);
		meet(0);
		client_sends(at_service, 0, 40005);
		assert_null(other_cpu);
		whole();
		f = flow_of(at_service, 9, 40005);
		assert_non_null(f);
		assert_int_equal(f->packets[DIRECTION_ORIGINAL], 1);
		assert_int_equal(f->packets[DIRECTION_REPLY], 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_gets_the_port), cmocka_unit_test(one_client_twice), cmocka_unit_test(two_answers), cmocka_unit_test(place_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
