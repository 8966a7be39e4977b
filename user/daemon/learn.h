/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The daemon's part in learn: where the peer of a WireGuard is that does not find it out by itself. The data path tells of initiations
 * (struct heard); one with a right mac1 that was never seen before gives an endpoint, which is kept only where WireGuard then has an
 * authenticated message from there.
 */
#pragma once
#include <uv.h>
#include "config/config_learn.h"

#define LEARN_WAIT_MS 300		/* for WireGuard to move by itself */
#define LEARN_ALIVE_MS 3000		/* since its last message: the peer is where it was */
#define LEARN_TRY_MS 3500		/* for an authenticated message, else it goes back; WireGuard asks again after 5 s only */
#define LEARN_REST_MS 5000		/* after one in vain, so that the peer is not kept away by one after the other */
#define LEARN_FAILURES 3		/* in a row: then nothing is learnt */
#define LEARN_REARM_MS 300000		/* for so long, or until somebody knocks */
#define KNOCK_MS 10000			/* between two knocks */

struct learn;

/* 0 or -errno */
int learn_new(uv_loop_t *loop, const char *instance, struct learn **ret);
/* Hears what the configuration says, or nothing. c is kept until the next call. */
void learn_renew(struct learn *l, const struct config *c);
