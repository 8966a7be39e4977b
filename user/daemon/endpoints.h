/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The daemon's part of endpoints: peers whose endpoint is a name with one or several addresses.
 * With PROOF_HANDSHAKE, WireGuard decides whether an address is good: only messages that it
 * authenticated count, which an attacker cannot forge. daemon.c, endpoint_next.c and the unit tests
 * include it.
 */
#pragma once
#include <uv.h>
#include "config/config_endpoints.h"
#include "net/wireguard.h"

/* Age of the last handshake, in ms, from which on an endpoint is dead if packets are sent.
 * WireGuard makes a new handshake after 120 s. */
#define ENDPOINT_DEAD_MS 135000
/* Time for a candidate to answer, in ms. WireGuard repeats a handshake every 5 s. */
#define ENDPOINT_TRY_MS 11000
#define ENDPOINT_ASK_MS 2000	/* minimum of that time, if a handshake is requested at once */
/* Age of the former endpoint's last bytes, in ms, below which its traffic is steady. A better
 * candidate then gets only ENDPOINT_BUSY_TRY_MS to answer. */
#define ENDPOINT_BUSY_MS 1500
#define ENDPOINT_BUSY_TRY_MS 2500
/* Time in ms during which late packets may move WireGuard back to the former endpoint. */
#define ENDPOINT_SETTLE_MS 2000
/* Time in ms until a better candidate that failed is tried again. It doubles with each failure, up
 * to the maximum. */
#define ENDPOINT_WAIT_MS 300000
#define ENDPOINT_WAIT_MAX_MS 3600000

struct endpoint_of {	/* state of the endpoints of one peer; all times are in ms of one clock */
	/* Addresses of the peer's host to choose from, the best first. */
	struct address *candidates;
	size_t n;
	__be16 port;
	/* Time without an answer after which the endpoint is dead; 0: the handshake decides. */
	__u64 within;

	bool answers;			/* the other end answers pings, so `within` applies */
	bool seen;		/* the members below are set: the counters have been read once */
	__u64 rx, tx, handshake;
	__u64 handshake_at;		/* time of the last handshake */
	__u64 sent_at;			/* time at which packets were last sent; 0: not yet */
	/* Time of the first packet sent after the last answer; 0: all are answered. */
	__u64 unanswered_since;
	__u64 rx_at;			/* time at which bytes were last received; 0: not yet */
	__u64 set_at;			/* time at which the endpoint was last set, or first seen */
	unsigned int vain;	/* number of consecutive rounds in which all candidates failed */

	bool trying;
	bool busy;		/* the former endpoint still answered when the trial began */
	size_t candidate;		/* index of the candidate on trial */
	size_t left;			/* number of candidates to try after this one */
	__u64 since;			/* time at which the trial began */
	__u64 rx_before;		/* bytes received before the trial */
	struct address before;	/* endpoint to restore if the trial fails; family 0: it is dead */
	__be16 port_before;
	__u64 wait;			/* delay after the last failed trial; 0: no trial failed */
	__u64 not_before;	/* time from which on a better candidate may be tried again */
};

enum endpoint_step {
	ENDPOINT_STAY,
	ENDPOINT_SET,			/* set the returned endpoint, and send a packet there */
	ENDPOINT_CONFIRMED,		/* no action: the candidate has answered */
	/* As ENDPOINT_SET: the candidate did not answer, so restore the former endpoint. */
	ENDPOINT_BACK,
	ENDPOINT_NEXT, /* as ENDPOINT_SET: the last candidate did not answer, so try the next one */
};

/* Returns the next step, now that WireGuard reports p. *ret and *ret_port are set for SET, BACK and
 * NEXT. wall: the time of day in seconds, to compute the age of the first handshake that is
 * seen. */
enum endpoint_step endpoint_next(struct endpoint_of *e, const struct wg_peer *p, __u64 now,
				 __u64 wall, struct address *ret, __be16 *ret_port);
/* Returns the index of the peer's endpoint among the candidates, or -1 if no candidate has this
 * address. */
int endpoint_number(const struct endpoint_of *e, const struct wg_peer *p);
/* Begins to try a candidate while the present endpoint works: without an answer it goes back. True:
 * the caller does as for SET; false: not now. */
bool endpoint_try(struct endpoint_of *e, const struct wg_peer *p, size_t candidate, __u64 now);
/* Returns whether to ask the other end for an answer: for a third of `within` there was none, or it
 * is unknown whether it answers. */
bool endpoint_asks(const struct endpoint_of *e, __u64 now);
/* Records that an endpoint was set. Bytes that were received before do not count as its answer. */
void endpoint_was_set(struct endpoint_of *e, const struct wg_peer *p);
/* Returns whether the name has exactly these addresses, in any order. */
bool endpoint_knows(const struct endpoint_of *e, const struct address *list, size_t n);
/* Takes the name's new addresses, and owns the list. Returns true if the peer's endpoint was among
 * the former addresses and is not among the new ones. */
bool endpoint_take(struct endpoint_of *e, const struct wg_peer *p, struct address *list, size_t n);

struct endpoints;
/* Returns NULL if there is no memory. */
struct endpoints *endpoints_new(uv_loop_t *loop, const char *instance);
/* Follows the endpoints in the configuration. Without any it does nothing. */
void endpoints_reconfigure(struct endpoints *s, const struct config *c);
/* Reports that the network has changed: failed lookups are retried soon. */
void endpoints_hope(struct endpoints *s);
