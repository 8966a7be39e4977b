/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * endpoints: resolves names again when their TTL ends, sets addresses to try, and reads the peer's
 * counters from WireGuard once a second. endpoint_next.c decides what to do.
 */
#include <errno.h>
#include <time.h>
#include "net/echo.h"
#include "daemon/endpoints.h"
#include "lib/grow.h"
#include "lib/log.h"
#include "lib/timer.h"
#include "net/dns.h"

#define TICK_MS 1000
#define TRIAL_MS 100	/* interval of checks during a trial of an endpoint, in ms */
#define KNOCK_MS 1000	/* time between two datagrams into the tunnel during a trial, in ms */
#define RETRY_MIN 1 /* delay in seconds after a failed lookup; doubled up to RETRY_MAX */
#define RETRY_MAX 60
#define PROBE_MS 30000			/* interval of echo requests to a better address, in ms */
#define PROBES 3		/* answers in a row before a better address is tried */
/* With PROOF_ECHO, interval of echo requests in ms; NONE_MS after no address answered. */
#define ECHO_MS 60000
#define NONE_MS 10000

struct watched {			/* an entry of the configuration */
	struct peer_endpoint_config is;
	struct endpoint_of of;
	struct endpoints *set;
	struct lookup *lookup;		/* running lookup of the name; NULL: none */
	/* echo: echo requests to the candidates. asked: an echo request through the tunnel. */
	struct echo *echo, *asked;
	uint64_t asked_at;
	/* Times of the next lookup, next probe and last datagram into the tunnel, in ms. */
	uint64_t due, probe_due, knocked;
	/* Delay before the next lookup after a failure, in seconds; 0: the last one succeeded. */
	unsigned int retry;
	bool hope;		/* endpoints_hope() was called while a lookup ran */
	unsigned int answers;		/* answers of the better address in a row */
	size_t probed;			/* candidates to which `echo` sends */
	/* The name no longer has the address of the present endpoint, or the peer another name. */
	bool moved;
	size_t moved_to;		/* index of the candidate to try next after `moved` */
	int last_error;			/* error of WireGuard that was logged last */
};

struct endpoints {
	uv_loop_t *loop;
	uv_timer_t tick;
	/* Entries, each allocated separately, because lookups point to them. */
	struct watched **list;
	size_t n;
	const char *instance;
};

static uint64_t now_ms(const struct watched *f)
{
	return uv_now(f->set->loop);
}

static const char *name_of(const struct watched *f, char text[64])
{
	char key[WG_KEY_STRLEN];

	snprintf(text, 64, "%s, peer %.8s…", f->is.interface, wg_key_format(&f->is.peer, key));
	return text;
}

/* ---- WireGuard ---- */

/* Reads the peer without its AllowedIPs. *ret_inside: an address of the peer in the tunnel; family
 * 0: it has none. Returns 0 or -errno. */
static int read_peer(struct watched *f, struct wg_peer *ret, struct address *ret_inside)
{
	struct wg_device d = { 0 };
	int rc = wg_read(f->is.interface, &d);
	const struct wg_peer *p = wg_find_peer(&d, &f->is.peer);
	char text[64];

	rc = rc ?: p ? 0 : -ENOENT;
	if (!rc) {
		*ret = *p;
		*ret_inside = wg_inside(p);
	}
	wg_free(&d);
	if (rc && rc != f->last_error)
		log_warning("endpoint of %s: %s", name_of(f, text), endpoint_why(rc));
	f->last_error = rc;
	return rc;
}

static void nudge(struct watched *f, const struct address *inside)
{
	f->knocked = now_ms(f);
	wg_nudge(f->is.interface, inside);
}

/* Sets the endpoint of the other peers of the interface whose endpoint is that of this peer, or one
 * of the candidates: they are behind the same host, a relay. Their sessions continue. Call it
 * before this peer gets its new endpoint: its present one may be no candidate any more. */
