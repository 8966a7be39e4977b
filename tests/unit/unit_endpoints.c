// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A peer gets another endpoint only when its present one is dead or a better one has answered, and in the documented
 * order. The test also shows what counts as an answer, and that a better endpoint is tried without harm.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "daemon/endpoints.h"

#define SECOND 1000ULL
#define BEGAN (1000 * SECOND)		/* by the clock */
#define WALL 1700000000ULL
#define PORT htons(51820)

static struct endpoint_of e;
static struct wg_peer p;		/* as WireGuard reports it */
static __u64 now;
static struct address to;		/* the last address that was to be set */
static __be16 to_port;

static struct address address(const char *text)
{
	struct address a;

	assert_int_equal(address_parse(text, &a), 0);
	return a;
}

static bool candidates(const char *first, ...)
{
	struct address *list = calloc(8, sizeof(*list));
	const char *text;
	size_t n = 0;
	va_list args;

	va_start(args, first);
	for (text = first; text; text = va_arg(args, const char *))
		list[n++] = address(text);
	va_end(args);
	return endpoint_take(&e, &p, list, n);
}

static void peer_is_at(const char *text)
{
	p.endpoint = address(text);
	p.endpoint_port = PORT;
}

static enum endpoint_step next_step(void)
{
	to = (struct address){ .family = 0 };
	return endpoint_next(&e, &p, now, WALL + now / SECOND, &to, &to_port);
}

static void assert_to(const char *text)
{
	struct address a = address(text);

	assert_true(address_equal(&to, &a));
	assert_int_equal(to_port, PORT);
}

/* Does what the daemon does after SET, NEXT and BACK */
static void do_it(void)
{
	p.endpoint = to;
	p.endpoint_port = to_port;
	endpoint_was_set(&e, &p);
}

/* Tries a better address like the daemon */
static void tries(size_t candidate)
{
	assert_true(endpoint_try(&e, &p, candidate, now));
	to = e.candidates[candidate];
	to_port = PORT;
	do_it();
}

/* Sends a packet a second without an answer, until a step other than STAY. Returns the step */
static enum endpoint_step sends(unsigned int seconds)
{
	enum endpoint_step step = ENDPOINT_STAY;

	while (seconds-- && step == ENDPOINT_STAY) {
		now += SECOND;
		p.tx_bytes += 148;
		step = next_step();
	}
	return step;
}

static int set_up(void **state)
{
	free(e.candidates);
	e = (struct endpoint_of){ .port = PORT };
	p = (struct wg_peer){ .handshake = WALL + BEGAN / SECOND - 60 };
	now = BEGAN;
	return 0;
}

static void a_peer_without_endpoint_gets_the_first(void **state)
{
	assert_int_equal(next_step(), ENDPOINT_STAY);	/* no address yet */
	candidates("2001:db8::1", "203.0.113.1", NULL);
	assert_int_equal(next_step(), ENDPOINT_SET);
	assert_to("2001:db8::1");
	do_it();
	p.rx_bytes += 92;
	assert_int_equal(next_step(), ENDPOINT_CONFIRMED);
	assert_int_equal(next_step(), ENDPOINT_STAY);
}

static void an_idle_peer_is_left_alone(void **state)
{
	peer_is_at("203.0.113.1");
	candidates("2001:db8::1", "203.0.113.1", NULL);
	for (int i = 0; i < 3600; i++, now += SECOND)
		assert_int_equal(next_step(), ENDPOINT_STAY);
	p.tx_bytes += 148;			/* a packet after an hour: WireGuard gets its time */
	assert_int_equal(next_step(), ENDPOINT_STAY);
	now += SECOND;
	p.rx_bytes += 92;
	p.handshake = WALL + now / SECOND;
	assert_int_equal(next_step(), ENDPOINT_STAY);
	assert_int_equal(sends(10), ENDPOINT_STAY);
}

