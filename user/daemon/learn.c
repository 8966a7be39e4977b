/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * learn: handles initiations and knocks that the data path reports. Forged initiations move an
 * endpoint only briefly: the data path checks mac1, which proves only that the sender knows our
 * public key. So a learnt endpoint stays only if WireGuard then authenticates a message from there.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <unistd.h>
#include "blake2s.h"
#include "daemon/endpoints.h"
#include "daemon/tasks.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "lib/timer.h"
#include "dataplane/pins.h"
#include "dataplane/ring.h"

#define TICK_MS 1000
#define TRIAL_MS 50		/* interval of checks while a candidate waits or is tried, in ms */
#define NUDGE_MS 1000	/* time between two datagrams into the tunnel during a trial, in ms */
#define SEEN 4096		/* initiations that are remembered per interface */

struct place {
	struct address address;		/* family 0: there is no such endpoint */
	__be16 port;
};

struct learning {			/* an entry of the configuration */
	const struct learn_config *is;
	const char *instance;
	char interface[IFNAMSIZ];
	/* Public keys of this host and of the peer; all zeros: not known yet. */
	struct wg_key key, peer;
	__be16 port;
	struct address inside;		/* address of the peer inside the tunnel */
	__u64 rx;
	/* Times of the last received bytes, knock and datagram into the tunnel, in ms. */
	uint64_t rx_at, knocked, nudged;
	struct place candidate;	/* source of an initiation, on the wait since candidate_at */
	uint64_t candidate_at;
	/* tried: endpoint on trial since tried_at. before: the endpoint to return to. */
	struct place tried, before;
	uint64_t tried_at;
	__u64 rx_before;
	unsigned int failures;
	uint64_t armed_at; /* after LEARN_FAILURES: no learning before this time, without a knock */
	uint64_t rested_at;		/* after a failure: no learning before this time */
	__u64 seen[SEEN];
	unsigned int n_seen;
	int last_error;
};

struct learn {
	uv_loop_t *loop;
	const char *instance;
	uv_timer_t tick;
	struct ring ring;
	struct notify_filter filter;		/* value written last to the map of the filter */
	__u32 map;			/* id of that map; 0: not written yet */
	struct learning *list;
	size_t n;
};

static void on_tick(uv_timer_t *timer);

/* ---- WireGuard ---- */

static bool same_place(const struct place *a, const struct place *b)
{
	return a->port == b->port && address_equal(&a->address, &b->address);
}

static void note_peer(struct learning *g, const struct wg_peer *p, uint64_t now)
{
	g->inside = wg_inside(p);
	if (p->rx_bytes != g->rx)	/* the counter restarts if the peer was added again */
		g->rx_at = p->rx_bytes > g->rx ? now : 0;
	g->rx = p->rx_bytes;
	g->peer = p->key;
}

/* Reads the peer and its endpoint. Returns false if they are unknown (reported). */
static bool read_peer(struct learning *g, uint64_t now, struct place *ret)
{
	struct wg_device d = { 0 };
	bool any = wg_key_is_none(&g->is->peer);
	int rc = wg_read(g->is->interface, &d);
	const struct wg_peer *p = !any ? wg_find_peer(&d, &g->is->peer) :
				  d.n_peers == 1 ? d.peers : NULL;

	if (!rc) {
		g->key = d.key;
		g->port = d.port;
		rc = p ? 0 : any && d.n_peers ? -ENOTUNIQ : -ENOENT;
	}
	if (!rc) {
		note_peer(g, p, now);
		*ret = (struct place){ p->endpoint, p->endpoint_port };
	}
	wg_free(&d);
	if (rc && rc != g->last_error)
		log_warning("learn: %s: %s", g->is->interface, endpoint_why(rc));
	g->last_error = rc;
	return !rc;
}

static void nudge(struct learning *g, uint64_t now)
{
	g->nudged = now;
	wg_nudge(g->is->interface, &g->inside);
}

static void set_endpoint(struct learning *g, const struct place *to, const char *why)
{
	int rc = endpoint_set(g->instance, g->interface, &g->peer, &to->address, to->port, false);
	char text[ADDRESS_STRLEN];

	if (rc)
		log_error("learn: %s: cannot set the endpoint: %s", g->interface, strerror(-rc));
	else
		log_event("learn: %s: %s: %s", g->interface,
			  endpoint_format(&to->address, to->port, text), why);
}

/* ---- initiations and knocks ---- */

