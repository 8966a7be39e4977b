/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The daemon's part of learn: finds the new endpoint of a peer, if WireGuard does not find it by
 * itself. The data path reports initiations (struct notification). An initiation with a valid mac1
 * that was never seen before gives an endpoint to try. The endpoint is kept only if WireGuard then
 * gets an authenticated message from there. daemon.c includes it.
 */
#pragma once
#include <uv.h>
#include "config/config_learn.h"

#define LEARN_WAIT_MS 300	/* time in ms that WireGuard gets to move the endpoint by itself */
#define LEARN_ALIVE_MS 3000	/* a peer that was heard within this time in ms has not moved */
/* Time in ms to wait for an authenticated message from a tried endpoint. WireGuard repeats its
 * handshake only after 5 s. */
#define LEARN_TRY_MS 3500
/* Pause in ms after a failed trial: forged packets cannot start trials one after the other. */
#define LEARN_REST_MS 5000
#define LEARN_FAILURES 3	/* number of consecutive failures after which learning pauses */
#define LEARN_REARM_MS 300000		/* length of that pause in ms, unless a knock ends it */
#define KNOCK_MS 10000			/* minimum time between two knocks, in ms */

struct learn;

struct learn *learn_new(uv_loop_t *loop, const char *instance);
/* Learns the endpoints that c configures. c must stay valid until the next call. */
void learn_reconfigure(struct learn *l, const struct config *c);
/* Ends all trials: their peers get their former endpoints back. l: may be NULL. */
void learn_end(struct learn *l);