static void a_dead_one_is_left_after_135_seconds(void **state)
{
	unsigned int seconds = 0;

	peer_is_at("2001:db8::1");		/* its last handshake is 60 s ago */
	candidates("2001:db8::1", "203.0.113.1", "203.0.113.2", NULL);
	while (sends(1) == ENDPOINT_STAY)
		seconds++;
	assert_uint_in_range(seconds, 73, 76);
	assert_to("203.0.113.1");
	do_it();
	assert_int_equal(sends(30), ENDPOINT_NEXT);
	assert_to("203.0.113.2");
	do_it();
	now += SECOND;
	p.rx_bytes += 92;
	p.handshake = WALL + now / SECOND;
	assert_int_equal(next_step(), ENDPOINT_CONFIRMED);
	assert_int_equal(sends(100), ENDPOINT_STAY);
}

static void all_are_tried_and_again(void **state)
{
	static const char *const order[] = { "2001:db8::1", "203.0.113.2", "203.0.113.1", "2001:db8::1" };

	peer_is_at("203.0.113.1");
	p.handshake = 0;			/* never */
	candidates("2001:db8::1", "203.0.113.2", "203.0.113.1", NULL);
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		enum endpoint_step step = sends(60);

		assert_true(step == ENDPOINT_SET || step == ENDPOINT_NEXT);
		assert_to(order[i]);
		do_it();
	}
}

static void the_only_one_stays(void **state)
{
	peer_is_at("203.0.113.1");
	candidates("203.0.113.1", NULL);
	assert_int_equal(sends(600), ENDPOINT_STAY);
}

/* The same with `within` 5 s and a packet each second that the other end answers */
static void one_that_answers_no_more_is_left_within_5_seconds(void **state)
{
	unsigned int seconds = 0;

	e.within = 5 * SECOND;
	p.handshake = WALL + BEGAN / SECOND;
	peer_is_at("203.0.113.1");
	candidates("203.0.113.1", "203.0.113.2", "203.0.113.3", NULL);
	assert_false(endpoint_asks(&e, now));		/* nothing is known yet */
	next_step();
	assert_true(endpoint_asks(&e, now));		/* whether it answers at all */
	assert_int_equal(sends(60), ENDPOINT_STAY);	/* it does not, so it is left alone */
	e.answers = true;
	p.rx_bytes += 100;
	now += SECOND;
	assert_int_equal(next_step(), ENDPOINT_STAY);
	assert_false(endpoint_asks(&e, now));
	now += 2 * SECOND;
	assert_true(endpoint_asks(&e, now));
	for (seconds = 2; sends(1) == ENDPOINT_STAY; seconds++)
		;
	assert_uint_in_range(seconds, 4, 5);
	assert_to("203.0.113.2");
	do_it();
	p.rx_bytes = p.tx_bytes = p.handshake = 0;	/* its counters begin again */
	endpoint_was_set(&e, &p);
	assert_false(endpoint_asks(&e, now));
	for (seconds = 1; sends(1) == ENDPOINT_STAY; seconds++)
		;
	assert_uint_in_range(seconds, 5, 6);			/* no answer there either */
	assert_to("203.0.113.3");
	do_it();
	p.rx_bytes += 92;
	assert_int_equal(next_step(), ENDPOINT_CONFIRMED);
	for (int i = 0; i < 600; i++) {
		p.rx_bytes += 32;
		assert_int_equal(sends(1), ENDPOINT_STAY);
	}
}

/* The network is down: all are tried, then again and again, with longer pauses */
static void in_vain_all_around_it_is_more_patient(void **state)
{
	unsigned int seconds = 0;

	e.within = 2 * SECOND;
	e.answers = true;
	peer_is_at("203.0.113.1");
	candidates("203.0.113.1", "203.0.113.2", NULL);
	next_step();
	for (int round = 0; round < 4; round++) {
		for (seconds = 1; sends(1) == ENDPOINT_STAY; seconds++)
			assert_uint_in_range(seconds, 0, 30);
		assert_to(round % 2 ? "203.0.113.1" : "203.0.113.2");
		do_it();
		if (round == 3)			/* each was tried */
			assert_uint_in_range(seconds, 11, 12);
	}
}

