/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The blind relay: sites, where each is, and which receiver index of whose session is whose (bpf/blind/). Part of abi.h.
 */
#ifndef WGXDP_ABI_BLIND_H
#define WGXDP_ABI_BLIND_H

#define BLIND_SITES_MAX 1024		/* with number 0: the relay itself */

/* Where a site is. 64 bytes. */
struct blind_place {
	struct service service;		/* as of an original for it: address, port; .id is the blind relay's own, .slot nobody's */
	struct addr local;		/* of ours, in that family */
	__u16 sum;			/* one's complement sum of both addresses */
	__u8 family;			/* 0: it has not been authenticated yet */
	__u8 pad[13];
};

/* blind_sites: ARRAY by number. A new place is written beside the present one, then `now` says so: no packet meets half of it. */
struct blind_site {
	struct blind_place place[2];
	__u32 now;
	__be16 candidate_port;
	__u16 pad;
	__u32 mac1[8];			/* as struct guard_key .mac1, of its public key */
	struct addr candidate;		/* from where data of its sessions came that may be its own */
	__u64 asked;			/* 1: by the daemon, which heard nothing from where it was: a copy of what our own WireGuard sends it
					 * next goes to the candidate */
	__u64 challenged;		/* when there was a candidate last, in jiffies */
	__u64 since;			/* for user space: when it came to its present place, in seconds since 1970 */
	__u64 challenges;
	__u64 pad1[5];
	__u64 may[BLIND_SITES_MAX / 64];	/* a bit for each site to which it may talk */
};
_Static_assert(sizeof(struct blind_place) == 64 && sizeof(struct blind_site) == 384, "whole cache lines");

/* blind_names: ARRAY of struct peer_name by number; not read by the data path. Empty: a free number */

/* endpoints: ARRAY of table_bucket, as the table: KEY_ENDPOINT, a remote address and port → the site that is there by the word of our
 * own WireGuard. Written by the daemon alone. */

/* sessions: ARRAY of buckets, written by the data path under blind_lock, read without it. A key is whole before and after its value is
 * read. By the site that receives with an index: who gave it out. By site 0: an index of our own WireGuard. */
#define BLIND_WAYS 4
struct blind_session {
	__u64 key;			/* BLIND_KEY(); 0: free */
	__u64 value;			/* BLIND_VALUE() */
};
struct blind_bucket {
	struct blind_session way[BLIND_WAYS];
};
#define BLIND_KEY(site, index) (1ULL << 63 | (__u64)(site) << 32 | (index))	/* the index as it stands in the packet */
/* until in jiffies, in 46 bits, which last for two thousand years; one word, so that it changes at once */
#define BLIND_VALUE(until, origin, flags) ((__u64)(until) << 18 | (__u32)(origin) << 8 | (flags))
#define BLIND_UNTIL(value) ((value) >> 18)
#define BLIND_ORIGIN(value) ((__u32)(value) >> 8 & (BLIND_SITES_MAX - 1))
enum blind_flags {
	BLIND_CONFIRMED = 1 << 0,	/* by the other site's response, or its first data: nobody's newcomer takes its place */
	BLIND_INITIATED = 1 << 1,	/* made by an initiation, which a response may confirm */
};

/* Of a key, and its homes, as table_home() */
static inline __u64 blind_hash(__u64 key)
{
	__u64 h = key * 0x9fb21c651e98df25ULL;

	return h ^ h >> 32;
}

static inline __u32 blind_home(__u64 hash, int home, __u32 mask)
{
	return (home ? hash >> 20 : hash) & mask;
}

#define BLIND_SECONDS 190		/* WireGuard's Reject-After-Time, and what the way takes */
#define BLIND_LONGEST_SECONDS SESSION_SECONDS	/* of an index of our own WireGuard */
#define BLIND_TENTATIVE_SECONDS 10	/* of an initiation that nobody has answered */
#define BLIND_ANSWER_SECONDS 5	/* after its first response, which may be forged, an initiation may have others */
#define BLIND_WAITING_SECONDS 30	/* of one that waits for its addressee */

/* blind_lock: ARRAY of one */
struct blind_lock {
	struct bpf_spin_lock lock;
};

/* hints: ARRAY of buckets, as sessions, by site 0 alone: an index of a session between sites → the one that sends with it */

/* blind_pairs: HASH, BLIND_PAIR(): indices that a site has given out for another, the last ones: a newcomer takes the place of the
 * oldest one that is not confirmed */
#define BLIND_PAIR(origin, user) ((__u32)(origin) << 16 | (user))
#define BLIND_RING 256
struct blind_pair {
	__u32 next;
	__le32 index[BLIND_RING];
};

/* blind_totals: PERCPU_ARRAY of what a site sent to another: from * sites_room + to */
struct blind_total {
	__u64 packets, bytes;		/* as in struct total */
};

/* blind_waiting: ARRAY by site: the last initiation for it, until our own WireGuard has found it */
struct blind_waiting {
	__u64 since;			/* jiffies; 0: none */
	__u32 from;
	__u8 message[INITIATION_LEN];
};

/* blind_state: ARRAY of one */
struct blind_state {
	__u32 sites;			/* numbers in use end before this; 0: no key is known yet, not even our own */
	__u32 room;			/* of blind_totals: sites a row */
	__u64 limit;			/* of what is nobody's, as in struct guard_state */
	__u64 told;			/* when a newcomer was told of last, in jiffies */
	__u64 refused, challenges;	/* newcomers whose index another has, or without room; sites asked whether they have moved */
};
#define BLIND_STRAYS 1000		/* a second */

#endif
