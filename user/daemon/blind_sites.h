/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The sites of the blind relay, as the daemon knows them and in the maps of the data path. blind.c
 * and the other files blind_*.c include it.
 */
#pragma once
#include "daemon/tasks.h"
#include "daemon/blind_link.h"
#include "daemon/child.h"
#include "net/wireguard.h"

enum blind_map {
	BLIND_MAP_sites, BLIND_MAP_names, BLIND_MAP_endpoints, BLIND_MAP_sessions,
	BLIND_MAP_waiting, BLIND_MAP_state, BLIND_MAP_totals, BLIND_MAP_pairs, BLIND_MAPS
};

struct blind_known {		/* a site as the daemon knows it; name "": the number is free */
	char name[NAME_LEN];
	struct wg_key key;
	/* Address and port from which the site's messages come, as the maps have them, and an
	 * address inside the tunnel; family 0: none. */
	struct address endpoint, tunnel;
	/* Last known endpoint, perhaps read from the file of sites_save(); family 0: none. */
	struct address last;
	__be16 port, last_port;
	/* WireGuard has authenticated `last`, here or at the other relay of a pair. */
	bool proven;
	bool alone;			/* no other site of this relay has `last` */
	bool displaced;			/* it was silent, and another site has its endpoint now */
	/* When it got `last` without being heard here: from the maps, the file or the other relay
	 * of a pair, in ms of sites_clock(); 0: it did not. */
	__u64 owned;
	bool restored;			/* sites_restore() has read the file since it was added */
	/* When this host's own WireGuard last heard the site, in ms of sites_clock(); 0: never. */
	__u64 here;
	/* As this host's own WireGuard last said: bytes received from the site, and the latest
	 * handshake in ms since 1970. */
	__u64 received, handshake;
	bool read;			/* it was read before */
	/* When it had received an initiation besides data, by sites_clock(); 0: it had not. */
	__u64 begun;
};

/* With room for more sites, messages name their number instead of each of them. */
#define NAMED_SITES 4096

struct sites {
	const char *instance;
	const struct config *config;
	int fds[BLIND_MAPS];		/* fds of the maps; -1: not open */
	/* The map blind_sites, an array of `room` sites; NULL: no instance is open. */
	struct blind_site *mapped;
	__u32 room;
	/* The map sessions, an array of n_buckets. Programs write it at the same time, so only
	 * sites_entry() may read it. */
	const struct blind_bucket *buckets;
	__u32 n_buckets;
	/* When this relay of a pair became active, by sites_time(); 0: before the daemon began. */
	__u64 active_since;
	/* Sites, indexed by number; number 0 is this host. */
	struct blind_known known[BLIND_SITES_MAX];
	/* Numbers of the sites, and of removed ones, by a hash of their keys; 0: free. */
	__u32 by_key[2 * BLIND_SITES_MAX];
	size_t n_by_key;
	__u32 unused;			/* a number above those that sites have or had */
	/* A peer is no site yet, because the maps have no room; larger ones are possible. */
	bool full;
	bool marked[BLIND_SITES_MAX];	/* sites that one function works on */
	/* The names in the configuration's list of sites or, without one, in its pairs; sorted. */
	struct site_name *listed;
	size_t n_listed;
	/* The configuration may give sites other names than they have. */
	bool rename;
	/* wg_names_time() when WireGuard's file was read last. */
	long long names_time;
	/* sites_forget_pairs() continues here, if `pairs_begun`. */
	__u32 pairs_next;
	bool pairs_begun;
	/* Entries that sites_write_sessions() will write. */
	struct blind_put puts[BLIND_PUTS];
	size_t n_puts;
};

/* Returns a time in ms that goes on if the system's clock is set. When the daemon begins, it is the
 * time since 1970. */
__u64 sites_clock(void);
/* Returns the time of day in ms since 1970. */
__u64 sites_time(void);
/* Takes over the list of sites from a new configuration. */
void sites_list(struct sites *s);
/* Opens the maps of the running instance. Returns 0 or -errno. */
int sites_open(struct sites *s);
/* Returns whether the instance now has other maps than those that are open, or none. */
bool sites_are_others(const struct sites *s);
void sites_close(struct sites *s);
/* Reads an entry of the map sessions. i: number of the entry, below n_buckets * BLIND_WAYS. Returns
 * zeros if a program is writing it. */
struct blind_session sites_entry(const struct sites *s, size_t i);
/* Makes the sites those of WireGuard's peers. If the configuration or WireGuard's file has changed,
 * it gives them their present names. Returns whether any changed. */
bool sites_follow_peers(struct sites *s, const struct wg_device *d);
void sites_write_pairs(const struct sites *s);
void sites_write_endpoints(const struct sites *s);
/* Removes pairs of sites that no longer talk from a part of the map blind_pairs, so that others
 * have room. The next call continues with the next part. */
void sites_forget_pairs(struct sites *s);
/* Stores what WireGuard reports about the sites: their endpoints, and when it heard them. before:
 * when d was read before, by sites_clock(). Returns whether any site has moved. */
bool sites_follow_endpoints(struct sites *s, const struct wg_device *d, __u64 before);
/* Returns whether WireGuard has received data of the peer, or ended a handshake, since it was last
 * read. */
bool site_is_heard(const struct blind_known *k, const struct wg_peer *p);
/* Stores this host's public key, by which the data path checks mac1 of messages for this host. Maps
 * that were made again under the daemon do not have it yet. */
void sites_take_key(struct sites *s, const struct wg_key *key);
/* Returns the number of the site with this key, or s->room if there is none. gone: searches only
 * among removed sites, whose numbers are kept. */
