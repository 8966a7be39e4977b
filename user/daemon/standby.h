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
#include "plan/health.h"

/* Seconds that a backend or its standby serves at least, before the other one may replace it. */
#define STANDBY_SETTLE 30
/* Seconds until the backend is tried again; each failure doubles it, up to STANDBY_WAIT_MAX. */
#define STANDBY_WAIT 60
#define STANDBY_WAIT_MAX 3600
#define STANDBY_TRIAL 10		/* least length of a trial, in seconds */
#define STANDBY_TRIAL_UNANSWERED 3	/* number of unanswered initiations that ends a trial */
/* Seconds at the beginning of a trial in which an answer does not end the trial, because it may
 * still be one of the standby. */
#define STANDBY_GAP 1
/* Seconds of a trial after which initiations of clients that no answer ever reached count too. */
#define STANDBY_TRIAL_LONGEST 60

/* State of a backend that has a standby. Times are in jiffies. */
struct standby_of {
	char service[NAME_LEN], backend[NAME_LEN];
	__u64 since;			/* time since which the backend, or its standby, serves */
	__u64 wait;			/* seconds until the backend is tried again */
	bool trial;			/* the backend serves on trial: it has not answered yet */
	bool unwritten;	/* the table does not have the last step: the other one still serves */
};

/* SWITCH: the inactive one of the two must serve. TRY: the backend must serve on trial. */
enum standby_step { STANDBY_STAY, STANDBY_SWITCH, STANDBY_TRY };

/* Returns the next step at the time `now`, in jiffies. on: the standby serves. */
enum standby_step standby_next(struct standby_of *b, const struct guard *g, const struct health *h,
			       bool on, __u64 now);
/* Updates *b after the caller has decided for the step. */
void standby_done(struct standby_of *b, enum standby_step step, __u64 now);
/* Updates *b after the table was written, so that the last step is carried out. */
void standby_written(struct standby_of *b, __u64 now);

struct standby;
/* Makes the task. It calls switched() when the standby has replaced the backend or the reverse; the
 * caller must then apply the configuration. */
struct standby *standby_new(uv_loop_t *loop, const char *instance,
			    const struct resolved_backends *answers,
			    void (*switched)(void *data), void *data);
/* Must be called after each pass that has applied the configuration. */
void standby_applied(struct standby *s);
/* Watches the backends of c that have a standby. c must stay valid until the next call. */
void standby_reconfigure(struct standby *s, const struct config *c);
