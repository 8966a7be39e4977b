/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * standby: decides when to change between a backend and its standby.
 */
#include "daemon/standby.h"
#include "lib/timer.h"

/* Returns whether a trial failed. While clients may have sessions, only initiations of clients that
 * were answered before count, for at most STANDBY_TRIAL_LONGEST seconds. */
static bool trial_has_failed(const struct health *h, __u64 served, __u64 now)
{
	bool known = backend_may_have_session(h, now) && served < STANDBY_TRIAL_LONGEST;

	return served >= STANDBY_TRIAL && STANDBY_TRIAL_UNANSWERED <=
	       (known ? h->known_unanswered : h->unanswered);
}

enum standby_step standby_next(struct standby_of *b, const struct guard *g, const struct health *h,
			       bool on, __u64 now)
{
	__u64 served = b->since < now ? (now - b->since) / jiffies_a_second() : 0;

	if (b->unwritten)
		return STANDBY_STAY;
	if (b->trial && h->answered > b->since + STANDBY_GAP * jiffies_a_second()) {
		b->trial = false;
		b->wait = STANDBY_WAIT;
	}
	if (b->trial)
		return trial_has_failed(h, served, now) ? STANDBY_SWITCH : STANDBY_STAY;
	if (backend_is_surely_down(g, h, now))
		return served >= STANDBY_SETTLE ? STANDBY_SWITCH : STANDBY_STAY;
	return on && served >= b->wait ? STANDBY_TRY : STANDBY_STAY;
}

void standby_done(struct standby_of *b, enum standby_step step, __u64 now)
{
	if (b->trial)			/* this step ends a trial that failed */
		b->wait = next_wait(b->wait, STANDBY_WAIT, STANDBY_WAIT_MAX);
	b->trial = step == STANDBY_TRY;
	b->unwritten = true;
	b->since = now;
}

void standby_written(struct standby_of *b, __u64 now)
{
	if (b->unwritten)
		b->since = now;
	b->unwritten = false;
}