/* Returns whether an initiation was seen before, by its ephemeral key, which is random in each. */
static bool was_seen(struct learning *g, const __u8 message[INITIATION_BYTES])
{
	__u64 word;

	memcpy(&word, message + 8, sizeof(word));
	for (unsigned int i = 0; i < SEEN; i++)
		if (g->seen[i] == word)
			return true;
	g->seen[g->n_seen++ % SEEN] = word;
	return false;
}

static void handle_initiation(struct learn *l, struct learning *g, const struct notification *h)
{
	uint64_t now = uv_now(l->loop);

	if (g->candidate.address.family || g->tried.address.family || now < g->armed_at ||
	    now < g->rested_at)
		/* One candidate waits at a time: a sender of many addresses can neither speed up
		 * nor delay its trial. */
		return;
	if (was_seen(g, h->message))
		return;
	g->candidate = (struct place){ { h->src, h->family }, h->sport };
	g->candidate_at = now;
	if (uv_timer_get_repeat(&l->tick) != TRIAL_MS)
		uv_timer_start(&l->tick, on_tick, TRIAL_MS, TRIAL_MS);
}

static void handle_knock(struct learn *l, struct learning *g, const struct notification *h)
{
	struct address from = { h->src, h->family }, to = { h->dst, h->family };
	uint64_t now = uv_now(l->loop);
	char text[ADDRESS_STRLEN];

	if ((g->knocked && now - g->knocked < KNOCK_MS) || !knock_is_for_us(&to, now))
		return;
	g->knocked = now;
	g->failures = 0;
	g->armed_at = 0;
	log_event("learn: %s: a knock from %s at port %u", g->is->interface,
		  address_format(&from, text), ntohs(h->dport));
	knock_note(l->instance, &from, h->dport);
	if (g->is->n_command)
		knock_run(l->loop, g->is);
}

static int on_notification(void *data, void *record, size_t size)
{
	const struct notification *h = record;
	struct learn *l = data;

	for (size_t i = 0; i < l->n && size >= sizeof(*h); i++) {
		struct learning *g = &l->list[i];

		if (h->kind == NOTIFY_INITIATION && g->port && g->port == h->dport)
			handle_initiation(l, g, h);
		else if (h->kind == NOTIFY_KNOCK && g->is->knock &&
			 (unsigned int)(ntohs(h->dport) - l->filter.knocks[i]) < KNOCK_PORTS)
			handle_knock(l, g, h);
	}
	return 0;
}

/* ---- trials ---- */

static void end_trial(struct learning *g, uint64_t now, bool still_there)
{
	g->tried.address.family = 0;
	if (!still_there)
		return;				/* WireGuard or an admin changed the endpoint */
	g->rested_at = now + LEARN_REST_MS;
	if (g->before.address.family)
		set_endpoint(g, &g->before, "this address is used again, because the other one gave no handshake");
	if (++g->failures < LEARN_FAILURES)
		return;
	g->failures = 0;
	g->armed_at = now + LEARN_REARM_MS;
	log_event("learn: %s: new addresses are ignored for %d s, or until a knock, because %d of them in a row gave no handshake",
		  g->is->interface, LEARN_REARM_MS / 1000, LEARN_FAILURES);
}

static void check_trial(struct learning *g, const struct place *is, uint64_t now)
{
	bool there = same_place(is, &g->tried);

	if (g->rx < g->rx_before)		/* the peer was added again */
		g->rx_before = g->rx;
	if (there && g->rx > g->rx_before) {
		log_event("learn: %s: the new address works: WireGuard got an answer from the peer", g->is->interface);
		g->tried.address.family = 0;
		g->failures = 0;
	} else if (!there || now - g->tried_at >= LEARN_TRY_MS) {
		end_trial(g, now, there);
	} else if (now - g->nudged >= NUDGE_MS) {
		nudge(g, now);
	}
}

/* Tries the candidate. Drops it if WireGuard has moved the endpoint by itself, or has received a
 * message since the candidate appeared. Waits while the peer was heard recently. */
static void try_candidate(struct learning *g, const struct place *is, uint64_t now)
{
	struct place to = g->candidate;

	if (g->rx_at <= g->candidate_at && g->rx_at && now - g->rx_at < LEARN_ALIVE_MS)
		return;				/* the peer was heard, so the candidate waits */
	g->candidate.address.family = 0;
	if (same_place(is, &to) || g->rx_at > g->candidate_at)
		return;
	g->before = *is;
	g->tried = to;
	g->tried_at = now;
	set_endpoint(g, &to, "this address is tried, because a handshake initiation came from it");
	if (read_peer(g, now, &to))
		g->rx_before = g->rx;
	nudge(g, now);
}

