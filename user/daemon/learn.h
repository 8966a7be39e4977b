/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The daemon's part of learn: finds the peer of a WireGuard that does not find it by itself. The
 * data path reports initiations (struct heard). One with a valid mac1 that was never seen before
 * gives an endpoint to try. It is kept only if WireGuard then has an authenticated message from
 * there. daemon.c includes it.
 */
#pragma once
#include <uv.h>
#include "config/config_learn.h"

#define LEARN_WAIT_MS 300		/* for WireGuard to move by itself */
#define LEARN_ALIVE_MS 3000		/* since its last message: the peer has not moved */
/* for an authenticated message; WireGuard repeats its handshake only after 5 s */
#define LEARN_TRY_MS 3500
#define LEARN_REST_MS 5000		/* after a failure: forgeries shall not keep it away */
#define LEARN_FAILURES 3		/* in a row: then nothing is learnt */
#define LEARN_REARM_MS 300000		/* for so long, or until a knock */
#define KNOCK_MS 10000			/* between two knocks */

struct learn;

struct learn *learn_new(uv_loop_t *loop, const char *instance);	/* NULL: no memory */
/* Listens for what the configuration says. c is kept until the next call. */
void learn_renew(struct learn *l, const struct config *c);
