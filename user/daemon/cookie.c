/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The daemon's part of the cookie challenge. While a service asks for it, it renews `cookies`,
 * which expires by itself when the daemon ends. Initiations that the data path challenges come by
 * the ring `challenges`, and each gets one reply while there is time.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <string.h>
#include "daemon/tasks.h"
#include "lib/file.h"
#include "lib/jiffies.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "lib/timer.h"
#include "dataplane/pins.h"
#include "dataplane/ring.h"

#define BEAT_MS 400
/* Length of a window in ms. In each, at most REPLIES_A_WINDOW replies are sent, 5,000 a second.
 * Other challenges wait in the ring buffer, and are lost when it is full. */
#define WINDOW_MS 50
#define REPLIES_A_WINDOW 250
/* Time in ms after which reading challenges stops, so that timers, such as `beat`, run in time on a
 * slow CPU too. */
#define TURN_MS 50

enum { COOKIES, GUARDS, KEYS, ANSWER, N_PINNED, CLOCK = N_PINNED, FDS };
static const char *const pins[N_PINNED] = { "cookies", "guards", "public_keys", PIN_SEND };

struct cookie {
	uv_loop_t *loop;
	const char *instance;
	bool on;
	uv_timer_t beat, pause;
	struct ring ring;
	int fds[FDS];			/* fds of the maps and programs; -1: not open */
	struct cookies now;		/* the present and the next secret, as in the map cookies */
	/* Times at which the present secret and the present window began, in ms of the loop. */
	uint64_t secret_at, window_at;
	unsigned int left;		/* replies that the present window still allows */
};

/* ---- the data path's time ---- */

/* Loads a program that returns the low 32 bits of jiffies. jiffies_now() may be ahead of jiffies,
 * so that challenges would end too late. */
static int load_clock(void)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_jiffies64 },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "wgxdp_jiffies", "GPL", code, 2, NULL);
}

static __u64 jiffies_exactly(int clock)
{
	unsigned char frame[ETH_HLEN] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = 1);
	__u64 about = jiffies_now();

	return bpf_prog_test_run_opts(clock, &run) ? about :
	       about + (__s32)(run.retval - (__u32)about);
}

/* ---- secrets ---- */

static bool write_cookies(struct cookie *c, __u64 alive)
{
	__u32 zero = 0;

	c->now.alive = alive;
	c->now.written = time(NULL);
	return !bpf_map_update_elem(c->fds[COOKIES], &zero, &c->now, BPF_ANY);
}

static void on_beat(uv_timer_t *timer)
{
	struct cookie *c = timer->data;
	__u64 now;

	if (uv_now(c->loop) - c->secret_at >= COOKIE_SECONDS * 1000) {
		c->now.secret[1] = c->now.secret[0];
		cookie_secret(&c->now.secret[0]);
		c->secret_at = uv_now(c->loop);
	}
	now = jiffies_exactly(c->fds[CLOCK]);
	if (now > c->now.alive && c->now.alive)
		log_warning("the daemon was too busy to send cookie replies for %llu ms: the guard dropped initiations above the rate of the challenge",
			    (now - c->now.alive) * 1000 / jiffies_a_second());
	write_cookies(c, now + COOKIES_ALIVE_SECONDS * jiffies_a_second());
}

/* ---- replies ---- */

static bool send_reply(struct cookie *c, const struct challenge *to)
{
	struct __sk_buff skb = { .ifindex = to->ifindex };
	__u8 frame[COOKIE_FRAME_MAX];
	struct public_key key;
	struct guard guard;
	bool gone = bpf_map_lookup_elem(c->fds[GUARDS], &to->id, &guard) ||
		    bpf_map_lookup_elem(c->fds[KEYS], &to->key, &key);
	int n = gone ? -ENOENT : cookie_reply(to, &guard, &key, &c->now.secret[0], frame);
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = n > 0 ? n : 0,
		    .ctx_in = &skb, .ctx_size_in = sizeof(skb), .repeat = 1);

	return n > 0 && !bpf_prog_test_run_opts(c->fds[ANSWER], &run) && !run.retval;
}