static bool advance_trial(struct learning *g, uint64_t now)
{
	struct place is;

	if (!read_peer(g, now, &is))
		return false;
	if (g->tried.address.family)
		check_trial(g, &is, now);
	else if (g->candidate.address.family && now - g->candidate_at >= LEARN_WAIT_MS)
		try_candidate(g, &is, now);
	return g->tried.address.family || g->candidate.address.family;
}

/* ---- the map, and once a second ---- */

static void write_filter(struct learn *l)
{
	struct notify_filter h = { 0 };
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info), zero = 0;
	char path[PIN_LEN];
	int fd;

	for (size_t i = 0; i < l->n; i++) {
		h.ports[i] = wg_key_is_none(&l->list[i].key) ? 0 : l->list[i].port;
		h.knocks[i] = l->list[i].is->knock ? ntohs(l->list[i].is->port) : 0;
		blake2s_mac1(h.mac1[i], l->list[i].key.b);
	}
	pin_path(path, l->instance, "", "notify_filter");
	fd = bpf_obj_get(path);
	if (fd < 0)
		return;
	if (!bpf_obj_get_info_by_fd(fd, &info, &len) &&
	    (info.id != l->map || memcmp(&h, &l->filter, sizeof(h))) &&
	    !bpf_map_update_elem(fd, &zero, &h, BPF_ANY)) {
		l->map = info.id;
		l->filter = h;
	}
	close(fd);
}

static void on_tick(uv_timer_t *timer)
{
	struct learn *l = timer->data;
	uint64_t now = uv_now(l->loop);
	bool busy = false;

	for (size_t i = 0; i < l->n; i++)
		busy |= advance_trial(&l->list[i], now);
	write_filter(l);
	uv_timer_set_repeat(timer, busy ? TRIAL_MS : TICK_MS);
	uv_timer_again(timer);
}

/* Ends a trial before its time is over. Does not read g->is, whose configuration may be gone. */
static void abandon_trial(struct learning *g)
{
	struct wg_device d = { 0 };
	const struct wg_peer *p;

	if (g->tried.address.family && g->before.address.family && !wg_read(g->interface, &d)) {
		p = wg_find_peer(&d, &g->peer);
		if (p && wg_has_endpoint(p, &g->tried.address, g->tried.port))
			set_endpoint(g, &g->before, "this address is used again, because the trial has ended");
	}
	wg_free(&d);
	g->tried.address.family = 0;
}

static void carry_over(struct learning *to, struct learning *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct learn_config *is = to->is;

		if (strcmp(list[i].interface, is->interface) ||
		    (!wg_key_is_none(&is->peer) && wg_key_compare(&is->peer, &list[i].peer)))
			continue;
		*to = list[i];
		to->is = is;
		list[i].tried.address.family = 0;	/* its trial goes on in *to */
	}
}

void learn_end(struct learn *l)
{
	for (size_t i = 0; l && i < l->n; i++)
		abandon_trial(&l->list[i]);
}

void learn_reconfigure(struct learn *l, const struct config *c)
{
	struct learning *list = xcalloc(c->n_learn, sizeof(*list));

	for (size_t i = 0; i < c->n_learn; i++) {
		list[i].is = &c->learn[i];
		carry_over(&list[i], l->list, l->n);
		list[i].instance = l->instance;
		strcpy(list[i].interface, c->learn[i].interface);
	}
	learn_end(l);
	free(l->list);
	l->list = list;
	l->n = c->n_learn;
	timer_repeat(&l->tick, l->n, on_tick, 0, TICK_MS);
	if (!l->n)
		ring_forget(&l->ring);
	else if (ring_listen(&l->ring, l->loop, l->instance, "notifications", on_notification, l) &&
		 pins_exist(l->instance) > 0)	/* otherwise the instance was taken down */
		log_warning("learn: cannot read the reports of the BPF programs, so no endpoint is learned");
}

struct learn *learn_new(uv_loop_t *loop, const char *instance)
{
	struct learn *l = xcalloc(1, sizeof(*l));

	l->loop = loop;
	l->instance = instance;
	timer_init(loop, &l->tick, l);
	return l;
}