static void move_others(struct watched *f, const struct address *a, __be16 port)
{
	struct wg_device d = { 0 };
	const struct wg_peer *own = wg_read(f->is.interface, &d) ? NULL :
				    wg_find_peer(&d, &f->is.peer);

	for (size_t i = 0; i < d.n_peers && own; i++) {
		const struct wg_peer *p = &d.peers[i];

		if (p != own && p->endpoint.family &&
		    (endpoint_number(&f->of, p) >= 0 ||
		     wg_has_endpoint(p, &own->endpoint, own->endpoint_port)))
			wg_set_endpoint(f->is.interface, &p->key, a, port);
	}
	wg_free(&d);
}

static void set_endpoint(struct watched *f, const struct address *a, __be16 port)
{
	/* renew: the former endpoint is dead, so the host at the new one is another and lacks the
	 * session of the former. */
	bool renew = f->of.within && f->of.trying && !f->of.before.family;
	char text[64], where[ADDRESS_STRLEN];
	int rc;

	if (f->is.together)
		move_others(f, a, port);
	rc = endpoint_set(f->set->instance, f->is.interface, &f->is.peer, a, port, renew);
	if (rc)
		log_error("cannot set the endpoint of %s to %s: %s", name_of(f, text),
			  endpoint_format(a, port, where), strerror(-rc));
}

/* Sets the endpoint that is on trial: bytes received before are no answer from it. */
static void try_endpoint(struct watched *f, const struct address *a, __be16 port)
{
	struct address inside;
	struct wg_peer p;

	set_endpoint(f, a, port);
	if (read_peer(f, &p, &inside))
		return;
	endpoint_was_set(&f->of, &p);
	nudge(f, &inside);
}

static void report_endpoint(struct watched *f, const struct address *a, __be16 port,
			    const char *what)
{
	char text[64], where[ADDRESS_STRLEN];

	log_event("endpoint of %s: %s (%s): %s", name_of(f, text), endpoint_format(a, port, where),
		  f->is.host, what);
}

/* ---- echo requests ---- */

static void begin_trial(struct watched *f, const struct wg_peer *p, size_t candidate,
			const char *why)
{
	if (!endpoint_try(&f->of, p, candidate, now_ms(f)))
		return;
	report_endpoint(f, &f->of.candidates[candidate], f->of.port, why);
	try_endpoint(f, &f->of.candidates[candidate], f->of.port);
}

/* For PROOF_ECHO: chooses the first candidate that answered, as `wgxdp endpoint` does. */
static void choose_reached(struct watched *f, const struct wg_peer *p, const bool *reached)
{
	int now = endpoint_number(&f->of, p);
	char text[64];

	for (size_t i = 0; i < f->probed && i < f->of.n; i++)
		if (reached[i]) {
			if ((int)i == now)
				return;
			report_endpoint(f, &f->of.candidates[i], f->of.port,
			       "this address is used, because it is the first that answers");
			set_endpoint(f, &f->of.candidates[i], f->of.port);
			return;
		}
	f->probe_due = now_ms(f) + NONE_MS;
	log_warning("endpoint of %s: no address of %s answers, and the daemon tries again",
		    name_of(f, text), f->is.host);
}

static void on_echo(void *data, const bool *reached)
{
	struct watched *f = data;
	struct address inside;
	struct wg_peer p;

	f->echo = NULL;
	if (read_peer(f, &p, &inside))
		return;
	if (f->is.by == PROOF_ECHO) {
		choose_reached(f, &p, reached);
		return;
	}
	f->answers = reached[0] ? f->answers + 1 : 0;
	if (f->answers >= PROBES) {
		f->answers = 0;
		begin_trial(f, &p, 0, "this address answers again, and is tried now");
	}
}

static void probe_candidates(struct watched *f, size_t n, uint64_t again_ms)
{
	int rc;

	if (f->echo)			/* one echo runs at a time */
		return;
	f->probe_due = now_ms(f) + again_ms;
	f->probed = n;
	rc = echo_start(f->set->loop, f->of.candidates, n, on_echo, f, &f->echo);
	if (rc) {
		f->echo = NULL;
		log_warning("cannot send ICMP echo requests: %s", strerror(-rc));
	}
}

/* ---- whether the other end answers, in the tunnel ---- */