static void on_pause(uv_timer_t *timer)
{
	struct cookie *c = timer->data;

	ring_go_on(&c->ring);
}

static int on_challenge(void *data, void *record, size_t size)
{
	struct cookie *c = data;
	uint64_t now = uv_now(c->loop);

	if (size < sizeof(struct challenge))
		return 0;
	if (now - c->window_at >= WINDOW_MS) {
		c->window_at = now;
		c->left = REPLIES_A_WINDOW;
	}
	if (!c->left) {
		ring_pause(&c->ring);
		uv_timer_start(&c->pause, on_pause, WINDOW_MS, 0);
		return -EAGAIN;
	}
	c->left--;
	c->now.replies += send_reply(c, record);
	/* -EAGAIN: read the rest of the ring after the timers */
	return uv_hrtime() / 1000000 - now < TURN_MS ? 0 : -EAGAIN;
}

static void close_fds(struct cookie *c, int n)
{
	for (int i = 0; i < n; i++) {
		fd_close(c->fds[i]);
		c->fds[i] = -1;
	}
}

static int open_fds(struct cookie *c)
{
	bool all = true;

	close_fds(c, N_PINNED);
	for (int i = 0; i < N_PINNED; i++)
		c->fds[i] = pin_get(c->instance, "%s", pins[i]);
	if (c->fds[CLOCK] < 0)
		c->fds[CLOCK] = load_clock();
	for (int i = 0; i < FDS; i++)
		all &= c->fds[i] >= 0;
	return all ? 0 : -ENOENT;
}

/* Begins challenges. The counter of replies in the map continues, but new secrets replace those of
 * an earlier daemon. */
static void begin_challenging(struct cookie *c)
{
	struct cookies before = { 0 };
	__u32 zero = 0;
	bool known = !bpf_map_lookup_elem(c->fds[COOKIES], &zero, &before);

	if (!c->on || !known || before.alive != c->now.alive)
		c->now.replies = before.replies;
	if (c->on)
		return;
	c->secret_at = uv_now(c->loop);
	cookie_secret(&c->now.secret[0]);
	cookie_secret(&c->now.secret[1]);	/* random too, although it was never used */
}

void cookie_end(struct cookie *c)
{
	uv_timer_stop(&c->beat);
	uv_timer_stop(&c->pause);
	ring_forget(&c->ring);
	if (c->on && c->fds[COOKIES] >= 0)
		write_cookies(c, 0);
	close_fds(c, FDS);
	explicit_bzero(c->now.secret, sizeof(c->now.secret));
	c->on = false;
}

void cookie_reconfigure(struct cookie *c, const struct config *config)
{
	char why[LIBRARY_WHY_LEN];
	bool wanted = config_challenges(config), opened = wanted && !cookie_open(why);
	int rc = opened ? open_fds(c) : -ENOENT;

	if (!rc) {
		begin_challenging(c);
		rc = ring_listen(&c->ring, c->loop, c->instance, "challenges", on_challenge, c);
	}
	if (rc) {
		if (wanted)
			log_warning("cannot send cookie replies, so the guard challenges no clients: %s",
				    opened ? strerror(-rc) : why);
		cookie_end(c);
		return;
	}
	c->on = true;
	on_beat(&c->beat);
	uv_timer_start(&c->beat, on_beat, BEAT_MS, BEAT_MS);
}

struct cookie *cookie_new(uv_loop_t *loop, const char *instance)
{
	struct cookie *c = xcalloc(1, sizeof(*c));

	c->loop = loop;
	c->instance = instance;
	memset(c->fds, -1, sizeof(c->fds));
	timer_init(loop, &c->beat, c);
	timer_init(loop, &c->pause, c);
	return c;
}