static void the_only_one_may_be_another_host_now(void **state)
{
	e.within = 2 * SECOND;
	e.answers = true;
	peer_is_at("203.0.113.1");
	candidates("203.0.113.1", NULL);
	next_step();
	assert_int_equal(sends(5), ENDPOINT_SET);
	assert_to("203.0.113.1");
	do_it();
	p.rx_bytes = 92;
	assert_int_equal(next_step(), ENDPOINT_CONFIRMED);
}

static void what_answers_is_alive_without_handshakes(void **state)
{
	peer_is_at("203.0.113.1");
	candidates("2001:db8::1", "203.0.113.1", NULL);
	for (int i = 0; i < 600; i++) {
		p.rx_bytes += 32;
		assert_int_equal(sends(1), ENDPOINT_STAY);
	}
}

static void a_better_one_is_tried_and_stays(void **state)
{
	peer_is_at("203.0.113.1");
	candidates("2001:db8::1", "203.0.113.1", NULL);
	next_step();
	assert_false(endpoint_try(&e, &p, 1, now));		/* the peer is there already */
	tries(0);
	now += 100;
	p.rx_bytes += 1000;			/* a late packet: WireGuard moved back */
	peer_is_at("203.0.113.1");
	assert_int_equal(next_step(), ENDPOINT_SET);
	assert_to("2001:db8::1");
	do_it();
	now += 100;
	assert_int_equal(next_step(), ENDPOINT_STAY);
	p.rx_bytes += 1000;
	assert_int_equal(next_step(), ENDPOINT_CONFIRMED);
}

static void one_that_does_not_carry_is_left_for_longer_each_time(void **state)
{
	__u64 wait = ENDPOINT_WAIT_MS;

	peer_is_at("203.0.113.1");
	candidates("2001:db8::1", "203.0.113.1", NULL);
	next_step();
	for (int i = 0; i < 6; i++) {
		tries(0);
		assert_int_equal(sends(60), ENDPOINT_BACK);
		assert_to("203.0.113.1");
		do_it();
		assert_false(endpoint_try(&e, &p, 0, now + wait - 1));
		now += wait;
		wait = 2 * wait < ENDPOINT_WAIT_MAX_MS ? 2 * wait : ENDPOINT_WAIT_MAX_MS;
	}
}

/* A peer with answers every second loses at most three seconds by a failed trial. An idle peer waits for a keepalive */
static void a_busy_one_is_not_left_alone_for_long(void **state)
{
	peer_is_at("203.0.113.1");
	candidates("2001:db8::1", "203.0.113.1", NULL);
	for (int busy = 1; busy >= 0; busy--) {
		__u64 began;

		next_step();
		now += SECOND;
		p.tx_bytes += 100;
		p.rx_bytes += 100;
		next_step();
		now += busy ? SECOND : 5 * SECOND;
		began = now;
		tries(0);
		assert_int_equal(sends(60), ENDPOINT_BACK);
		assert_to("203.0.113.1");
		do_it();
		assert_int_equal((now - began) / SECOND, busy ? 3 : 11);
		now += ENDPOINT_WAIT_MS;
	}
}

/* During a trial of the better address: a changed order is no news; without it, the trial ends where it began */
static void names_change_in_a_trial(void **state)
{
	for (int gone = 0; gone < 2; gone++) {
		set_up(state);
		peer_is_at("203.0.113.1");
		candidates("2001:db8::1", "2001:db8::2", "203.0.113.1", NULL);
		next_step();
		tries(0);
		assert_int_equal(sends(1), ENDPOINT_STAY);
		if (gone)
			candidates("2001:db8::2", "203.0.113.1", NULL);
		else
			candidates("2001:db8::2", "2001:db8::1", "203.0.113.1", NULL);
		assert_int_equal(sends(gone ? 1 : 60), ENDPOINT_BACK);
		assert_to("203.0.113.1");
		if (gone) { /* that is no failure, so the address that came instead need not wait */
			do_it();
			tries(0);
		}
	}
}

