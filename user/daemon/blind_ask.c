/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * With the wait w, questions go out after 0, w and 2w. Only the last one is copied. Later, after 4w
 * and so on, the daemon only looks whether an answer was late.
 */
#include "daemon/blind_sites.h"
#include "lib/memory.h"
#include "lib/timer.h"

#define TICK_MS 40
#define MOST_WAIT 10		/* ticks between two questions; the least is one tick */
#define LAST_LOOK 22		/* ticks; the next challenge comes after 25 */

struct challenges {
	uv_timer_t tick;
	struct sites *sites;
	struct asked {
		bool runs;
		bool session;	/* WireGuard had a session with the site at the first question */
		/* The next look at WireGuard: ticks from the first question to it, and from now. */
		unsigned int look, left;
		/* Ticks between two questions: the longest time that the site has needed to answer.
		 * 0: unknown. */
		unsigned int wait;
		/* Bytes that WireGuard had received from the site at the first question. */
		__u64 received;
	} of[BLIND_SITES_MAX];
};

static void end(struct challenges *c, __u32 number)
{
	c->of[number].runs = false;
	c->sites->mapped[number].asked = 0;
}

/* The site has answered, or it is at its candidate address. */
static void learn(struct challenges *c, __u32 number, const struct wg_peer *p)
{
	struct asked *h = &c->of[number];
	unsigned int needed = h->look < MOST_WAIT ? h->look : MOST_WAIT;

	if (needed > h->wait && h->session && !sites_at_candidate(c->sites, p, number))
		h->wait = needed;
}

static void look(struct challenges *c, __u32 number, const struct wg_peer *p)
{
	struct asked *h = &c->of[number];
	unsigned int step = h->look ?: h->wait;

	if (!h->look) {
		h->received = p->rx_bytes;
		h->session = sites_has_session(c->sites, p);
	} else if (p->rx_bytes != h->received) {
		learn(c, number, p);
		end(c, number);
		return;
	}
	if (h->look <= 2 * h->wait) {
		c->sites->mapped[number].asked = h->look == 2 * h->wait && h->session;
		sites_ask(c->sites, p, number);
	}
	if (h->look + step > LAST_LOOK)
		step = LAST_LOOK - h->look;
	h->look += step;
	h->left = step;
	if (!step)
		end(c, number);
}

/* Reads WireGuard once for all sites whose look is due. */
static void look_at_all(struct challenges *c)
{
	struct wg_device d = { 0 };

	wg_read(c->sites->config->blind.device, &d);
	for (size_t i = 0; i < d.n_peers; i++) {
		__u32 n = sites_number(c->sites, &d.peers[i].key, false);

		if (n < c->sites->room && c->of[n].runs && !c->of[n].left)
			look(c, n, &d.peers[i]);
	}
	wg_free(&d);
	for (__u32 n = 1; n < c->sites->room; n++)
		if (c->of[n].runs && !c->of[n].left)
			end(c, n);		/* WireGuard has no such peer */
}

static void on_tick(uv_timer_t *timer)
{
	struct challenges *c = timer->data;
	uint64_t began = clock_ms();
	bool runs = false, due = false;

	for (__u32 n = 1; n < c->sites->room; n++) {
		struct asked *h = &c->of[n];

		if (!h->runs)
			continue;
		runs = true;
		if (h->left)
			h->left--;
		due |= !h->left;
	}
	if (due)
		look_at_all(c);
	/* with very many peers, forged data makes a tick take long */
	if (runs)
		timer_next(timer, on_tick, TICK_MS, began);
}

void challenges_begin(struct challenges *c, __u32 number)
{
	struct asked *h = &c->of[number];

	if (h->runs && h->look <= 2 * h->wait)
		return;				/* the copy is still to come */
	h->runs = true;
	h->look = h->left = 0;
	h->wait = h->wait ?: 1;
	c->sites->mapped[number].asked = 0;
	timer_repeat(&c->tick, true, on_tick, 0, 0);
}

void challenges_stop(struct challenges *c)
{
	uv_timer_stop(&c->tick);
	for (__u32 n = 1; n < c->sites->room; n++)
		c->of[n].runs = false;
}

struct challenges *challenges_new(uv_loop_t *loop, struct sites *s)
{
	struct challenges *c = xcalloc(1, sizeof(*c));

	c->sites = s;
	timer_init(loop, &c->tick, c);
	return c;
}
