// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Each message reaches the right one of several servers behind one port: the key, the index or the client decides.
 * The test runs on the host plane under ASan and UBSan, on both planes, with both families, dnat and masquerade.
 */
#include "host/host_handshakes.h"

static const enum plane planes[] = { PLANE_XDP, PLANE_TC };

static int set_up(void **state)
{
	guard_setup(GUARD_BACKENDS, BACKENDS);
	plane = PLANE_TC;
	return 0;
}

static int tear_down(void **state)
{
	bool held = ways_sums_hold();

	world_clear();
	guards_reset();
	return held ? 0 : -1;
}

static void everywhere(void (*test)(void))
{
	for (size_t i = 0; i < GUARDED * 4; i++) {
		guard_setup(GUARD_BACKENDS | (i & 2 ? GUARD_STRICT : 0), BACKENDS);
		at_service = &guarded[i / 4];
		plane = planes[i % 2];
		test();
	}
}

static void by_key_here(void)
{
	struct guard_message m;

	for (__u32 n = 0; n < BACKENDS; n++) {
		assert_int_equal(sends_initiation(n), n);
		assert_int_equal(health_at(at_service->id, n)->initiations, 1);
		m = message(MESSAGE_RESPONSE, 1, 5);
		m.key = n;
		message_make(&m);
		backend_waits(n, 5);
		assert_int_equal(sends(&m), n);
	}
	assert_int_equal(sends_initiation(BACKENDS), -DROP_guard_mac1);
	assert_int_equal(sends_data(6), -DROP_guard_stranger);
}

static void by_key(void **state)
{
	everywhere(by_key_here);
}

static void by_index_here(void)
{
	struct guard_message m;

	for (__u32 n = 0; n < BACKENDS; n++) {
		client_port = 40000 + n;
		shakes(n, 10 + n, 20 + n);
	}
	for (__u32 n = 0; n < BACKENDS; n++) {
		client_port = 40000 + n;
		assert_int_equal(sends_data(20 + n), n);
		assert_int_equal(sends_data(999), n);		/* the backend that the client talks to */
		assert_int_equal(sends_data(20 + (n + 1) % BACKENDS), (n + 1) % BACKENDS);
		m = message(MESSAGE_COOKIE, 0, 20 + n);
		assert_int_equal(sends(&m), n);
		client_port = 50000;				/* the client roams */
		assert_int_equal(sends_data(20 + n), n);
		m = message(MESSAGE_COOKIE, 0, 20 + n);
		assert_int_equal(sends(&m), n);
		assert_int_equal(sends_data(999), -DROP_guard_stranger);
		m = message(MESSAGE_COOKIE, 0, 999);
		assert_int_equal(sends(&m), -DROP_guard_stranger);
	}
	seconds(SESSION_SECONDS);
	client_port = 40002;
	assert_int_equal(sends_data(22), -DROP_guard_stranger);
	assert_int_equal(sends_initiation(2), 2);
}

static void by_index(void **state)
{
	everywhere(by_index_here);
}

/* One client uses one port for two servers: neither disturbs the other server */
static void one_tuple_here(void)
{
	bool masquerade = at_service->flags & SERVICE_MASQUERADE;
	struct addr as[2];
	__u16 port[2];
	struct guard_message m;

	for (__u32 n = 0; n < 2; n++) {
		shakes(n + 1, 1 + n, 100 + n);
		as[n] = ours;
		port[n] = shown_port;
	}
	for (int i = 0; i < 6; i++) {
		__u32 n = i & 1;

		assert_int_equal(sends_data(100 + n), n + 1);
		if (masquerade) {
			assert_int_equal(shown_port, port[n]);
			assert_true(addr_same(&ours, &as[n]));
		}
		m = message(MESSAGE_DATA, 0, 1 + n);
		assert_true(backend_sends(n + 1, &m));
		seconds(2);
	}
	assert_int_equal(sends_data(999), 2);
	if (masquerade) {
		assert_int_equal(flows_there(), 2);
		whole();
		ours = as[0];
		shown_port = port[0];
		m = message(MESSAGE_DATA, 0, 1);
		assert_true(backend_sends(1, &m));
		assert_false(port[0] == port[1] && addr_same(&as[0], &as[1]) && !backend_sends(2, &m));
	}
	assert_int_equal(sends_initiation(0), 0);	/* with a forged one to the third */
	assert_int_equal(sends_data(100), 1);
	assert_int_equal(sends_data(101), 2);
	assert_int_equal(sends_data(999), 2);
}

static void one_tuple(void **state)
{
	everywhere(one_tuple_here);
}

/* ---- messages without key and index ---- */

static int error_becomes(const struct way *w, bool unknown)
{
	__u64 before[REASON_MAX], after[REASON_MAX];
	struct error e, o;
	__u32 len;

	error_comes(w, &e);
	if (unknown)
		e.about.dport++;
	len = error_build(&e, came);
	reasons_now(before);
	ran = way_run(plane, W0, came, len, len, left);
	reasons_now(after);
	if (ran.verdict == HOST_SENT) {
		error_leaves(w, &e, &o);
		len = error_build(&o, want);
		assert_int_equal(ran.packet.len, len);
		assert_memory_equal(left, want, len);
		return 0;
	}
	return after[DROP_guard_stranger] == before[DROP_guard_stranger] + 1 ? -DROP_guard_stranger : PASSED_UP;
}

