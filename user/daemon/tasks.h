/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The tasks of the daemon: daemon.c makes each of them once, and gives each the configuration after
 * every pass that applied one. _new() makes a task that does nothing yet.
 */
#pragma once
#include <linux/types.h>
#include <stdbool.h>
#include <uv.h>
#include "abi.h"
#include "config/config.h"
#include "config/config_sections.h"
#include "config/config_service.h"
#include "lib/library.h"

/* ---- announce: a kernel route for each site whose tunnel is alive, in a table of its own ----
 * A routing daemon announces these routes to other relays. The data path does not read that
 * table. */

#define ANNOUNCE_PROTOCOL 119	/* marks our routes; the daemon leaves other routes alone */
#define ANNOUNCE_METRIC 1024

struct announce;

struct announce *announce_new(uv_loop_t *loop, const char *instance);
/* Announces what c configures, and follows the kernel's routes. Removes its routes from another
 * table, also those of an earlier daemon. */
void announce_reconfigure(struct announce *a, const struct config *c);
/* Returns the table in which a daemon has announced routes of this instance; 0: none. */
__u32 announce_table(const char *instance);
/* Removes our routes from the table: call it when no daemon will update them any more. */
void announce_clear(__u32 table);

/* ---- the blind relay ----
 * Reads its sites and their endpoints from this host's own WireGuard, answers the data path's
 * signals, and saves the state that survives a restart of the host. */

struct blind;

/* It calls full() if the maps have no room for a new site; the caller must then apply the
 * configuration, which makes larger maps. */
struct blind *blind_new(uv_loop_t *loop, const char *instance, void (*full)(void *data),
			void *data);
/* Serves the sites that c configures; without `blind` in c, no sites. */
void blind_reconfigure(struct blind *b, const struct config *c);
/* Handles a record of the ring buffer `signals`. */
void blind_signal(struct blind *b, const struct signal *signal);
void blind_end(struct blind *b);

/* ---- the cookie challenge ----
 * Makes the secrets, tells the data path that it answers challenged initiations, and sends the
 * cookie replies. */

struct cookie;

struct cookie *cookie_new(uv_loop_t *loop, const char *instance);
/* Answers challenges with the maps and the program that are pinned now. Does nothing while no
 * service of config has a challenge. */
void cookie_reconfigure(struct cookie *c, const struct config *config);
/* Makes the data path stop challenging, because nothing will answer challenges any more. */
void cookie_end(struct cookie *c);

/* ---- dynamic DNS ----
 * Runs each section of the configuration when the addresses of its interface change, and every
 * five minutes, in a thread of libuv's pool because it blocks. */

struct ddns;

struct ddns *ddns_new(uv_loop_t *loop, const char *instance);
/* Keeps the DNS records that c configures up to date; c may be the same as before. */
void ddns_reconfigure(struct ddns *d, const struct config *c);
/* Call this when addresses of this host have changed: the records are checked soon, without waiting
 * for a pass of the daemon. */
void ddns_changed(struct ddns *d);
/* Returns whether a thread still runs a provider. Then only _exit() can end the program at once. */
bool ddns_busy(const struct ddns *d);

/* ---- the exporter, a child process ----
 * Runs `wgxdp exporter` while the configuration has addresses for it, and starts it again when
 * it ends. */

struct exporter;

/* Makes it. n_sockets: the number of sockets from notify_sockets(), which the child inherits. */
struct exporter *exporter_new(uv_loop_t *loop, const char *instance, unsigned int n_sockets);
/* Starts or stops the child as c needs. The child itself notices other changes of c. */
void exporter_reconfigure(struct exporter *e, const struct config *c);
/* Makes the child begin again, so that it reads the files of web-config. */
void exporter_reload(struct exporter *e);

/* ---- learn: the new endpoint of a peer, if WireGuard does not find it by itself ----
 * The data path reports initiations (struct notification). An initiation with a valid mac1 that
 * was never seen before gives an endpoint to try. The endpoint is kept only if WireGuard then
 * gets an authenticated message from there. */

#define LEARN_WAIT_MS 300	/* time in ms that WireGuard gets to move the endpoint by itself */
#define LEARN_ALIVE_MS 3000	/* a peer that was heard within this time in ms has not moved */
/* Time in ms to wait for an authenticated message from a tried endpoint. WireGuard repeats its
 * handshake only after 5 s. */
#define LEARN_TRY_MS 3500
/* Pause in ms after a failed trial: forged packets cannot start trials one after the other. */
#define LEARN_REST_MS 5000
#define LEARN_FAILURES 3	/* number of consecutive failures after which learning pauses */
#define LEARN_REARM_MS 300000		/* length of that pause in ms, unless a knock ends it */
#define KNOCK_MS 10000			/* minimum time between two knocks, in ms */

