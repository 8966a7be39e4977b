/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * endpoints: decides when a peer's address is dead, and which address is tried next. WireGuard
 * moves to the source of the last authenticated message, so an endpoint from which bytes came since
 * it was set is good.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "daemon/endpoints.h"
#include "instance/run_counters.h"
#include "lib/timer.h"

/* Time in ms without sent packets after which the host counts as no longer sending. */
#define SENDS_MS 15000

int endpoint_number(const struct endpoint_of *e, const struct wg_peer *p)
{
	size_t i = p->endpoint_port != e->port ? e->n :
		   address_find(e->candidates, e->n, &p->endpoint);

	return i < e->n ? (int)i : -1;
}

static void note_counters(struct endpoint_of *e, const struct wg_peer *p, __u64 now, __u64 wall)
{
	__u64 age = wall > p->handshake ? (wall - p->handshake) * 1000 : 0;

	if (!e->seen)
		e->handshake_at = p->handshake && age < now ? now - age : 0;
	else if (p->handshake != e->handshake)
		/* WireGuard reports no handshake (0) if the peer was removed and added again. */
		e->handshake_at = p->handshake ? now : 0;
	if (e->seen && p->tx_bytes != e->tx) {
		e->sent_at = now;
		e->unanswered_since = e->unanswered_since ?: now;
	}
	if (e->seen && p->rx_bytes != e->rx)
		e->rx_at = now;
	if (!e->seen || p->rx_bytes != e->rx)
		e->unanswered_since = 0;
	if (!e->seen)
		e->set_at = now;
	e->seen = true;
	e->rx = p->rx_bytes;
	e->tx = p->tx_bytes;
	e->handshake = p->handshake;
}

static enum endpoint_step try_candidate(struct endpoint_of *e, const struct wg_peer *p,
					enum endpoint_step step, __u64 now, struct address *ret,
					__be16 *ret_port)
{
	e->trying = true;
	e->since = e->set_at = now;
	e->rx_before = p->rx_bytes;
	*ret = e->candidates[e->candidate];
	*ret_port = e->port;
	return step;
}

static enum endpoint_step restore_endpoint(struct endpoint_of *e, __u64 now, struct address *ret,
					   __be16 *ret_port)
{
	e->trying = false;
	e->wait = next_wait(e->wait, ENDPOINT_WAIT_MS, ENDPOINT_WAIT_MAX_MS);
	e->not_before = now + e->wait;
	*ret = e->before;
	*ret_port = e->port_before;
	return ENDPOINT_BACK;
}

/* Returns the time that a candidate gets to answer, in ms. It is short with `within`, which
 * requests a handshake at once, but not after all failed: then the network itself is probably
 * down. */
static __u64 time_to_answer(const struct endpoint_of *e)
{
	__u64 ms = e->within > ENDPOINT_ASK_MS ? e->within : ENDPOINT_ASK_MS;

	if (e->before.family)
		return e->busy ? ENDPOINT_BUSY_TRY_MS : ENDPOINT_TRY_MS;
	return !e->within || e->vain || ms > ENDPOINT_TRY_MS ? ENDPOINT_TRY_MS : ms;
}

static enum endpoint_step check_trial(struct endpoint_of *e, const struct wg_peer *p, __u64 now,
				      struct address *ret, __be16 *ret_port)
{
	bool there = e->candidate < e->n &&
		     wg_has_endpoint(p, &e->candidates[e->candidate], e->port);

	if (p->rx_bytes < e->rx_before)	/* the counter restarts if the peer was added again */
		e->rx_before = p->rx_bytes;
	if (there && p->rx_bytes > e->rx_before) {
		e->trying = false;
		e->wait = e->vain = 0;
		e->set_at = now;
		return ENDPOINT_CONFIRMED;
	}
	/* The name no longer has the candidate's address, so its present address need not wait. */
	if (e->candidate >= e->n && e->before.family) {
		restore_endpoint(e, now, ret, ret_port);
		e->wait = e->not_before = 0;
		return ENDPOINT_BACK;
	}
	if (!there && e->before.family && now - e->since < ENDPOINT_SETTLE_MS) {
		/* A late packet moved WireGuard back to the former endpoint. */
		*ret = e->candidates[e->candidate];
		*ret_port = e->port;
		e->rx_before = p->rx_bytes;
		return ENDPOINT_SET;
	}
	/* An authenticated message from elsewhere, or an admin, has changed the endpoint. */
	if (!there) {
		if (e->before.family)
			restore_endpoint(e, now, ret, ret_port);
		e->trying = false;
		return ENDPOINT_STAY;
	}
	if (now - e->since < time_to_answer(e))
		return ENDPOINT_STAY;
	if (!e->left)
		e->vain++;
	if (!e->left)
		return e->before.family ? restore_endpoint(e, now, ret, ret_port) :
		       (e->trying = false, ENDPOINT_STAY);
	e->left--;
	e->candidate = (e->candidate + 1) % e->n;
	return try_candidate(e, p, ENDPOINT_NEXT, now, ret, ret_port);
}

static __u64 heard_at(const struct endpoint_of *e)
{
	return e->rx_at > e->set_at ? e->rx_at : e->set_at;
}

