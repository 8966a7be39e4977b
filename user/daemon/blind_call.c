/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements blind_call.h.
 */
#include <stdlib.h>
#include <string.h>
#include "daemon/blind_call.h"
#include "lib/timer.h"

#define TICK_MS 50
/* Time in ms that the other relay has to hear the site, and to say so; and to hear it. */
#define CALL_MS 800
#define ANSWER_MS 600
#define QUESTION_TICKS 3		/* ticks between two questions to the site */

struct calls {
	uv_timer_t tick;
	struct sites *sites;
	struct relays *relays;
	/* When the other relay was asked, by sites_clock(); 0: this relay does not want to call. */
	__u64 asked[BLIND_SITES_MAX];
	struct answer {			/* for another relay */
		__u64 since;	/* when the first question was sent to the site, or 0 */
		__u64 received;	/* bytes that WireGuard had received from it then */
		unsigned int ticks;	/* before the next question; 0: none was sent yet */
		bool wanted;
	} answers[BLIND_SITES_MAX];
};

/* Calls the site if the other relay has not heard it, and neither has this one. */
static void continue_call(struct calls *c, __u32 n, const struct wg_peer *p, __u64 now)
{
	const struct blind_known *k = &c->sites->known[n];

	if (!site_is_remote(k) || k->there >= c->asked[n] || site_is_heard(k, p)) {
		c->asked[n] = 0;
	} else if (now - c->asked[n] >= CALL_MS) {
		c->asked[n] = 0;
		sites_call(c->sites, p, n);
	}
}

/* Asks the site, until it answers or the other relay waits no longer. Any message counts, also an
 * initiation that somebody repeats: if it did not, it could hide the site's answer, and the other
 * relay would call a stranger. */
static void continue_answer(struct calls *c, __u32 n, const struct wg_peer *p, __u64 now)
{
	struct answer *a = &c->answers[n];
	struct blind_known *k = &c->sites->known[n];

	if (!a->since) {
		a->since = now;
		a->received = p->rx_bytes;
	}
	if (p->rx_bytes != a->received) {
		if (a->since > k->here)
			k->here = a->since;
		relays_say_here(c->relays, n);
	}
	if (p->rx_bytes != a->received || now - a->since >= ANSWER_MS || site_is_remote(k)) {
		*a = (struct answer){ 0 };
		return;
	}
	if (!a->ticks)
		sites_ask(c->sites, p, n);
	a->ticks = (a->ticks + 1) % QUESTION_TICKS;
}

void calls_stop(struct calls *c)
{
	uv_timer_stop(&c->tick);
	memset(c->asked, 0, c->sites->room * sizeof(*c->asked));
	memset(c->answers, 0, c->sites->room * sizeof(*c->answers));
}

static void on_tick(uv_timer_t *timer)
{
	struct calls *c = timer->data;
	uint64_t began = clock_ms();
	struct wg_device d = { 0 };
	__u64 now = sites_clock();
	bool more = false;

	if (c->sites->mapped)
		wg_read(c->sites->config->blind.device, &d);
	for (size_t i = 0; i < d.n_peers; i++) {
		const struct wg_peer *p = &d.peers[i];
		__u32 n = sites_number(c->sites, &p->key, false);

		if (n == c->sites->room)
			continue;
		if (c->asked[n])
			continue_call(c, n, p, now);
		if (c->answers[n].wanted)
			continue_answer(c, n, p, now);
		more |= c->asked[n] || c->answers[n].wanted;
	}
	wg_free(&d);
	/* with very many peers, forged data makes a tick take long */
	if (more)
		timer_next(timer, on_tick, TICK_MS, began);
	else
		calls_stop(c);
}

static void start(struct calls *c)
{
	if (!timer_runs(&c->tick))
		timer_repeat(&c->tick, true, on_tick, 0, 0);
}

void calls_begin(struct calls *c, __u32 number)
{
	if (c->asked[number] && sites_clock() - c->asked[number] < 2 * CALL_MS)
		return;
	c->asked[number] = sites_clock();
	relays_ask(c->relays, number);
	start(c);
}

void calls_answer(struct calls *c, __u32 number)
{
	/* Begin again: an earlier answer to another relay may be too old for this one. */
	c->answers[number] = (struct answer){ .wanted = true };
	start(c);
}

struct calls *calls_new(uv_loop_t *loop, struct sites *s, struct relays *r)
{
	struct calls *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->sites = s;
	c->relays = r;
	timer_init(loop, &c->tick, c);
	return c;
}
