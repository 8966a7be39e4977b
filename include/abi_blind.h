/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Maps of the blind relay, which forwards WireGuard messages between sites without a key of theirs:
 * its sites, the address of each, and the session that each receiver index belongs to. The programs
 * in bpf/blind/ and the daemon (user/daemon/blind.c) use them. Part of abi.h.
 */
#ifndef WGXDP_ABI_BLIND_H
#define WGXDP_ABI_BLIND_H

/* Room for sites, a power of two. Site 0 is this host's own WireGuard. */
#define BLIND_SITES_MAX (1 << 17)

#define BLIND_LAST 8

/* How packets reach a site: addresses and port. */
struct blind_place {
	/* Destination of packets to the site. .id is the blind relay's id; .slot is unused. */
	struct service service;
	struct addr local;	/* this host's address for packets to the site */
	__u16 sum;	/* one's complement sum of local and service.to */
	__u8 family;		/* family of both addresses; 0: the site's address is unknown */
	__u8 pad[13];
};

/* blind_sites: ARRAY, indexed by site number. The daemon writes a new place into the inactive
 * element of .place, then publishes it by one store to .now. So no packet sees a half-written
 * place. */
struct blind_site {
	struct blind_place place[2];
	__u32 now;
	__be16 candidate_port;
	/* BLAKE2s state for mac1 of the site's public key, as in struct guard_key. */
	__u32 mac1[8];
	/* Other address from which data of the site's sessions came: it may have moved there. */
	struct addr candidate;
	/* 1: the site does not answer at its present place, so the next packet from our own
	 * WireGuard to it is also copied to the candidate. The daemon sets this. */
	__u64 asked;
	__u64 challenged;	/* when data last came from a candidate, in jiffies */
	/* For user space: seconds since 1970 at which the site got its present place. */
	__u64 since;
	__u64 challenges;
	/* Sites to which this site recently sent initiations, each at index (site number %
	 * BLIND_LAST); 0: none. */
	__u32 last[BLIND_LAST];
	__u64 pad;
};
_Static_assert(sizeof(struct blind_place) == 64 && sizeof(struct blind_site) == 256,
	       "whole cache lines");

/* blind_names: ARRAY of struct peer_name, indexed by site number: names and keys of the sites. An
 * empty name marks a free number. Only user space uses it. */

/* endpoints: ARRAY of struct table_bucket. Keys of KEY_ENDPOINT: remote address and port -> number
 * of the site that WireGuard has authenticated there. Keys of KEY_PAIR, made by blind_may_key():
 * two sites that may send to each other, without a value. Only the daemon writes it. */
static inline struct table_key blind_may_key(__u32 a, __u32 b)
{
	__u64 pair = a < b ? (__u64)a << 32 | b : (__u64)b << 32 | a;

	return (struct table_key){ .addr.q[0] = pair, .word = table_word(KEY_PAIR, 0, 0, 0) };
}

/* sessions: ARRAY of struct blind_bucket. Key: the receiver index in a message, and the site that
 * the message comes from. Value: the site that gave the index out, to which the message is
 * forwarded. Entries under site 0 are indices of this host's own WireGuard.
 *
 * The programs write an entry under blind_lock and read it without the lock. A reader checks the
 * key before and after it reads the value. */
#define BLIND_WAYS 4
struct blind_session {
	__u64 key;			/* made by BLIND_KEY(); 0: free */
	__u64 value;			/* made by BLIND_VALUE() */
};
struct blind_bucket {
	struct blind_session way[BLIND_WAYS];
};
/* Makes the key of an entry. index: the 32 bits of the receiver index as they are in the packet. */
#define BLIND_KEY(site, index) (1ULL << 63 | (__u64)(site) << 32 | (index))
/* Returns the site that sends with the index of an entry with this key. */
#define BLIND_USER(key) ((__u32)((key) >> 32) & (BLIND_SITES_MAX - 1))
/* Makes the value of an entry: one word, so that it changes atomically. `until` is a time in
 * jiffies; it has 44 bits, enough for five hundred years. */
#define BLIND_VALUE(until, origin, flags) ((__u64)(until) << 20 | (__u32)(origin) << 2 | (flags))
#define BLIND_UNTIL(value) ((value) >> 20)
#define BLIND_ORIGIN(value) ((__u32)(value) >> 2 & (BLIND_SITES_MAX - 1))
enum blind_flags {
	/* The other site confirmed the index by a response or by its first data. A new index cannot
	 * displace it. */
	BLIND_CONFIRMED = 1 << 0,
	/* The index came from an initiation, so a response may confirm it. */
	BLIND_INITIATED = 1 << 1,
};

/* Returns the hash of a key. blind_home() derives both places of the key from it, like
 * table_home(). */
static inline __u64 blind_hash(__u64 key)
{
	__u64 h = key * 0x9fb21c651e98df25ULL;

	return h ^ h >> 32;
}

