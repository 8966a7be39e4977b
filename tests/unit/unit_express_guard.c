// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The express path sends data of clients that a strict guard knows, and leaves all other messages of a guarded
 * service to the pipeline. On the host plane.
 */
#include "host/host_handshakes.h"

static int tear_down(void **state)
{
	bool held = ways_sums_hold();

	world_clear();
	guards_reset();
	return held ? 0 : -1;
}

static __u64 hits_now(void)
{
	return express_hits(express_cpu());
}

/* Sends packets like the last one, which must leave unchanged, until the express path sends them. The first packet
 * of a next hop goes through the kernel. */
static void teach_data(void)
{
	__u64 before = hits_now();

	for (int i = 0; i < 5 && hits_now() == before; i++) {
		sends_data(20);
		host_jiffies++;
	}
	assert_int_equal(hits_now(), before + 1);
}

static void teach_reply(void)
{
	struct guard_message m = message(MESSAGE_DATA, 0, 10);
	__u64 before = hits_now();

	for (int i = 0; i < 5 && hits_now() == before; i++) {
		backend_sends(0, &m);
		host_jiffies++;
	}
	assert_int_equal(hits_now(), before + 1);
}

/* The handshake's packets make the next hops known */
static void shakes_hands(void)
{
	sends_initiation(0);
	host_jiffies += tick_rate / 10;
	shakes(0, 10, 20);
}

/* The memo must leave a flow to the pipeline in time to extend it, whatever else limits its entries */
static void leaves_flows_in_time(void)
{
	const struct memo *e = host_section(&memo);
	__u32 n = 0;

	for (__u32 i = 0; i < memo.max * MEMO_WAYS; i++, e++)
		if (e->from && e->flags & (MEMO_FLOW | MEMO_COUNTS)) {
			assert_true(e->until <= host_jiffies + FLOW_STEP_SECONDS * tick_rate);
			n++;
		}
	assert_int_equal(!n, !(at_service->flags & SERVICE_MASQUERADE));
}

static void data_here(bool strict)
{
	struct guard_message m = message(MESSAGE_DATA, 0, 20);
	__u64 before;

	shakes_hands();
	teach_data();
	leaves_flows_in_time();
	before = hits_now();
	m.len = 1232;
	assert_int_equal(sends(&m), 0);
	assert_int_equal(hits_now(), before + 1);
	m.len = 31;					/* too short for data */
	assert_int_equal(sends(&m), -DROP_guard_shape);
	m = message(MESSAGE_DATA, 0, 20);
	m.header = 5;
	message_make(&m);
	assert_int_equal(sends(&m), -DROP_guard_shape);
	assert_int_equal(sends_initiation(7), -DROP_guard_mac1);
	assert_int_equal(hits_now(), before + 1);
	client_number = 1;				/* a client that no backend knows */
	assert_int_equal(sends_data(999), strict ? -DROP_guard_stranger : 0);
	client_number = 0;
	if (!strict)
		return;
	assert_int_equal(hits_now(), before + 1);
	client_number = 2;				/* a client that has moved: only the index shows that it is known */
	for (int i = 0; i < 5; i++)
		assert_int_equal(sends_data(20), 0);
	assert_int_equal(sends_data(999), -DROP_guard_stranger);
	assert_int_equal(hits_now(), before + 1);
	client_number = 0;
	/* no backend knows this client any more */
	teach_data();
	before = hits_now();
	for (__u32 i = 0; i < 3 * SESSION_SECONDS; i++)
		host_jiffies += tick_rate;
	assert_int_equal(sends_data(999), -DROP_guard_stranger);
	assert_int_equal(hits_now(), before);
}

/* A reply takes the express path, unless the guard counts unanswered initiations */
static void replies_here(void)
{
	struct guard_message m = message(MESSAGE_DATA, 0, 10), response = message(MESSAGE_RESPONSE, 77, 10);
	struct health *h = health_at(at_service->id, 0);
	__u64 before;

	guard_at(at_service->id)->health_initiations = 20;
	shakes_hands();
	teach_data();
	teach_reply();
	before = hits_now();
	h->known_unanswered = 1;
	assert_true(backend_sends(0, &m));
	assert_int_equal(hits_now(), before);
	assert_int_equal(h->known_unanswered, 0);
	assert_true(backend_sends(0, &m));
	assert_int_equal(hits_now(), before + 1);
	assert_true(backend_sends(0, &response));
	assert_int_equal(hits_now(), before + 1);
}

static void everywhere(void (*test)(bool strict))
{
	for (size_t i = 0; i < GUARDED * 2; i++) {
		guard_setup(i & 1 ? GUARD_STRICT : 0, 1);
		at_service = &guarded[i / 2];
		plane = PLANE_XDP;
		test(i & 1);
	}
}

static void data(void **state)
{
	everywhere(data_here);
}

static void replies_of(bool strict)
{
	replies_here();
}

static void replies(void **state)
{
	everywhere(replies_of);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(data, NULL, tear_down),
		cmocka_unit_test_setup_teardown(replies, NULL, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