struct learn;

struct learn *learn_new(uv_loop_t *loop, const char *instance);
/* Learns the endpoints that c configures. c must stay valid until the next call. */
void learn_reconfigure(struct learn *l, const struct config *c);
/* Ends all trials: their peers get their former endpoints back. l: may be NULL. */
void learn_end(struct learn *l);

/* ---- lists of clients that other programs keep ----
 * Follows sets of nftables by the kernel's notifications, and files by inotify. */

struct lists;

/* full: called when the lists have outgrown the hints, so that a pass enlarges these. */
struct lists *lists_new(uv_loop_t *loop, const char *instance, void (*full)(void *data),
			void *data);
/* Follows the lists of this configuration. Call it after each pass. */
void lists_reconfigure(struct lists *l, const struct config *c);

/* ---- the map uniform ----
 * Writes the map in a child, because that takes longer than a packet may wait. */

struct uniform_filler;

/* done: called when a child has ended. */
struct uniform_filler *uniform_filler_new(uv_loop_t *loop, const char *instance,
					  void (*done)(void *data), void *data);
/* Sets the hash of the contents that the map needs (uniform_hash()); 0: none. If the map has
 * other contents, a child writes it. */
void uniform_filler_need(struct uniform_filler *f, __u64 hash);
/* Returns whether the map has the contents that it needs. */
bool uniform_filler_has(const struct uniform_filler *f);

struct logged_listener {		/* an address of this host that a service listens on */
	char service[NAME_LEN];
	struct address address;
	bool seen, new;	/* new: no earlier round found the address. seen: this round did */
};

struct logged_states {
	struct logged_state {
		char what[96];		/* kind and name of the object, such as "service wg-end" */
		/* Its state, such as "waiting: backend 192.168.1.10 has no route on this host". */
		char is[320];
		bool seen;		/* the present round has found the object */
	} *list;
	size_t n;
	struct logged_listener *listeners;
	size_t n_listeners;
	const char *instance;
	struct child *child;	/* it reads the states; NULL: no child does */
	int file;			/* the child writes both lists to this file in memory */
};

/* Reads the states of all services, interfaces and peers, and logs those that changed since the
 * last call. The first call logs only those in which something does not work. */
void log_states(struct logged_states *t, const char *instance);
/* Does the same in a child. Returns false if a child is still at work. */
bool log_states_later(struct logged_states *t, uv_loop_t *loop, const char *instance);

/* ---- cookie replies ----
 * As they go out on the wire (WireGuard's whitepaper, 5.4.7). */

/* Longest frame in bytes: Ethernet, IPv6, UDP, junk and message. A configuration allows more junk
 * than fits here, up to 65,535 bytes, but no UDP datagram has room for that much. */
#define COOKIE_FRAME_MAX 2048

/* Opens libsodium, which cookie_reply() calls. Returns 0, or a negative error after writing the
 * reason to `why`. */
int cookie_open(char why[LIBRARY_WHY_LEN]);
/* Makes a new random secret, from which cookie_of() computes cookies. */
void cookie_secret(struct cookie_key *ret);
/* Computes the cookie for the address and port of the client that sent the challenged message. */
void cookie_of(const struct challenge *c, const struct cookie_key *secret, __u8 ret[MAC_LEN]);
/* Builds the frame of a cookie reply, without MAC addresses and never longer than the challenged
 * message. Returns its length or -errno. */
int cookie_reply(const struct challenge *c, const struct guard *g, const struct public_key *key,
		 const struct cookie_key *secret, __u8 frame[COOKIE_FRAME_MAX]);

/* ---- knocks ----
 * Runs a program of the configuration as another user, and writes a file that a systemd unit may
 * watch. */

#define KNOCK_USER "nobody"		/* user account that runs the program by default */
#define KNOCK_SECONDS 60		/* time in seconds after which the program is killed */

/* Returns whether an address is this host's, so that a packet to it is a knock and no
 * traceroute. */
bool knock_is_for_us(const struct address *to, uint64_t now_ms);
/* Writes the address and port from which a knock came to /run/wgxdp/INSTANCE/knocked, which the
 * systemd unit wgxdp-knock.path watches. */
void knock_note(const char *instance, const struct address *from, __be16 port);
/* Runs the program of the configuration without a shell, with only PATH in its environment. Only
 * one program runs at a time. Prints an error if it cannot be run. */
void knock_run(uv_loop_t *loop, const struct learn_config *c);
