/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The daemon's part of standbys: a backend that does not answer is replaced by its standby, and
 * tried again later. The member standby of struct guard says which one serves, so that every
 * command and every later daemon keeps to it. daemon.c, standby_next.c and the unit tests include
 * it.
 *
 * Only what cannot be forged counts: initiations of clients that the backend answered within a
 * session's life. If there was no such client, no session can break, and any initiation with a
 * valid mac1 counts.
 */
#pragma once
#include <uv.h>
#include "plan/resolved_backends.h"
#include "config/config.h"
#include "plan/health.h"

/* Seconds for which a backend or standby serves before the other one may replace it. */
#define STANDBY_SETTLE 30
/* Seconds until the backend is tried again; doubled after each failure up to STANDBY_WAIT_MAX */
#define STANDBY_WAIT 60
#define STANDBY_WAIT_MAX 3600
#define STANDBY_TRIAL 10		/* length of a trial, in seconds */
#define STANDBY_TRIAL_UNANSWERED 3	/* number of unanswered initiations that ends a trial */
/* Seconds of a trial after which initiations of unknown clients count, too. */
#define STANDBY_TRIAL_LONGEST 60

/* State of a backend that has a standby. Times are in jiffies. */
struct standby_of {
	char service[NAME_LEN], backend[NAME_LEN];
	__u64 since;			/* time since which the present one of the two serves */
	__u64 wait;			/* seconds until the backend is tried again */
	bool trial;			/* the backend serves on trial: it has not answered yet */
};

/* Steps of standby_next(). STANDBY_TRY: try the backend again, if it can be reached. */
enum standby_step { STANDBY_STAY, STANDBY_SWITCH, STANDBY_TRY };

/* Returns the value of backend_is_down() at the time `now`, in jiffies. If the backend has answered
 * some of the clients, only these count. */
bool backend_is_surely_down(const struct guard *g, const struct health *h, __u64 now);
/* Returns the next step. on: the standby serves. */
enum standby_step standby_next(struct standby_of *b, const struct guard *g, const struct health *h,
			       bool on, __u64 now);
/* Records that the step was carried out. */
void standby_done(struct standby_of *b, enum standby_step step, __u64 now);

struct standby;
/* Makes the task. It calls switched() when another backend serves: the caller must apply the
 * configuration to the maps. Returns NULL if there is no memory. */
struct standby *standby_new(uv_loop_t *loop, const char *instance,
			    const struct resolved_backends *answers,
			    void (*switched)(void *data), void *data);
/* Follows the backends of c that have a standby. c must stay valid until the next call. */
void standby_reconfigure(struct standby *s, const struct config *c);