static void on_answer(void *data, const bool *reached)
{
	struct watched *f = data;

	f->asked = NULL;
	/* Only note that answers come: WireGuard counts the bytes of each. */
	f->of.answers |= reached[0];
}

static void ask_inside(struct watched *f, const struct address *inside)
{
	if (f->asked || !inside->family || !endpoint_asks(&f->of, now_ms(f)) ||
	    now_ms(f) - f->asked_at < KNOCK_MS)
		return;
	f->asked_at = now_ms(f);
	if (echo_start(f->set->loop, inside, 1, on_answer, f, &f->asked))
		f->asked = NULL;
}

/* ---- names ---- */

static void on_lookup(void *data, const struct lookup_answer *answer)
{
	struct watched *f = data;
	struct address inside, *list = NULL;
	bool failed = answer->failed[0] || answer->failed[1] || !answer->n;
	struct wg_peer p = { 0 };
	char text[64];
	size_t n = 0;

	f->lookup = NULL;
	if (failed && !f->retry)
		log_warning("endpoint of %s: %s: %s%s", name_of(f, text), f->is.host,
			    answer->failed[0] ?: answer->failed[1] ?: "no address",
			    f->of.n ? ": the last good addresses stay in use" : "");
	f->retry = !failed ? 0 : f->hope ? RETRY_MIN : next_wait(f->retry, RETRY_MIN, RETRY_MAX);
	f->hope = false;
	f->due = now_ms(f) + (failed ? f->retry : answer->ttl) * 1000ULL;
	for (int half = 0; half < 2 && answer->n; half++) {
		__u8 family = half ? FAMILY_IPV4 : FAMILY_IPV6;
		const struct address *from = answer->failed[half] ? f->of.candidates : answer->list;
		size_t n_from = answer->failed[half] ? f->of.n : answer->n;

		for (size_t i = 0; i < n_from; i++)
			if (from[i].family == family)
				*append(list, n) = from[i];
	}
	if (!n)
		return;
	if (!endpoint_knows(&f->of, list, n)) {
		if (f->echo)			/* it still sends to the old addresses */
			echo_cancel(f->echo);
		f->echo = NULL;
		f->answers = f->probe_due = 0;
	}
	read_peer(f, &p, &inside);
	if (endpoint_take(&f->of, &p, list, n)) {
		f->moved = true;
		f->moved_to = 0;
	}
}

static void ask_name(struct watched *f)
{
	f->due = UINT64_MAX;
	if (lookup_start(f->set->loop, f->is.host, on_lookup, f, &f->lookup))
		f->due = now_ms(f) + RETRY_MAX * 1000;
}

/* ---- once a second ---- */

static void check_by_handshake(struct watched *f)
{
	struct address inside, to = { .family = 0 };
	const char *why = NULL;
	enum endpoint_step step;
	struct wg_peer p;
	__be16 port = 0;
	int number;

	if (read_peer(f, &p, &inside)) {
		f->of.trying = false;
		return;
	}
	step = endpoint_next(&f->of, &p, now_ms(f), time(NULL), &to, &port);
	if (step == ENDPOINT_CONFIRMED) {
		report_endpoint(f, &p.endpoint, p.endpoint_port,
				"this address works: WireGuard got an answer from it");
	} else if (step != ENDPOINT_STAY) {
		if (step == ENDPOINT_NEXT)
			why = "this address is tried, because the last one did not answer";
		else if (step == ENDPOINT_BACK)
			why = "this address is used again, because the other one did not answer";
		else if (f->of.since == now_ms(f))
			why = !p.endpoint.family ? "this address is tried" : f->of.within ?
			      "this address is tried, because the last one no longer answers" :
			      "this address is tried, because the last one gave no handshake";
		if (why)
			report_endpoint(f, &to, port, why);
		/* the name has others to try */
		if (step == ENDPOINT_BACK && f->moved && f->moved_to < f->of.n)
			f->of.not_before = now_ms(f) + ENDPOINT_TRY_MS;
		try_endpoint(f, &to, port);
		return;
	}
	ask_inside(f, &inside);
	number = endpoint_number(&f->of, &p);
	if (f->of.trying) {
		if (now_ms(f) - f->knocked >= KNOCK_MS)
			nudge(f, &inside);
		return;
	}
	/* After a trial in vain the former endpoint is back, and the next candidate is tried. */
	f->moved &= number < 0;
	if (f->moved && f->of.n && now_ms(f) >= f->of.not_before) {
		begin_trial(f, &p, f->moved_to++ % f->of.n,
			"this address is tried, because the name has it now");
	} else if (number > 0 && p.endpoint.family == FAMILY_IPV4 &&
		   f->of.candidates[0].family == FAMILY_IPV6) {
		if (now_ms(f) >= f->probe_due && now_ms(f) >= f->of.not_before)
			probe_candidates(f, 1, PROBE_MS);
	} else {
		f->answers = 0;
	}
}