__u32 sites_number(const struct sites *s, const struct wg_key *key, bool gone);
/* Reads which sites the maps contain, for example from an earlier daemon, into s->known. */
void sites_read_running(struct sites *s);
/* Publishes the places of all sites whose place in the maps is not the proven endpoint. Sends the
 * messages that waited for them. check_sources: also publishes the places of sites to which this
 * relay now sends from another local address, because addresses or routes of this host, or the
 * configuration, have changed. Returns whether there were any. */
bool sites_place(struct sites *s, bool check_sources);
enum sites_due {			/* task of WireGuard for a site */
	DUE_NOTHING,
	DUE_MESSAGE,			/* send a message */
	DUE_ENDPOINT		/* take over the last known endpoint, and send a message there */
};

/* Finds the sites with which WireGuard has had no handshake, for example after a restart, and whose
 * last endpoint is known. Calls sites_call_due() for each of them, or sets due[number], an enum
 * sites_due, if due is not NULL. If somebody has repeated an initiation, WireGuard gets the last
 * endpoint at once. */
void sites_remind(const struct sites *s, const struct wg_device *d, __u8 *due);
/* Sets due[number] for all sites whose last endpoint is known, so that WireGuard takes it over. It
 * does so at once if somebody has repeated an initiation on standby. */
void sites_give_endpoints(struct sites *s, const struct wg_device *d, __u8 *due);
void sites_call_due(const struct sites *s, __u32 number, enum sites_due what);
/* Makes WireGuard ask the site of the peer p for a sign of life. The question goes to the last
 * endpoint that is proven, unless WireGuard has just heard the site at another one: somebody who
 * repeats an initiation moves WireGuard's endpoint, and must not receive the question. */
void sites_ask(const struct sites *s, const struct wg_peer *p, __u32 number);
/* Returns whether WireGuard can send data to the site of the peer p without a new handshake. While
 * this relay of a pair was on standby, the site began sessions with the other one. */
bool sites_has_session(const struct sites *s, const struct wg_peer *p);
/* Makes WireGuard send a message to the site, by wg_nudge(). */
void sites_nudge(const struct sites *s, __u32 number);
/* Returns whether WireGuard has the site of the peer p at its candidate address. */
bool sites_at_candidate(const struct sites *s, const struct wg_peer *p, __u32 number);

/* Makes the session line of an entry of the map sessions. Returns false if the entry is invalid, or
 * is an index of this host's own WireGuard, which means nothing at another relay. */
bool blind_line_of(const struct blind_known *known, const struct blind_session *e,
		   struct blind_line *ret);
/* Puts the entry of a session line, which has just come, among those that sites_write_sessions()
 * writes. If the line says 0 seconds, the entry is removed. Returns whether the line is valid. */
bool sites_put_session(struct sites *s, const struct blind_line *l);
/* Writes the entries of sites_put_session() into the maps. */
void sites_write_sessions(struct sites *s);
/* Reads the file of sites_save(). Restores sessions that are still valid between sites in the maps,
 * and the last endpoints in s->known. all false: only those of sites that were added since the last
 * call. Returns whether the file has a site that is not known now. */
bool sites_restore(struct sites *s, bool all);

/* ---- challenges ----
 * Has a site moved? Data of its session came from an unknown address, the candidate. So
 * WireGuard asks the site at its last endpoint, and a site that answers has not moved. Without
 * an answer, the data path sends a copy of the last question to the candidate, and the site's
 * answer moves WireGuard's endpoint. The candidate may be an attacker who passes the copy on to
 * the site. If the site receives it before the original, it sends to the attacker from then on.
 * So the site gets enough time to answer, and there is no copy without a session: the question
 * would wait for a handshake, in which the site answers. */

struct challenges;

struct challenges *challenges_new(uv_loop_t *loop, struct sites *s);
/* Data of a site came from its candidate address. Does nothing while the site is being asked. */
void challenges_begin(struct challenges *c, __u32 number);
void challenges_stop(struct challenges *c);

/* ---- the other relay of a pair ----
 * The stream between two blind relays that share a public address (section `pair` of `blind`).
 * The relay that has the address is active, and sends where the sites are and which indices
 * belong to which sessions. The other relay writes this to its own maps, so that its data path
 * forwards from the first packet when it gets the address. */

struct partner;				/* the other relay */

struct partner *partner_new(uv_loop_t *loop, struct sites *s);
/* Returns whether the other relay should have the shared address, because this host has not. */
bool partner_is_standby(const struct partner *p);
/* Connects to the other relay as the configuration says; without `pair`, or if no maps are open,
 * ends the connection. */
void partner_reconfigure(struct partner *p);
/* Begins a new connection, in which the active relay sends everything again. Call it when this host
 * becomes active or standby, and when it has new sites or maps. */
void partner_restart(struct partner *p);
/* Sends changes at once, for example when a site has moved. */
void partner_send(struct partner *p);

/* ---- saving ----
 * Decides when the daemon saves the sites. A child process does it while the daemon goes on,
 * because there may be a million sessions. Only one process at a time writes the file. */

struct saver {
	uv_loop_t *loop;
	const struct sites *sites;
	struct child *child;		/* NULL: none is running */
	bool due;			/* the sites have changed since the last child began */
	uint64_t began, ended;	/* beginning and end of the last child, in ms */
};

/* Saves the sites in a child. Does so later, in saver_tick(), if a child is running or has run just
 * now. */
void saver_begin(struct saver *s);
/* Call it once a second. */
void saver_tick(struct saver *s);
/* Saves the sites before it returns. Ends a child first, which would replace them by older ones.
 * Returns 0, or -errno after printing an error. */
int saver_now(struct saver *s);
