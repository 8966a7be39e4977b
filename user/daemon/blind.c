/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * blind: reads the endpoints of WireGuard's peers once a second, and when the data path asks for
 * it. WireGuard has authenticated these endpoints.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include "daemon/blind_sites.h"
#include "dataplane/map_info.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "lib/timer.h"

#define TICK_MS 1000
#define SAVE_MS 10000
/* Time in ms for WireGuard to get all its peers after the first ones, for example from wg(8). */
#define RESTORE_MS 10000
#define LEAST_MS 20			/* least time between two readings of WireGuard, in ms */
/* In a pair or with many sites: time in ms between messages to two sites after this relay has
 * begun, or has become active. */
#define NUDGE_MS 20
#define MANY_SITES 1024
#define ROOM_MS 10000			/* least time between two calls of full(), in ms */

/* Delays in ms after a message from a new address until WireGuard's peers are read. There are
 * several, because WireGuard needs some time to accept the message. */
static const unsigned int soon_ms[] = { 3, 30, 200 };
#define N_SOON (sizeof(soon_ms) / sizeof(*soon_ms))

struct blind {
	uv_timer_t tick, soon, save, nudge;
	unsigned int step;		/* index in soon_ms of the next reading */
	struct sites sites;
	struct partner *partner;	/* the other relay of a pair */
	struct challenges *challenges;
	/* The other relay has the shared address, so this host's WireGuard sends nothing: the sites
	 * would roam to it. */
	bool standby;
	/* This relay has become active, and WireGuard does not have the sites' endpoints yet. */
	bool took_over;
	/* In a pair or with many sites: what WireGuard still has to do, enum sites_due. */
	__u8 due[BLIND_SITES_MAX];
	__u32 called;			/* the site for which it was done last */
	int last_error;			/* error of reading WireGuard that was logged last */
	bool fresh;			/* the maps contain no sites yet */
	struct saver saver;
	void (*full)(void *data);	/* the argument of blind_new(), and its own */
	void *data;
	uint64_t full_at;		/* when it was called last, in ms; 0: never */
	uint64_t restore_until;		/* new sites get what was saved about them, in ms */
	bool lacks;			/* the file has sites that are no peers yet */
	uint64_t looked, took;	/* end and duration of the last reading of WireGuard, in ms */
	__u64 read;			/* when this reading began, as sites_clock() */
};

/* Returns whether the file may be written. After a boot, WireGuard may still get peers, and what is
 * known about them is only in the file. */
static bool may_save(const struct blind *b)
{
	return !b->fresh && (!b->lacks || clock_ms() >= b->restore_until);
}

static void save(struct blind *b)
{
	if (may_save(b))
		saver_begin(&b->saver);
}

/* ---- WireGuard ---- */

/* Makes WireGuard send a message to the next sites that wait for it: one, or more if there are many
 * sites, so that all have got one after a minute. */
static void on_nudge(uv_timer_t *timer)
{
	struct blind *b = timer->data;
	__u32 room = b->sites.room, left = 1 + room / (60000 / NUDGE_MS);

	for (__u32 i = 0; i < room && left; i++) {
		__u32 n = b->called = b->called + 1 < room ? b->called + 1 : 1;

		if (b->due[n] == DUE_NOTHING)
			continue;
		sites_call_due(&b->sites, n, b->due[n]);
		b->due[n] = DUE_NOTHING;
		left--;
	}
	if (left)
		uv_timer_stop(timer);
}

/* Updates endpoints in WireGuard, and the sites' places from WireGuard. A relay of a pair that has
 * become active first gives WireGuard the endpoints that came from the other relay. */
static void follow_endpoints(struct blind *b, const struct wg_device *d, __u64 before)
{
	bool slowly = b->sites.config->blind.pair.local.family || b->sites.room > MANY_SITES;

	if (b->took_over) {
		sites_give_endpoints(&b->sites, d, b->due);
	} else {
		sites_remind(&b->sites, d, slowly ? b->due : NULL);
		if (sites_follow_endpoints(&b->sites, d, before)) {
			save(b);
			partner_send(b->partner);
		}
	}
	b->took_over = false;
	timer_repeat(&b->nudge, slowly, on_nudge, 0, NUDGE_MS);
}

static void ask_for_room(struct blind *b)
{
	uint64_t now = clock_ms();

	if (b->full_at && now - b->full_at < ROOM_MS)
		return;
	b->full_at = now;
	log_event("blind: there is no room for more than %u sites: the daemon makes larger maps", b->sites.room - 1);
	b->full(b->data);
}

/* Updates the sites from WireGuard. From the first call with peers on it restores saved sites. */
static void follow_sites(struct blind *b, const struct wg_device *d, __u64 before)
{
	struct sites *s = &b->sites;
	bool changed;

	sites_take_key(s, &d->key);
	changed = sites_follow_peers(s, d);
	if (s->full)
		ask_for_room(b);
	if (d->n_peers && (b->fresh || (changed && clock_ms() < b->restore_until))) {
		b->lacks = sites_restore(s, b->fresh);
		if (b->fresh)
			b->restore_until = clock_ms() + RESTORE_MS;
		b->fresh = false;
		changed = true;
	}
	if (changed) {
		sites_write_endpoints(s);
		sites_write_pairs(s);
		partner_restart(b->partner);
	}
	if (!b->standby)
		follow_endpoints(b, d, before);
}

