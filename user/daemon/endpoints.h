/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The daemon's part of endpoints: peers whose endpoint is a name with one or several addresses.
 * With PROOF_HANDSHAKE, WireGuard decides whether an address is good: only messages that it
 * authenticated count, which cannot be forged. daemon.c, endpoint_next.c and the unit tests include
 * it.
 */
#pragma once
#include <uv.h>
#include "config/config_endpoints.h"
#include "net/wireguard.h"

/* An endpoint is dead if packets are sent, and the last handshake is this old: WireGuard makes a
 * new one after 120 s */
#define ENDPOINT_DEAD_MS 135000
/* Time for a candidate to answer: WireGuard repeats a handshake every 5 s */
#define ENDPOINT_TRY_MS 11000
#define ENDPOINT_ASK_MS 2000		/* minimum of it, if a handshake is requested at once */
/* If the former endpoint sent bytes within this time, traffic is steady: then a better candidate
 * gets only ENDPOINT_BUSY_TRY_MS to answer */
#define ENDPOINT_BUSY_MS 1500
#define ENDPOINT_BUSY_TRY_MS 2500
#define ENDPOINT_SETTLE_MS 2000		/* for this time, late packets may move WireGuard back */
/* Time until a better candidate that failed is tried again; doubled up to the maximum */
#define ENDPOINT_WAIT_MS 300000
#define ENDPOINT_WAIT_MAX_MS 3600000

struct endpoint_of {			/* the state of one peer; times in ms of one clock */
	struct address *candidates;	/* the best first */
	size_t n;
	__be16 port;
	__u64 within;			/* ms without an answer until it is dead; 0: by handshake */

	bool answers;			/* the other end answers pings: then `within` holds */
	bool seen;			/* the counters below have been read once */
	__u64 rx, tx, handshake;
	__u64 handshake_at;		/* time of that handshake */
	__u64 sent_at;			/* when packets were last sent; 0: not yet */
	__u64 unanswered_since;		/* first packet sent after the last answer; 0: none */
	__u64 rx_at;			/* when bytes last came; 0: not yet */
	__u64 set_at;			/* when it was last set, or seen first */
	unsigned int vain;		/* rounds of all candidates that failed, in a row */

	bool trying;
	bool busy;			/* the former endpoint still answered when it began */
	size_t candidate;		/* index of the one that is tried */
	size_t left;			/* candidates still to try after it */
	__u64 since;			/* when the trial began */
	__u64 rx_before;		/* bytes received until then */
	struct address before;		/* the endpoint to go back to; family 0: it is dead */
	__be16 port_before;
	__u64 wait;			/* ms, after the last failed trial; 0: none failed */
	__u64 not_before;		/* when a better candidate may be tried again */
};

enum endpoint_step {
	ENDPOINT_STAY,
	ENDPOINT_SET,			/* set the returned endpoint, and send a packet there */
	ENDPOINT_CONFIRMED,		/* the candidate has answered */
	ENDPOINT_BACK, /* like SET: the candidate did not answer; restore the former endpoint */
	ENDPOINT_NEXT, /* like SET: the last candidate did not answer; try the next one */
};

/* Decides what to do, now that WireGuard reports p. *ret and *ret_port are set for SET, BACK and
 * NEXT. wall is the time of day in seconds, as that of the first handshake that is seen. */
enum endpoint_step endpoint_next(struct endpoint_of *e, const struct wg_peer *p, __u64 now,
				 __u64 wall, struct address *ret, __be16 *ret_port);
/* Returns the index of the peer's endpoint among the candidates; -1: none of them */
int endpoint_number(const struct endpoint_of *e, const struct wg_peer *p);
/* Begins to try a candidate while the present endpoint works: without an answer it goes back. True:
 * the caller does as for SET; false: not now. */
bool endpoint_try(struct endpoint_of *e, const struct wg_peer *p, size_t candidate, __u64 now);
/* Returns whether to ask the other end for an answer: none came for a third of `within`, or it is
 * unknown whether it answers */
bool endpoint_asks(const struct endpoint_of *e, __u64 now);
/* After an endpoint was set: bytes that came before do not count */
void endpoint_was_set(struct endpoint_of *e, const struct wg_peer *p);
/* Returns whether the name has these addresses, in any order */
bool endpoint_knows(const struct endpoint_of *e, const struct address *list, size_t n);
/* Takes the name's new addresses, and owns the list. Returns true if the peer's endpoint was one of
 * them and no longer is. */
bool endpoint_take(struct endpoint_of *e, const struct wg_peer *p, struct address *list, size_t n);

struct endpoints;
/* NULL: no memory */
struct endpoints *endpoints_new(uv_loop_t *loop, const char *instance);
/* Follows the configured endpoints; without any it does nothing */
void endpoints_reconfigure(struct endpoints *s, const struct config *c);
/* The network has changed: retry failed lookups soon */
void endpoints_hope(struct endpoints *s);
