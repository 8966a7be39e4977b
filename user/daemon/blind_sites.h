/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The sites of the blind relay, as the daemon knows them and in the maps of the data path. blind.c,
 * blind_sites.c and blind_save.c include it.
 */
#pragma once
#include "daemon/blind.h"
#include "net/wireguard.h"

enum blind_map {
	BLIND_MAP_sites, BLIND_MAP_names, BLIND_MAP_endpoints, BLIND_MAP_sessions, BLIND_MAP_hints,
	BLIND_MAP_waiting, BLIND_MAP_state, BLIND_MAP_totals, BLIND_MAPS
};

struct blind_known {			/* name "": a free number */
	char name[NAME_LEN];
	struct wg_key key;
	struct address endpoint, tunnel;	/* family 0: none */
	struct address last;		/* the last known one, perhaps from before a restart */
	__be16 port, last_port;
};

struct sites {
	const char *instance;
	const struct config *config;
	int fds[BLIND_MAPS];		/* -1: none */
	struct blind_site *mapped;	/* array of `room` sites; NULL: no instance is open */
	__u32 room;
	struct blind_known known[BLIND_SITES_MAX];	/* indexed by number; 0 is this host */
};

/* Opens the maps of the running instance. Returns 0 or -errno. */
int sites_open(struct sites *s);
/* Returns whether the instance has other maps now, or none */
bool sites_are_others(const struct sites *s);
void sites_close(struct sites *s);
/* Follows WireGuard's peers and their names. Returns whether sites came or went. */
bool sites_follow_peers(struct sites *s, const struct wg_device *d);
void sites_write_pairs(const struct sites *s);
void sites_write_endpoints(const struct sites *s);
/* Follows the endpoints that WireGuard has. Returns whether a site moved. */
bool sites_follow_endpoints(struct sites *s, const struct wg_device *d);
/* Sets this host's own key */
void sites_take_key(struct sites *s, const struct wg_key *key);
/* Returns the number of the site with this key, or s->room: none. gone: searches the sites that are
 * gone instead */
__u32 sites_number(const struct sites *s, const struct wg_key *key, bool gone);
/* Reads the sites that the maps contain */
void sites_read_running(struct sites *s);
/* Gives a WireGuard that does not know where sites are, e.g. after a restart, the last known
 * endpoints, and a packet to send there, until there is a handshake */
void sites_remind(const struct sites *s, const struct wg_device *d);
/* wg_nudge() for the site's tunnel */
void sites_nudge(const struct sites *s, __u32 number);

/* Saves endpoints and sessions to the file that outlives a restart. Returns 0 or -errno
 * (reported). */
int sites_save(const struct sites *s);
/* Restores that file: sessions that live and whose sites are known to the maps, last endpoints to
 * `known` */
void sites_restore(struct sites *s);