static void read_wireguard(struct blind *b)
{
	const char *device = b->sites.config->blind.device;
	uint64_t began = clock_ms();
	__u64 before = b->read;
	struct wg_device d;
	int rc;

	b->read = sites_clock();
	rc = wg_read(device, &d);

	/* There is no private key yet, or wireguard-go's public key cannot be derived because
	 * libsodium is missing. */
	if (!rc && wg_key_is_none(&d.key)) {
		wg_free(&d);
		rc = -ENOKEY;
	}
	if (rc && rc != b->last_error)
		log_warning("blind: cannot read the peers of %s: %s", device, strerror(-rc));
	b->last_error = rc;
	if (!rc) {
		follow_sites(b, &d, before);
		wg_free(&d);
	}
	b->looked = clock_ms();
	b->took = b->looked - began;
}

/* ---- on time, and when the data path says so ---- */

/* Reads WireGuard, but with very many peers less often: in a tenth of the time. */
static void on_tick(uv_timer_t *timer)
{
	struct blind *b = timer->data;

	if (clock_ms() - b->looked >= 9 * b->took)
		read_wireguard(b);
	saver_tick(&b->saver);
}

static void on_save(uv_timer_t *timer)
{
	struct blind *b = timer->data;

	save(b);
	if (b->sites.mapped)
		sites_forget_pairs(&b->sites);
}

static void on_soon(uv_timer_t *timer)
{
	struct blind *b = timer->data;

	read_wireguard(b);
	if (++b->step < N_SOON)
		uv_timer_start(&b->soon, on_soon, soon_ms[b->step] - soon_ms[b->step - 1], 0);
}

/* Reads WireGuard's peers soon. Readings take at most a tenth of the daemon's time, however many
 * forged messages ask for them. */
static void read_wireguard_soon(struct blind *b)
{
	uint64_t now = clock_ms(), free = b->looked + LEAST_MS + 9 * b->took;

	if (timer_runs(&b->soon) && !b->step)
		return;
	b->step = 0;
	uv_timer_start(&b->soon, on_soon, now + soon_ms[0] >= free ? soon_ms[0] : free - now, 0);
}

void blind_signal(struct blind *b, const struct signal *signal)
{
	if (!b->sites.mapped || b->standby)
		return;
	if (signal->kind == SIGNAL_MOVED)
		read_wireguard_soon(b);
	else if (signal->kind == SIGNAL_CHALLENGE && signal->site < b->sites.room)
		challenges_begin(b->challenges, signal->site);
}

static void stop_asking(struct blind *b)
{
	uv_timer_stop(&b->soon);
	uv_timer_stop(&b->nudge);
	challenges_stop(b->challenges);
	memset(b->due, 0, b->sites.room * sizeof(*b->due));
}

static void stop_following(struct blind *b)
{
	uv_timer_stop(&b->tick);
	uv_timer_stop(&b->save);
	stop_asking(b);
	sites_close(&b->sites);
	partner_reconfigure(b->partner);
}

/* Finds out whether this relay or the other one of a pair is active. */
static void update_role(struct blind *b)
{
	bool standby = partner_is_standby(b->partner);

	if (standby == b->standby)
		return;
	b->standby = standby;
	b->took_over = !standby;
	b->sites.active_since = standby ? 0 : sites_time();
	if (standby)
		stop_asking(b);
	partner_restart(b->partner);
	log_event(standby ? "blind: this relay is on standby: it has no shared address" :
			    "blind: this relay is active: it has the shared address");
}

static void save_now(struct blind *b)
{
	if (b->sites.mapped && may_save(b))
		saver_now(&b->saver);
}

void blind_reconfigure(struct blind *b, const struct config *c)
{
	bool others = b->sites.mapped && sites_are_others(&b->sites);
	__u32 endpoints = map_entries(b->sites.fds[BLIND_MAP_endpoints]), zero = 0;
	struct blind_state state = { 0 };
	int rc;

	b->sites.config = c;
	sites_list(&b->sites);
	if (!*c->blind.device || others)
		save_now(b);
	if (!*c->blind.device) {
		stop_following(b);
		return;
	}
	rc = sites_open(&b->sites) ?:
	     bpf_map_lookup_elem(b->sites.fds[BLIND_MAP_state], &zero, &state);
	if (rc) {
		log_warning("blind: cannot follow the sites: %s", strerror(-rc));
		stop_following(b);
		return;
	}
	sites_read_running(&b->sites);
	b->fresh = others || !state.sites;
	/* Packets need a new, larger map at once, not only after all that follows. */
	if (!b->fresh && map_entries(b->sites.fds[BLIND_MAP_endpoints]) != endpoints)
		sites_write_endpoints(&b->sites);
	partner_reconfigure(b->partner);
	update_role(b);
	sites_place(&b->sites, true);
	read_wireguard(b);
	if (!b->fresh) {
		sites_write_endpoints(&b->sites);
		sites_write_pairs(&b->sites);
	}
	timer_repeat(&b->tick, true, on_tick, TICK_MS, TICK_MS);
	timer_repeat(&b->save, true, on_save, SAVE_MS, SAVE_MS);
}

struct blind *blind_new(uv_loop_t *loop, const char *instance, void (*full)(void *data), void *data)
{
	struct blind *b = xcalloc(1, sizeof(*b));

	b->sites.instance = instance;
	b->full = full;
	b->data = data;
	b->saver = (struct saver){ .loop = loop, .sites = &b->sites };
	b->partner = partner_new(loop, &b->sites);
	b->challenges = challenges_new(loop, &b->sites);
	memset(b->sites.fds, -1, sizeof(b->sites.fds));
	timer_init(loop, &b->tick, b);
	timer_init(loop, &b->soon, b);
	timer_init(loop, &b->save, b);
	timer_init(loop, &b->nudge, b);
	return b;
}

void blind_end(struct blind *b)
{
	save_now(b);
	stop_following(b);			/* the handles are closed with the loop */
}
