/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The daemon's part of endpoints: peers whose endpoint is a name with one or several addresses.
 * With PROOF_HANDSHAKE, WireGuard decides whether an address is good: only messages that it
 * authenticated count, which an attacker cannot forge. daemon.c, endpoint_next.c and the unit tests
 * include it.
 */
#pragma once
#include <uv.h>
#include "config/config_sections.h"
#include "net/wireguard.h"

/* Age of the last handshake in ms from which on an endpoint is dead, if packets are sent to it.
 * WireGuard makes a new handshake after 120 s. */
#define ENDPOINT_DEAD_MS 135000
/* Time for a candidate to answer, in ms. WireGuard repeats a handshake every 5 s. */
#define ENDPOINT_TRY_MS 11000
#define ENDPOINT_ASK_MS 2000	/* least time in ms if a handshake is requested at once */
/* Age of the former endpoint's last bytes, in ms, below which its traffic is steady. A better
 * candidate then gets only ENDPOINT_BUSY_TRY_MS to answer. */
#define ENDPOINT_BUSY_MS 1500
#define ENDPOINT_BUSY_TRY_MS 2500
/* Time in ms in which late packets may move WireGuard back to the former endpoint. */
#define ENDPOINT_SETTLE_MS 2000
/* Delay in ms before a better candidate that failed is tried again. Each failure doubles it, up to
 * ENDPOINT_WAIT_MAX_MS. */
#define ENDPOINT_WAIT_MS 300000
#define ENDPOINT_WAIT_MAX_MS 3600000

struct endpoint_of {	/* endpoints of one peer; all times are in ms of one clock */
	/* Addresses of the peer's host to choose from, the best first. */
	struct address *candidates;
	size_t n;
	__be16 port;
	/* ms without an answer after which the endpoint is dead; 0: ENDPOINT_DEAD_MS decides. */
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
	__u64 since;
	__u64 rx_before;		/* bytes received before the trial */
	struct address before;	/* endpoint to return to if the trial fails; family 0: it is dead */
	__be16 port_before;
	__u64 wait;			/* delay after the last failed trial; 0: no trial failed */
	__u64 not_before;	/* time from which on a better candidate may be tried again */
};

enum endpoint_step {
	ENDPOINT_STAY,
	ENDPOINT_SET,			/* set the returned endpoint, and send a packet there */
	ENDPOINT_CONFIRMED,		/* no action: the candidate has answered */
	/* As ENDPOINT_SET: the endpoint is the former one, because the candidate did not answer. */
	ENDPOINT_BACK,
	ENDPOINT_NEXT, /* as ENDPOINT_SET: the last candidate did not answer, so try the next one */
};

/* Returns what to do next. p: the peer as WireGuard reports it now. *ret and *ret_port: the
 * endpoint to set, for SET, BACK and NEXT. wall: the time of day in seconds, from which the age of
 * the peer's handshake follows when it is seen first. */
enum endpoint_step endpoint_next(struct endpoint_of *e, const struct wg_peer *p, __u64 now,
				 __u64 wall, struct address *ret, __be16 *ret_port);
/* Returns the index of the peer's endpoint among the candidates, or -1 if no candidate has this
 * address. */
int endpoint_number(const struct endpoint_of *e, const struct wg_peer *p);
/* Begins to try a candidate while the present endpoint works; without an answer endpoint_next()
 * returns to that one. True: the caller sets the candidate's endpoint now; false: not now. */
bool endpoint_try(struct endpoint_of *e, const struct wg_peer *p, size_t candidate, __u64 now);
/* Returns whether to send the other end something that it answers: it has not answered for a third
 * of `within`, or it is unknown whether it ever answers. */
bool endpoint_asks(const struct endpoint_of *e, __u64 now);
/* Records that the caller has set an endpoint: bytes received before are no answer from it. */
void endpoint_was_set(struct endpoint_of *e, const struct wg_peer *p);
/* Returns whether the candidates are exactly these addresses, in any order. */
bool endpoint_knows(const struct endpoint_of *e, const struct address *list, size_t n);
/* Replaces the candidates by the addresses that the name has now, and owns the list. Returns true
 * if the peer's endpoint was among the former candidates and is not among the new ones. */
bool endpoint_take(struct endpoint_of *e, const struct wg_peer *p, struct address *list, size_t n);

struct endpoints;
struct endpoints *endpoints_new(uv_loop_t *loop, const char *instance);
/* Maintains the endpoints that c configures; without any it does nothing. */
void endpoints_reconfigure(struct endpoints *s, const struct config *c);
/* Call this when the network has changed: failed lookups of names are retried soon. */
void endpoints_hope(struct endpoints *s);

/* ---- setting an endpoint, for learn too ---- */

/* Sets a peer's endpoint, and counts that for the instance's metrics. renew: also ends the session,
 * as wg_renew_peer() does, unless the peer has too many AllowedIPs for that. */
int endpoint_set(const char *instance, const char *interface, const struct wg_key *peer,
		 const struct address *address, __be16 port, bool renew);
/* Returns in words why a peer could not be read. rc: the negative errno; -ENOTUNIQ: the interface
 * has several peers, and the configuration names none of them. */
const char *endpoint_why(int rc);
