/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The daemon's part in standbys: a backend that answers nobody is replaced by its standby, and tried again later. Which of them
 * serves is in struct guard .standby, so that every command, and a daemon that begins, keeps to it.
 *
 * What counts is what nobody can forge: initiations of clients that the backend has answered within a session's life, and only
 * where there was no such client any initiation with a right mac1: then there is no session that could break.
 */
#pragma once
#include <uv.h>
#include "plan/answers.h"
#include "config/config.h"
#include "plan/health.h"

#define STANDBY_SETTLE 30		/* seconds for the one that begins to serve, before the other one does again */
#define STANDBY_WAIT 60			/* seconds after which the backend is tried again; doubled each time it was in vain, up to */
#define STANDBY_WAIT_MAX 3600
#define STANDBY_TRIAL 10		/* seconds of a trial */
#define STANDBY_TRIAL_UNANSWERED 3	/* and initiations that end it */

/* Of one backend that has one; times in jiffies */
struct standby_of {
	char service[NAME_LEN], backend[NAME_LEN];
	__u64 since;			/* when the one that serves began to */
	__u64 wait;			/* in seconds, before the backend is tried again */
	bool trial;			/* the backend serves, and has not answered yet */
};

enum standby_step { STANDBY_STAY, STANDBY_SWITCH, STANDBY_TRY };	/* the last one: where it can be reached */

/* As backend_is_down(), as of `now` in jiffies: where clients that it has answered are there, only they count */
bool backend_is_surely_down(const struct guard *g, const struct health *h, __u64 now);
/* What is to be done; on: the standby serves */
enum standby_step standby_next(struct standby_of *b, const struct guard *g, const struct health *h, bool on, __u64 now);
/* Writes down that it is done */
void standby_done(struct standby_of *b, enum standby_step step, __u64 now);

struct standby;
/* `switched` is called where another one is to serve, and the configuration is to be brought to the maps. 0 or -errno, told. */
int standby_new(uv_loop_t *loop, const char *instance, const struct answers *answers, void (*switched)(void *data), void *data,
		struct standby **ret);
/* While no backend of c has a standby it sleeps. c is kept until the next call. */
void standby_renew(struct standby *s, const struct config *c);
