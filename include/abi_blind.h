/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The blind relay: its sites, where each is, and which receiver index belongs to which session
 * (bpf/blind/). Part of abi.h.
 */
#ifndef WGXDP_ABI_BLIND_H
#define WGXDP_ABI_BLIND_H

#define BLIND_SITES_MAX 1024		/* number 0 is the relay itself */

#define BLIND_LAST 8

/* The place of a site. 64 bytes. */
struct blind_place {
	/* as for an original to the site: address, port; .id is the blind relay's own, .slot is
	 * unused */
	struct service service;
	struct addr local;		/* our address, in that family */
	__u16 sum;			/* one's complement sum of both addresses */
	__u8 family;			/* 0: not authenticated yet */
	__u8 pad[13];
};

/* blind_sites: ARRAY by number. A new place is written beside the present one, then `now` switches
 * to it, so that no packet meets half of it. */
struct blind_site {
	struct blind_place place[2];
	__u32 now;
	__be16 candidate_port;
	__u16 pad;
	__u32 mac1[8];			/* as struct guard_key .mac1, of its public key */
	/* where data of its sessions came from that may be its own */
	struct addr candidate;
	/* 1: set by the daemon, which heard nothing from the present place. The next packet that
	 * our own WireGuard sends to the site is copied to the candidate. */
	__u64 asked;
	__u64 challenged;		/* when there was a candidate last, in jiffies */
	/* for user space: when it came to its place, in seconds since 1970 */
	__u64 since;
	__u64 challenges;
	/* sites that its initiations were for, each at its number's place; 0: none */
	__u16 last[BLIND_LAST];
	__u64 pad1[3];
	__u64 may[BLIND_SITES_MAX / 64];	/* a bit for each site to which it may talk */
};
_Static_assert(sizeof(struct blind_place) == 64 && sizeof(struct blind_site) == 384,
	       "whole cache lines");

/* blind_names: ARRAY of struct peer_name by number; the data path does not read it. Empty: a free
 * number. */

/* endpoints: ARRAY of table_bucket, like the table: KEY_ENDPOINT, a remote address and port -> the
 * site that our own WireGuard knows there. Only the daemon writes it. */

/* sessions: ARRAY of buckets. The data path writes it under blind_lock and reads it without. A
 * reader checks the key before and after it reads the value. Key: the site that receives with an
 * index; value: the site that gave it out. Under site 0: an index of our own WireGuard. */
#define BLIND_WAYS 4
struct blind_session {
	__u64 key;			/* BLIND_KEY(); 0: free */
	__u64 value;			/* BLIND_VALUE() */
};
struct blind_bucket {
	struct blind_session way[BLIND_WAYS];
};
/* the index as it stands in the packet */
#define BLIND_KEY(site, index) (1ULL << 63 | (__u64)(site) << 32 | (index))
/* `until` in jiffies has 46 bits, enough for two thousand years; one word, so that it changes at
 * once */
#define BLIND_VALUE(until, origin, flags) ((__u64)(until) << 18 | (__u32)(origin) << 8 | (flags))
#define BLIND_UNTIL(value) ((value) >> 18)
#define BLIND_ORIGIN(value) ((__u32)(value) >> 8 & (BLIND_SITES_MAX - 1))
enum blind_flags {
	/* by the other site's response, or its first data: no new index takes its place */
	BLIND_CONFIRMED = 1 << 0,
	BLIND_INITIATED = 1 << 1,	/* made by an initiation; a response may confirm it */
};

/* Hash of a key; blind_home() gives its homes, as table_home() does */
static inline __u64 blind_hash(__u64 key)
{
	__u64 h = key * 0x9fb21c651e98df25ULL;

	return h ^ h >> 32;
}

static inline __u32 blind_home(__u64 hash, int home, __u32 mask)
{
	return (home ? hash >> 20 : hash) & mask;
}

#define BLIND_SECONDS 190		/* WireGuard's Reject-After-Time, and the way */
#define BLIND_LONGEST_SECONDS SESSION_SECONDS	/* for an index of our own WireGuard */
#define BLIND_TENTATIVE_SECONDS 10	/* for an unanswered initiation */
/* after its first response, which may be forged, an initiation may have others */
#define BLIND_ANSWER_SECONDS 5
#define BLIND_WAITING_SECONDS 30	/* for one whose receiver is unknown */

/* blind_lock: ARRAY of one */
struct blind_lock {
	struct bpf_spin_lock lock;
};

/* hints: ARRAY of buckets like sessions, under site 0 alone: an index of a session between sites ->
 * the site that sends with it. */

/* blind_pairs: HASH, BLIND_PAIR() -> the last indices that a site (origin) has given out for
 * another (user). So a pair fills its own places alone. A new index takes the place of the oldest
 * unconfirmed one, a confirmed one that of the oldest confirmed one. WireGuard has at most three
 * sessions with a peer, and one that begins. */
#define BLIND_PAIR(origin, user) ((__u32)(origin) << 16 | (user))
#define BLIND_RING 32
#define BLIND_CONFIRMED_RING 8
/* new indices of a pair, at once and in a second: so one lives longer than a round trip */
#define BLIND_NEWCOMERS 32
struct blind_pair {
	__u32 next, next_confirmed;
	__u64 limit;	/* up to when BLIND_NEWCOMERS are used, as in struct guard_state */
	__le32 index[BLIND_RING];
	__le32 confirmed[BLIND_CONFIRMED_RING];
};

/* blind_totals: PERCPU_ARRAY by from * room + to: what one site sent to another */
struct blind_total {
	__u64 packets, bytes;		/* as in struct total */
};

/* blind_waiting: ARRAY by site: the last initiation for it, until our own WireGuard has found the
 * site */
#define BLIND_WRITING (~0ULL)		/* a CPU writes it now */
struct blind_waiting {
	__u64 since;			/* jiffies; 0: none; or BLIND_WRITING */
	__u32 from;
	__u8 message[INITIATION_LEN];
};

/* blind_state: ARRAY of one */
struct blind_state {
	/* numbers in use are below this; 0: no key is known yet, not even our own */
	__u32 sites;
	__u32 room;			/* sites in a row of blind_totals */
	/* of messages that belong to nothing, as in struct guard_state */
	__u64 limit;
	/* when the daemon was last told of a message from an unknown place, in jiffies */
	__u64 told;
	/* new indices that another site has or that found no room; sites asked whether they
	 * moved */
	__u64 refused, challenges;
};
#define BLIND_STRAYS 1000		/* a second */

#endif
