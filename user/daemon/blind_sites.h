/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The sites of the blind relay: as the daemon knows them, and in the maps of the data path. Only the files of blind.h
 * include it.
 */
#pragma once
#include "daemon/blind.h"
#include "net/wireguard.h"

enum blind_map {
	BLIND_MAP_sites, BLIND_MAP_names, BLIND_MAP_endpoints, BLIND_MAP_sessions, BLIND_MAP_hints, BLIND_MAP_waiting, BLIND_MAP_state,
	BLIND_MAP_totals, BLIND_MAPS
};

struct blind_known {			/* name "": a free number */
	char name[NAME_LEN];
	struct wg_key key;
	struct address endpoint, tunnel;	/* family 0: none */
	struct address last;		/* where it was last, perhaps before a restart */
	__be16 port, last_port;
};

struct sites {
	const char *instance;
	const struct config *config;
	int fds[BLIND_MAPS];		/* -1: none */
	struct blind_site *mapped;	/* `room` of them; NULL: nothing runs */
	__u32 room;
	struct blind_known known[BLIND_SITES_MAX];	/* by number; 0 is this host */
};

/* The maps of the instance that runs. 0 or -errno. */
int sites_open(struct sites *s);
/* Whether these are other maps, or none, by now */
bool sites_are_others(const struct sites *s);
void sites_close(struct sites *s);
/* Sites as WireGuard has them now, and who may talk to whom; whether somebody came or went */
bool sites_follow_peers(struct sites *s, const struct wg_device *d);
void sites_write_pairs(const struct sites *s);
void sites_write_endpoints(const struct sites *s);
/* Where they are by WireGuard's word; whether somebody moved */
bool sites_follow_endpoints(struct sites *s, const struct wg_device *d);
/* This host's own key */
void sites_take_key(struct sites *s, const struct wg_key *key);
/* The number of who has that key, gone: of those that are no sites any more; room: nobody */
__u32 sites_number(const struct sites *s, const struct wg_key *key, bool gone);
/* As the maps have them */
void sites_read_running(struct sites *s);
/* A WireGuard that knows nobody's place, as after a restart, is told where each was last, and given something to send there until it has
 * had a handshake */
void sites_remind(const struct sites *s, const struct wg_device *d);
/* Something for a site's tunnel, so that our own WireGuard sends a message there: the port is that of discard */
void sites_knock(const struct sites *s, __u32 number);

/* Endpoints and sessions, to the file that outlives a restart. 0 or -errno, told. */
int sites_save(const struct sites *s);
/* What is in it: sessions to the maps, as far as they live and their sites are known; where each was to `known` */
void sites_restore(struct sites *s);
