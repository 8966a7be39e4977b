/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The daemon's part in endpoints: peers whose endpoint is a name with one or several addresses. By handshake it is WireGuard
 * that says whether an address is good: only what it authenticated counts, and nobody else can send that.
 */
#pragma once
#include <uv.h>
#include "config/config_endpoints.h"
#include "net/wireguard.h"

#define ENDPOINT_DEAD_MS 135000		/* since the last handshake, while somebody sends: WireGuard makes a new one after 120 s */
#define ENDPOINT_TRY_MS 11000		/* for a candidate to answer: WireGuard asks every 5 s */
#define ENDPOINT_ASK_MS 2000		/* the least of that, where it is asked for a handshake at once */
#define ENDPOINT_BUSY_MS 1500		/* since the last bytes: then answers come one after the other, */
#define ENDPOINT_BUSY_TRY_MS 2500	/* and a better candidate that answers at all does so by then */
#define ENDPOINT_SETTLE_MS 2000		/* packets that are on the way still may move WireGuard back */
#define ENDPOINT_WAIT_MS 300000		/* before one that was better, and did not carry, is tried again; doubled each time, up to */
#define ENDPOINT_WAIT_MAX_MS 3600000

struct endpoint_of {			/* what is known of one; times in ms of one clock */
	struct address *candidates;	/* the better first */
	size_t n;
	__be16 port;
	__u64 within;			/* ms without an answer after which an address is dead; 0: ENDPOINT_DEAD_MS decides */

	bool answers;			/* who asks the other end gets an answer: then `within` holds */
	bool seen;			/* the counters below are as of the last look */
	__u64 rx, tx, handshake;
	__u64 handshake_at;		/* when that was */
	__u64 sent_at;			/* when somebody sent last; 0: nobody has since the beginning */
	__u64 unanswered_since;		/* when somebody sent first after the last answer; 0: nobody */
	__u64 rx_at;			/* when bytes came last; 0: none have since the beginning */
	__u64 set_at;			/* when it was set last, or seen first */
	unsigned int vain;		/* rounds of all candidates, in a row */

	bool trying;
	bool busy;			/* what was there before was answering when that began */
	size_t candidate;		/* which one is tried */
	size_t left;			/* others to be tried after it */
	__u64 since;			/* when that began, */
	__u64 rx_before;		/* and what had come by then */
	struct address before;		/* where to go back to; family 0: nowhere, what was there is dead */
	__be16 port_before;
	__u64 wait;			/* ms, of the last one in vain; 0: none was */
	__u64 not_before;		/* of the next trial of a better one */
};

enum endpoint_step {
	ENDPOINT_STAY,
	ENDPOINT_SET,			/* to what is returned beside it, and something is to be sent there */
	ENDPOINT_CONFIRMED,		/* what was tried has answered */
	ENDPOINT_BACK,			/* it has not: as SET, to what was before */
	ENDPOINT_NEXT,			/* as SET: the one before did not answer */
};

/* What is to be done, now that WireGuard says this of the peer; ret_port and ret are set for SET, BACK and NEXT. `wall` is the time of day
 * in seconds, for the handshake that WireGuard tells first. */
enum endpoint_step endpoint_next(struct endpoint_of *e, const struct wg_peer *p, __u64 now, __u64 wall, struct address *ret, __be16 *ret_port);
/* The number of the endpoint that the peer has now; -1: none of the candidates */
int endpoint_number(const struct endpoint_of *e, const struct wg_peer *p);
/* Begins with a candidate while what is there works: it comes back unless that one answers. Then as SET. False: not now. */
bool endpoint_try(struct endpoint_of *e, const struct wg_peer *p, size_t candidate, __u64 now);
/* Nothing has come for a part of `within`, or it is not known yet whether answers come: something is to be asked that the other end answers */
bool endpoint_asks(const struct endpoint_of *e, __u64 now);
/* After it was set: what came before does not count */
void endpoint_was_set(struct endpoint_of *e, const struct wg_peer *p);
/* Whether these are the addresses that the name has, in whatever order */
bool endpoint_knows(const struct endpoint_of *e, const struct address *list, size_t n);
/* The name has other addresses now; the list is taken over. True: what the peer has was one of them, and is none any more. */
bool endpoint_take(struct endpoint_of *e, const struct wg_peer *p, struct address *list, size_t n);

struct endpoints;
/* 0 or -errno */
int endpoints_new(uv_loop_t *loop, const char *instance, struct endpoints **ret);
/* Where none is configured it sleeps */
void endpoints_renew(struct endpoints *s, const struct config *c);
/* The network has changed: what failed is tried again soon */
void endpoints_hope(struct endpoints *s);