static inline __u32 blind_home(__u64 hash, int home, __u32 mask)
{
	return (home ? hash >> 20 : hash) & mask;
}

/* Validity of an index: WireGuard's Reject-After-Time of 180 s, plus transit. */
#define BLIND_SECONDS 190
/* Validity of an index of this host's own WireGuard: as long as its session. */
#define BLIND_LONGEST_SECONDS SESSION_SECONDS
/* Validity of an index of an initiation that has no response yet. */
#define BLIND_TENTATIVE_SECONDS 10
/* Seconds after its first response in which an initiation may get others: an attacker may have
 * forged the first one. */
#define BLIND_ANSWER_SECONDS 5
/* Validity of an index in an initiation that waits for the address of its site. */
#define BLIND_WAITING_SECONDS 30
/* Seconds after which the daemon does not send the initiation any more. */
#define BLIND_SEND_SECONDS 25

/* An entry that user space writes into the map sessions, and into hints if it is confirmed: the
 * program wgxdp_blind_put gets up to BLIND_PUTS of them, behind an Ethernet header. */
#define BLIND_PUTS 128
struct blind_put {
	__u64 key, value;	/* as in struct blind_session; value 0: remove the key */
	__u64 origin;			/* with value 0: the site that gave the index out */
};

/* blind_lock: ARRAY of one element; taken to write into sessions or hints. */
struct blind_lock {
	struct bpf_spin_lock lock;
};

/* hints: ARRAY of struct blind_bucket: index of a session between two sites -> the site that sends
 * with it. All keys have site 0. If a message with such an index comes from an unknown address,
 * this map tells which site to challenge. */

/* blind_pairs: HASH. Key BLIND_PAIR(): origin gave out indices, user sends with them. Value: the
 * latest indices of that pair. Each pair of sites has its own entry, so one pair cannot displace
 * the indices of another.
 *
 * A new index displaces the oldest unconfirmed one, and a newly confirmed index the oldest
 * confirmed one. WireGuard has at most three sessions with a peer and one handshake in progress. */
#define BLIND_PAIR(origin, user) ((__u64)(origin) << 32 | (user))
#define BLIND_RING 32
#define BLIND_CONFIRMED_RING 8
/* New indices that a pair may use at once, and again in each second. BLIND_RING is as large, so
 * that an index lives longer than a round trip. */
#define BLIND_NEWCOMERS 32
struct blind_pair {
	__u32 next, next_confirmed;
	/* Rate limit of the pair's new indices, as in struct guard. So it also tells when the pair
	 * was used last. */
	__u64 limit;
	__le32 index[BLIND_RING];
	__le32 confirmed[BLIND_CONFIRMED_RING];
};

/* blind_totals: PERCPU_ARRAY, the traffic from one site to another. Each CPU takes a free element
 * for a pair when it forwards the pair's first packet: one of BLIND_TOTAL_TRIES elements that
 * follow blind_total_home(). Element 0 counts the packets of pairs that found none. */
struct blind_total {
	__u32 from, to;			/* sites; from 0: free, or element 0 */
	__u64 packets, bytes;		/* as in struct total */
};
#define BLIND_TOTAL_TRIES 8

/* mask: number of elements minus 1. */
static inline __u32 blind_total_home(__u32 from, __u32 to, __u32 mask)
{
	return (((__u64)from << 32 | to) * 0x9fb21c651e98df25ULL >> 40) & mask;
}

/* blind_waiting: ARRAY, indexed by site number. The last initiation to a site whose address is
 * unknown; it is sent when our own WireGuard has authenticated the site. */
#define BLIND_WRITING (~0ULL)		/* .since while a CPU writes the entry */
struct blind_waiting {
	/* Time in jiffies at which the initiation arrived, or BLIND_WRITING; 0: no initiation. */
	__u64 since;
	__u8 message[INITIATION_LEN];
};

/* blind_state: ARRAY of one element. */
struct blind_state {
	/* A number above those of all sites. 0: no key is known, not even this host's own. */
	__u32 sites;
	/* True: every site may send to every other one. Otherwise the pairs are in endpoints. */
	__u32 may_all;
	/* Rate limit of messages that belong to no session, as in struct guard. */
	__u64 limit;
	/* When a program last sent SIGNAL_MOVED, in jiffies. */
	__u64 signalled;
	/* refused: new indices that another site uses, or for which there was no place. challenges:
	 * how often a site was asked whether it has moved. silenced: messages of this host's own
	 * WireGuard that were dropped because of .only. */
	__u64 refused, challenges, silenced;
	/* The addresses (IPv4, IPv6) that two relays share; 0: any. This host's own WireGuard may
	 * send only from them. From another address, a message would make the sites roam to it. */
	struct addr only[2];
};
#define BLIND_STRAYS 1000	/* messages of no session, per second at most */

#endif