/* Errors go to the backend that the client talks to. A client without a backend gets none */
static void errors_here(void)
{
	char backend[64];

	if (at_service->flags & SERVICE_MASQUERADE)
		return;
	for (__u32 n = 0; n < BACKENDS; n++) {
		struct addr a = nth_backend(at_service, n);
		struct way w = { "", W0, at_service->id, DIRECTION_ORIGINAL, at_service->client, at_service->local, backend,
				 at_service->port, 51820, L0, 10 };

		inet_ntop(strchr(at_service->backend, ':') ? AF_INET6 : AF_INET, &a.b[strchr(at_service->backend, ':') ? 0 : 12],
			  backend, sizeof(backend));
		shakes(n, 1, 100 + n);
		assert_int_equal(error_becomes(&w, false), 0);
		assert_int_equal(error_becomes(&w, true), -DROP_guard_stranger);
	}
}

static void errors(void **state)
{
	everywhere(errors_here);
}

static int fragment(__u32 receiver, __u32 id)
{
	struct guard_message m = message(MESSAGE_DATA, 0, receiver);
	int end;

	m.len = 1024;
	message_make(&m);
	client_comes(&m);
	in.frag_off = 0x2000;
	in.id = id;
	in.payload = 512;
	in.udp_len = 512;
	end = becomes();
	in.bytes = NULL;		/* they are m's */
	return end;
}

/* Sends the fragment behind `in` */
static void later_runs(void)
{
	__u32 len = frame_build(&in, came);

	put16(came + 14 + 6, 520 / 8);
	put16(came + 14 + 10, 0);
	put16(came + 14 + 10, ~frame_fold(frame_sum(came + 14, 20)));
	ran = way_run(plane, W0, came, len, len, left);
}

static void later_to(__u32 n)
{
	struct addr a = nth_backend(at_service, n);

	later_runs();
	assert_int_equal(ran.verdict, HOST_SENT);
	assert_memory_equal(left + 14 + 16, &a.b[12], 4);
}

/* The second of two fragments goes to the first one's backend, or to none */
static void fragmented(void **state)
{
	for (__u32 n = 0; n < BACKENDS; n++) {
		client_port = 40000 + n;
		shakes(n, 1, 100 + n);
	}
	for (__u32 n = 0; n < BACKENDS; n++) {
		client_port = 40000 + n;
		assert_int_equal(fragment(100 + n, 10 + n), n);
		later_to(n);
	}
	client_port = 50000;
	assert_int_equal(fragment(102, 50), 2);
	later_runs();
	assert_int_equal(ran.verdict, HOST_DROP);
	assert_int_equal(way_reason(0, DIRECTION_ORIGINAL, plane, DROP_guard_stranger), 1);
}

/* A backend that has been removed */
static void gone_backend(void **state)
{
	shakes(2, 1, 100);
	world_n_entries = 0;
	world_listen(0, W0, "203.0.113.1", 51820, "192.168.1.10", 51820, 2, 0);
	world_commit();
	assert_int_equal(sends_data(100), -DROP_guard_stranger);
	assert_int_equal(sends_initiation(2), -DROP_guard_stranger);
	assert_int_equal(sends_initiation(0), 0);
}

static int sends_to(const char *local, struct guard_message m)
{
	client_comes(&m);
	in.dst = world_addr(local);
	return becomes();
}

/* A listener that leads to one backend only, as with ipv6: direct */
static void own_address(void **state)
{
	shakes(0, 1, 100);
	client_port++;
	shakes(1, 1, 101);
	world_n_entries = 0;
	world_listen(0, W0, "203.0.113.1", 51820, "192.168.1.10", 51820, 2, 0);
	world_listen(0, W0, "203.0.113.2", 51820, "192.168.1.11", 51820, 4, 1 << SERVICE_BACKEND_SHIFT);
	world_commit();
	assert_int_equal(sends_to("203.0.113.2", initiation_for(0)), -DROP_guard_stranger);
	assert_int_equal(sends_to("203.0.113.2", message(MESSAGE_DATA, 0, 100)), -DROP_guard_stranger);
	assert_int_equal(health_at(0, 0)->unanswered, 0);
	assert_int_equal(sends_to("203.0.113.2", initiation_for(1)), 1);
	assert_int_equal(sends_to("203.0.113.2", message(MESSAGE_DATA, 0, 101)), 1);
	assert_int_equal(sends_to("203.0.113.1", initiation_for(1)), -DROP_guard_stranger);
	assert_int_equal(sends_to("203.0.113.1", initiation_for(0)), 0);
}

/* A backend whose standby serves is silent, and nothing is remembered about it */
static void quiet_here(void)
{
	struct guard_message m = message(MESSAGE_RESPONSE, 20, 10);
	__u64 before;

	shakes(0, 10, 20);
	assert_true(backend_sends(0, &m));
	before = remembered();
	for (size_t i = 0; i < world_n_entries; i++)
		if ((__u8)world_entries[i].key.word == KEY_REPLY)
			world_entries[i].service.flags = (__u8)world_entries[i].service.flags | SERVICE_QUIET;
	world_commit();
	for (int type = MESSAGE_INITIATION; type <= MESSAGE_DATA; type++) {
		m = message(type, 30, 10);
		assert_false(backend_sends(0, &m));
		assert_int_equal(ran.verdict, HOST_DROP);
	}
	assert_int_equal(remembered(), before);
}

static void quiet(void **state)
{
	everywhere(quiet_here);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(by_key), TEST(by_index), TEST(one_tuple), TEST(errors), TEST(quiet), TEST(fragmented), TEST(gone_backend), TEST(own_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