bool endpoint_asks(const struct endpoint_of *e, __u64 now)
{
	return e->within && !e->trying && e->seen &&
	       (!e->answers || now - heard_at(e) >= e->within / 3);
}

/* Returns whether the endpoint is dead: packets are sent, none are received, and WireGuard had more
 * time than it needs. */
static bool is_dead(const struct endpoint_of *e, __u64 now)
{
	if (e->within && e->answers && e->unanswered_since && now - heard_at(e) >= e->within)
		return true;
	if (!e->unanswered_since || now - e->unanswered_since < ENDPOINT_TRY_MS ||
	    now - e->sent_at > SENDS_MS)
		return false;
	return !e->handshake_at || now - e->handshake_at >= ENDPOINT_DEAD_MS;
}

enum endpoint_step endpoint_next(struct endpoint_of *e, const struct wg_peer *p, __u64 now,
				 __u64 wall, struct address *ret, __be16 *ret_port)
{
	int number;

	note_counters(e, p, now, wall);
	if (e->trying)
		return check_trial(e, p, now, ret, ret_port);
	if (!e->n || (p->endpoint.family && !is_dead(e, now)))
		return ENDPOINT_STAY;
	number = endpoint_number(e, p);
	if (e->n == 1 && !number && !e->within)
		/* Stay, because there is no other candidate. With `within` the only one is tried
		 * again: another host may have its address now, and does not know our session. */
		return ENDPOINT_STAY;
	e->before = (struct address){ .family = 0 };
	/* Index of the best candidate that is not the present endpoint. */
	e->candidate = !number && e->n > 1 ? 1 : 0;
	e->left = e->n - 1;
	e->unanswered_since = 0;
	return try_candidate(e, p, ENDPOINT_SET, now, ret, ret_port);
}

void endpoint_was_set(struct endpoint_of *e, const struct wg_peer *p)
{
	e->rx_before = p->rx_bytes;
}

bool endpoint_try(struct endpoint_of *e, const struct wg_peer *p, size_t candidate, __u64 now)
{
	if (e->trying || now < e->not_before || candidate >= e->n || !p->endpoint.family ||
	    wg_has_endpoint(p, &e->candidates[candidate], e->port))
		return false;
	e->before = p->endpoint;
	e->port_before = p->endpoint_port;
	e->candidate = candidate;
	e->left = 0;
	e->trying = true;
	e->busy = e->rx_at && now - e->rx_at <= ENDPOINT_BUSY_MS;
	e->since = now;
	e->rx_before = p->rx_bytes;
	return true;
}

bool endpoint_knows(const struct endpoint_of *e, const struct address *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (address_find(e->candidates, e->n, &list[i]) == e->n)
			return false;
	return n == e->n;
}

bool endpoint_take(struct endpoint_of *e, const struct wg_peer *p, struct address *list, size_t n)
{
	bool had = endpoint_number(e, p) >= 0;
	size_t tried;

	if (endpoint_knows(e, list, n)) { /* same set: name servers vary the order */
		free(list);
		return false;
	}
	tried = e->candidate < e->n ? address_find(list, n, &e->candidates[e->candidate]) : n;
	free(e->candidates);
	e->candidates = list;
	e->n = n;
	e->wait = e->not_before = 0; /* a new address may belong to another host, so do not wait */
	if (e->trying && !e->before.family)
		e->trying = false;		/* endpoint_next() begins a new trial */
	else if (e->trying)
		/* e->n if the new list lacks the candidate: check_trial() then ends the trial. */
		e->candidate = tried;
	return had && endpoint_number(e, p) < 0;
}

/* ---- setting an endpoint ----
 * endpoints and learn both set endpoints and count them in one file, which is read before it is
 * written. */

static void count_change(const char *instance, const char *interface, const struct wg_key *peer)
{
	char name[ENDPOINT_COUNTER_LEN];
	struct run_counters n;

	run_counters_read(&n, instance, "endpoints");
	endpoint_counter(interface, peer, name);
	run_counters_set(&n, name, run_counters_value(&n, name) + 1);
	run_counters_write(&n);
	run_counters_free(&n);
}

static int renew_peer(const char *interface, const struct wg_key *peer,
		      const struct address *address, __be16 port)
{
	struct wg_device d = { 0 };
	int rc = wg_read(interface, &d);
	const struct wg_peer *p = wg_find_peer(&d, peer);

	rc = rc ?: p ? wg_renew_peer(interface, p, address, port) : -ENOENT;
	wg_free(&d);
	return rc;
}

int endpoint_set(const char *instance, const char *interface, const struct wg_key *peer,
		 const struct address *address, __be16 port, bool renew)
{
	int rc = renew ? renew_peer(interface, peer, address, port) : -E2BIG;

	if (rc == -E2BIG)
		rc = wg_set_endpoint(interface, peer, address, port);
	if (!rc)
		count_change(instance, interface, peer);
	return rc;
}

const char *endpoint_why(int rc)
{
	switch (rc) {
	case -ENODEV: return "this interface does not exist yet";
	case -EOPNOTSUPP: return "this is not a WireGuard interface";
	case -ENOENT: return "the interface has no such peer yet";
	case -ENOTUNIQ: return "the interface has several peers: name the one that moves with `peer:`";
	}
	return strerror(-rc);
}