static void on_tick(uv_timer_t *timer)
{
	struct endpoints *s = timer->data;
	bool trying = false;

	for (size_t i = 0; i < s->n; i++) {
		struct watched *f = s->list[i];

		if (now_ms(f) >= f->due)
			ask_name(f);
		if (f->is.by == PROOF_HANDSHAKE)
			check_by_handshake(f);
		else if (f->of.n && now_ms(f) >= f->probe_due)
			probe_candidates(f, f->of.n, ECHO_MS);
		trying |= f->of.trying;
	}
	uv_timer_set_repeat(timer, trying ? TRIAL_MS : TICK_MS);
	uv_timer_again(timer);
}

static void free_watched(struct watched *f)
{
	if (f->lookup)
		lookup_cancel(f->lookup);
	if (f->echo)
		echo_cancel(f->echo);
	if (f->asked)
		echo_cancel(f->asked);
	free(f->of.candidates);
	free(f);
}

static bool is_same(const struct peer_endpoint_config *a, const struct peer_endpoint_config *b)
{
	return !strcmp(a->interface, b->interface) && !wg_key_compare(&a->peer, &b->peer) &&
	       !strcmp(a->host, b->host) && a->port == b->port && a->by == b->by &&
	       a->within == b->within && a->together == b->together;
}

static struct watched *take_known(struct endpoints *s, const struct peer_endpoint_config *is)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->list[i] && is_same(&s->list[i]->is, is)) {
			struct watched *f = s->list[i];

			s->list[i] = NULL;
			return f;
		}
	return NULL;
}

/* Returns whether the peer had another host or port until now: the new one is tried although the
 * other still works. */
static bool had_other_host(const struct endpoints *s, const struct peer_endpoint_config *is)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct watched *f = s->list[i];

		if (f && !strcmp(f->is.interface, is->interface) &&
		    !wg_key_compare(&f->is.peer, &is->peer))
			return strcmp(f->is.host, is->host) || f->is.port != is->port;
	}
	return false;
}

void endpoints_reconfigure(struct endpoints *s, const struct config *c)
{
	struct watched **list = NULL;
	size_t n = 0;

	for (size_t i = 0; i < c->n_endpoints; i++) {
		struct watched *f = take_known(s, &c->endpoints[i]);

		if (!f) {
			f = xcalloc(1, sizeof(*f));
			f->moved = had_other_host(s, &c->endpoints[i]);
		}
		f->is = c->endpoints[i];
		f->set = s;
		f->of.port = f->is.port;
		f->of.within = f->is.within * 1000ULL;
		*append(list, n) = f;
	}
	for (size_t i = 0; i < s->n; i++)
		if (s->list[i])
			free_watched(s->list[i]);
	free(s->list);
	s->list = list;
	s->n = n;
	timer_repeat(&s->tick, n, on_tick, 0, TICK_MS);
}

void endpoints_hope(struct endpoints *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct watched *f = s->list[i];

		f->hope = f->lookup;
		if (f->retry > RETRY_MIN && !f->lookup) {
			f->retry = RETRY_MIN;
			f->due = uv_now(s->loop) + RETRY_MIN * 1000;
		}
	}
}

struct endpoints *endpoints_new(uv_loop_t *loop, const char *instance)
{
	struct endpoints *s = xcalloc(1, sizeof(*s));

	s->loop = loop;
	s->instance = instance;
	timer_init(loop, &s->tick, s);
	return s;
}