/* Otherwise an address that carries nothing would be tried again at each answer of a rotating name server */
static void another_order_ends_no_waiting(void **state)
{
	peer_is_at("203.0.113.1");
	candidates("2001:db8::1", "2001:db8::2", "203.0.113.1", NULL);
	next_step();
	tries(0);
	assert_int_equal(sends(60), ENDPOINT_BACK);
	do_it();
	candidates("2001:db8::2", "2001:db8::1", "203.0.113.1", NULL);
	assert_false(endpoint_try(&e, &p, 0, now));
	candidates("2001:db8::2", "2001:db8::3", "203.0.113.1", NULL);
	assert_true(endpoint_try(&e, &p, 0, now));
}

/* The interface was created again: counters from 0 are no answer, and neither is a missing handshake */
static void counters_begin_again(void **state)
{
	peer_is_at("203.0.113.1");
	p.rx_bytes = 5000;
	candidates("2001:db8::1", "203.0.113.1", NULL);
	next_step();
	tries(0);
	p.rx_bytes = p.handshake = 0;
	assert_int_equal(sends(1), ENDPOINT_STAY);
	assert_int_equal(e.handshake_at, 0);
	p.rx_bytes = 92;
	assert_int_equal(sends(1), ENDPOINT_CONFIRMED);
}

static void who_keeps_sending_from_the_old_place_wins(void **state)
{
	peer_is_at("203.0.113.1");
	candidates("2001:db8::1", "203.0.113.1", NULL);
	next_step();
	assert_true(endpoint_try(&e, &p, 0, now));
	for (__u64 until = now + ENDPOINT_SETTLE_MS; now < until; now += 100) {
		to = e.candidates[0];
		to_port = PORT;
		do_it();
		p.rx_bytes += 1000;
		peer_is_at("203.0.113.1");
		assert_int_equal(next_step(), ENDPOINT_SET);
	}
	assert_int_equal(next_step(), ENDPOINT_STAY);
	assert_false(endpoint_try(&e, &p, 0, now));
}

static void a_moved_name_is_reported(void **state)
{
	peer_is_at("203.0.113.1");
	assert_false(candidates("203.0.113.1", "203.0.113.2", NULL));
	assert_false(candidates("203.0.113.2", "203.0.113.1", NULL));
	assert_true(candidates("203.0.113.2", NULL));
	assert_false(candidates("203.0.113.3", NULL));	/* reported once */
	peer_is_at("198.51.100.9");			/* it roamed */
	assert_false(candidates("203.0.113.4", NULL));
}

static void a_list_that_shrinks_in_a_trial_is_no_harm(void **state)
{
	peer_is_at("203.0.113.3");
	candidates("2001:db8::1", "203.0.113.1", "203.0.113.3", NULL);
	next_step();
	tries(1);
	candidates("2001:db8::2", NULL);
	for (int i = 0; i < 100; i++)
		sends(1);
	p.handshake = 0;
	candidates(NULL);
	assert_int_equal(sends(100), ENDPOINT_STAY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup(f, set_up)
		TEST(a_peer_without_endpoint_gets_the_first),
		TEST(an_idle_peer_is_left_alone),
		TEST(a_dead_one_is_left_after_135_seconds),
		TEST(all_are_tried_and_again),
		TEST(the_only_one_stays),
		TEST(one_that_answers_no_more_is_left_within_5_seconds),
		TEST(in_vain_all_around_it_is_more_patient),
		TEST(the_only_one_may_be_another_host_now),
		TEST(what_answers_is_alive_without_handshakes),
		TEST(a_better_one_is_tried_and_stays),
		TEST(one_that_does_not_carry_is_left_for_longer_each_time),
		TEST(a_busy_one_is_not_left_alone_for_long),
		TEST(names_change_in_a_trial),
		TEST(another_order_ends_no_waiting),
		TEST(counters_begin_again),
		TEST(who_keeps_sending_from_the_old_place_wins),
		TEST(a_moved_name_is_reported),
		TEST(a_list_that_shrinks_in_a_trial_is_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
