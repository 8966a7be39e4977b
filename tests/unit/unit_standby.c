/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A standby serves when its backend is down, and the backend is tried again, at the right times and not by forgery
 * (user/daemon/standby.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "lib/jiffies.h"
#include "daemon/standby.h"

static const struct guard guard = { .flags = GUARD_ON, .health_initiations = 20, .health_sources = 3 };
static __u64 began, now;
static struct standby_of b;
static bool on;

static int set_up(void **state)
{
	began = now = 1000000ULL * jiffies_a_second();
	b = (struct standby_of){ .wait = STANDBY_WAIT };
	on = false;
	return 0;
}

static void later(__u64 seconds)
{
	now += seconds * jiffies_a_second();
}

static enum standby_step next(const struct health *h)
{
	return standby_next(&b, &guard, h, on, now);
}

static void does(enum standby_step step)
{
	standby_done(&b, step, now);
	on = !on;
	standby_written(&b, now);
}

static void down(void **state)
{
	const struct guard none = { .flags = GUARD_ON };
	struct health h = { .unanswered = 19, .sources = 3 };

	assert_false(backend_is_down(&guard, &h));
	h.unanswered = 20;
	assert_true(backend_is_down(&guard, &h));
	h.sources = 2;
	assert_false(backend_is_down(&guard, &h));
	h.sources = 3;
	assert_true(backend_is_down(&guard, &h));
	assert_false(backend_is_down(&none, &h));
	assert_false(backend_is_surely_down(&none, &h, now));
}

/* Strangers' initiations have no effect while there may be a session */
static void forged(void **state)
{
	struct health h = { .unanswered = 1000000, .sources = HEALTH_SOURCES, .answered = now };

	for (int i = 0; i < SESSION_SECONDS; i++, later(1))
		assert_int_equal(next(&h), STANDBY_STAY);
	assert_int_equal(next(&h), STANDBY_SWITCH);
	h.answered = now;
	h.known_unanswered = 19, h.known_sources = 3;
	assert_int_equal(next(&h), STANDBY_STAY);
	h.known_unanswered = 20;
	assert_int_equal(next(&h), STANDBY_SWITCH);
	h.known_sources = 2;
	assert_int_equal(next(&h), STANDBY_STAY);
}

static void goes_and_comes(void **state)
{
	struct health dead = { .unanswered = 20, .sources = 3 }, well = { 0 };

	assert_int_equal(next(&dead), STANDBY_SWITCH);
	does(STANDBY_SWITCH);
	well.answered = now + 1;
	later(STANDBY_WAIT - 1);
	assert_int_equal(next(&well), STANDBY_STAY);
	later(1);
	assert_int_equal(next(&well), STANDBY_TRY);
	assert_int_equal(next(&well), STANDBY_TRY);	/* until it answers */
	does(STANDBY_TRY);
	assert_true(b.trial);
	well.answered = now + 1;			/* by the standby, which served until the table was written */
	assert_int_equal(next(&well), STANDBY_STAY);
	assert_true(b.trial);
	later(2);
	well.answered = now;
	assert_int_equal(next(&well), STANDBY_STAY);
	assert_false(b.trial);
	later(100000);
	assert_int_equal(next(&well), STANDBY_STAY);
}

/* A busy daemon writes the table seconds later. Until then the standby answers */
static void written_late(void **state)
{
	struct health dead = { .unanswered = 20, .sources = 3 }, well = { 0 };

	assert_int_equal(next(&dead), STANDBY_SWITCH);
	does(STANDBY_SWITCH);
	later(STANDBY_WAIT);
	well.answered = now;
	assert_int_equal(next(&well), STANDBY_TRY);
	standby_done(&b, STANDBY_TRY, now);
	on = false;
	for (int i = 0; i < STANDBY_TRIAL; i++) {
		later(1);
		well.answered = now;
		well.known_unanswered = 1000;
		assert_int_equal(next(&well), STANDBY_STAY);
		assert_true(b.trial);
	}
	standby_written(&b, now);
	later(STANDBY_TRIAL - 1);
	assert_int_equal(next(&well), STANDBY_STAY);
	assert_true(b.trial);
	later(1);
	assert_int_equal(next(&well), STANDBY_SWITCH);
}

/* Each failed trial doubles the time to the next one */
static void in_vain(void **state)
{
	struct health dead = { .unanswered = 20, .sources = 3 }, well = { 0 };
	__u64 wait = STANDBY_WAIT;

	assert_int_equal(next(&dead), STANDBY_SWITCH);
	does(STANDBY_SWITCH);
	for (int i = 0; i < 10; i++) {
		well = (struct health){ .answered = now + 1 };
		later(wait - 1);
		assert_int_equal(next(&well), STANDBY_STAY);
		later(1);
		assert_int_equal(next(&well), STANDBY_TRY);
		does(STANDBY_TRY);
		/* strangers' initiations count while there is no session, and at last */
		well.unanswered = wait < SESSION_SECONDS ? 1000000 : 3;
		well.known_unanswered = 2;
		later(STANDBY_TRIAL);
		assert_int_equal(next(&well), wait < SESSION_SECONDS ? STANDBY_STAY : STANDBY_SWITCH);
		if (i % 2) {
			later(STANDBY_TRIAL_LONGEST - STANDBY_TRIAL - 1);
			assert_int_equal(next(&well), wait < SESSION_SECONDS ? STANDBY_STAY : STANDBY_SWITCH);
			later(1);
		} else {
			well.known_unanswered = 3;
		}
		assert_int_equal(next(&well), STANDBY_SWITCH);
		does(STANDBY_SWITCH);
		wait = wait * 2 < STANDBY_WAIT_MAX ? wait * 2 : STANDBY_WAIT_MAX;
		assert_int_equal(b.wait, wait);
	}
	assert_int_equal(wait, STANDBY_WAIT_MAX);
}

/* If no backend answers, they take turns */
static void both_dead(void **state)
{
	struct health dead = { .unanswered = 20, .sources = 3 };

	for (int i = 0; i < 5; i++) {
		assert_int_equal(next(&dead), STANDBY_SWITCH);
		does(STANDBY_SWITCH);
		dead.unanswered += 10;
		later(STANDBY_SETTLE - 1);
		assert_int_equal(next(&dead), STANDBY_STAY);
		later(1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(down, set_up), cmocka_unit_test_setup(forged, set_up), cmocka_unit_test_setup(goes_and_comes, set_up),
		cmocka_unit_test_setup(in_vain, set_up), cmocka_unit_test_setup(both_dead, set_up),
		cmocka_unit_test_setup(written_late, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
