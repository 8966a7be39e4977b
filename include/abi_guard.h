/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The guard: what a WireGuard message must be to pass a service that asks for it (bpf/guard/), and
 * which backend it is for if several share a listener. Message types, mac1 and cookies: WireGuard's
 * whitepaper, 5.4. Part of abi.h.
 */
#ifndef WGXDP_ABI_GUARD_H
#define WGXDP_ABI_GUARD_H

enum message { MESSAGE_INITIATION = 1, MESSAGE_RESPONSE, MESSAGE_COOKIE, MESSAGE_DATA };
#define MESSAGES 4
#define INITIATION_LEN 148
#define RESPONSE_LEN 92
#define COOKIE_LEN 64
#define DATA_LEN 32			/* of the shortest message */
#define MAC_LEN 16

enum guard_flags {
	GUARD_ON = 1 << 0,
	/* data only from clients that a backend has answered, or with an index that it gave out */
	GUARD_STRICT = 1 << 1,
	GUARD_BACKENDS = 1 << 2,	/* the matching key tells which backend */
	GUARD_JUNK = 1 << 3,		/* a message has bytes in front (AmneziaWG) */
	GUARD_CHALLENGE = 1 << 4,	/* above challenge_each, initiations must have a mac2 */
};

/* guards: ARRAY by the service's id; all 0: no guard. Times and rates in ticks: jiffies <<
 * GUARD_TICK. A limit of one thing each `each`, with `burst` at once, is kept if until + each <=
 * now + burst * each. */
#define GUARD_TICK 20
struct guard {
	__u32 flags;
	/* GUARD_KEYS_WORD(): the first key's place, and how many. One word, so keys change at
	 * once */
	__u32 keys;
	/* of types 1 to 4, as in the packet: type and reserved bytes, or AmneziaWG's */
	__u32 header[MESSAGES];
	__u16 junk[MESSAGES];		/* bytes in front of these */
	/* initiations with a right mac1: of a source (IPv6: its /64) */
	__u64 source_each, source_burst;
	/* and of the service, without sources that a backend has answered */
	__u64 service_each, service_burst;
	__u64 challenge_each, challenge_burst;
	/* for user space: a backend that answered none of so many, from so many, is down */
	__u32 health_initiations, health_sources;
	/* for user space: a bit for each number whose standby serves */
	__u64 standby;
	__u8 pad[32];
};
_Static_assert(sizeof(struct guard) == 128, "a guard is two cache lines");

#define GUARD_BACKENDS_MAX 64 /* a service's; numbered, and KEY_SERVICE has the first one's entry */
#define GUARD_KEYS_MAX 128		/* a service's, old and new ones */

#define GUARD_KEYS_WORD(first, n) ((first) << 8 | (n))
#define GUARD_KEYS_FIRST(word) ((word) >> 8)
#define GUARD_KEYS_N(word) ((word) & 0xff)

/* guard_keys: ARRAY. A service's keys stand in a row. New ones are written elsewhere, then struct
 * guard .keys. */
struct guard_key {
	/* BLAKE2s (16 bytes) after the block of the key HASH("mac1----" || public key) */
	__u32 mac1[8];
	__u32 backend;			/* its number */
	__u32 pad[7];
};

/* public_keys: ARRAY like guard_keys: what each key was made of; the data path does not read it */
struct public_key {
	__u8 b[32];
};

/* guard_state: ARRAY by the service's id: up to when limits are used, in ticks */
struct guard_state {
	__u64 service_until, challenge_until;
	__u64 challenging;		/* it challenges before this, in jiffies */
	/* for the rows of replays: no outsider knows which initiations share one; 0: none yet */
	__u64 seed;
};

/* guard_sources: struct learned_entry, a source and what is limited -> its limit. A source is an
 * IPv4 address, or an IPv6 /64. Address 0: all initiations with a cookie of the backend's. */
struct client_key {
	struct addr addr;
	__be16 port;
	__u16 id;			/* of the service */
	__u32 what;			/* guard_sources: enum limited; else 0 */
};
enum limited {
	LIMITED_SOURCE,			/* its handshakes; port 0 */
	/* messages in the name of one client, which count for its backend's health */
	LIMITED_CLIENT,
};

/* answered: struct learned_entry, LIVE: clients to which a backend has sent an initiation or a
 * response, which it does only to peers that it knows. Good for SESSION_SECONDS: as long as the
 * session that this begins. */
#define SESSION_SECONDS 200		/* WireGuard's Reject-After-Time, and the way */
struct answered {
	__u32 backend;
	__u32 used;			/* indices: the backend waits for no response to this */
};

/* indices: struct learned_entry, LIVE, as long: sender index of a backend's initiation or response
 * -> the backend. Messages for it have this receiver index. */
struct index_key {
	__le32 index;
	__u32 id;			/* of the service */
};

/* replays: ARRAY by a hash of mac1 and struct guard_state .seed -> forwarded initiations, the
 * sender of each, and until when it counts: 32 bits of jiffies, at most REPLAY_SECONDS ahead. The
 * oldest of a row makes room. */
#define REPLAY_SECONDS 180
#define REPLAYS_ROW 4
struct replay {
	__u64 mac1[2];
	struct addr addr;
	__u32 until;
	__be16 port;
	__u16 id;			/* of the service */
};
struct replays {
	struct replay replay[REPLAYS_ROW];
};

/* handshakes: ARRAY by a hash of client, service and the initiator's index -> that hash, and when
 * the initiation was forwarded, in nanoseconds (CLOCK_MONOTONIC). A hash of 0: answered, or
 * unused. */
struct handshake {
	__u64 hash;
	__u64 begun;
};

#ifdef WGXDP_HOST
#define REPLAY_ROWS 64			/* tests look at all of them */
#define HANDSHAKE_PLACES 64
#else
#define REPLAY_ROWS 65536
#define HANDSHAKE_PLACES 16384
#endif

/* The cookie challenge. cookies: ARRAY of one, kept by the daemon: the states of BLAKE2s (16 bytes)
 * after the blocks of its present secret and the one before. A cookie is the hash of the client's
 * address and port (COOKIE_INPUT bytes: the address, the port in 32 bits little-endian). While the
 * daemon is not alive no client is challenged. */
#define COOKIE_SECONDS 120
#define COOKIE_INPUT 20
struct cookie_key {
	__u32 h[8];
};
struct cookies {
	struct cookie_key secret[2];
	__u64 alive;			/* before this, in jiffies */
	__u64 replies;			/* sent since `up`; not for the data path */
};

/* challenges: RINGBUF of initiations that must get a cookie reply */
#define CHALLENGES_BYTES 65536
struct challenge {
	struct addr client, local;	/* its source and destination */
	__be16 client_port, local_port;
	__u32 ifindex;			/* of the logical link where it came in */
	__u32 id;			/* of the service */
	__u32 key;			/* place of the matching key in guard_keys */
	__le32 index;			/* the sender's */
	__u8 mac1[MAC_LEN];
	__u32 pad;
};

/* challenged: struct learned_entry, HALF: clients to which a backend itself has sent a cookie. Good
 * for COOKIE_SECONDS, as the cookie is. No value */

/* health: ARRAY by id * GUARD_BACKENDS_MAX + number, for services with a guard */
#define HEALTH_SECONDS 5
#define HANDSHAKE_BUCKETS 16		/* the i-th: below 2^i ms; the last: any */
struct health {
	__u64 initiations;		/* with a right mac1, forwarded */
	__u64 responses;		/* of the backend */
	__u64 unanswered;		/* initiations since its last answer */
	__u64 sources;			/* of those: a bit for each of 64 hashes of their sources */
	__u64 answered;			/* its last answer, in jiffies; 0: never */
	/* times from initiation to response, summed up, in nanoseconds */
	__u64 seconds;
	/* as unanswered and sources, only of clients that the backend has answered: each client
	 * counts once in HEALTH_SECONDS, and any packet from the backend to such a client clears
	 * all four */
	__u64 known_unanswered, known_sources;
	__u64 buckets[HANDSHAKE_BUCKETS];
};

/* backend_names: ARRAY like health: the names of a service's backends, if it has several; the data
 * path does not read it. A backend keeps its number while it keeps its name, because answered,
 * indices and flows have the number. */
struct backend_name {
	char name[NAME_LEN];		/* "": a free number */
};

/* guard_budget: PERCPU_ARRAY of one: compressions of BLAKE2s that the guard may spend: for sources
 * that a backend has answered, for others, and for those whose mac1 was wrong lately */
#ifndef BUDGET_KNOWN
#define BUDGET_KNOWN 500000		/* a second */
#define BUDGET_UNKNOWN 1500000
#define BUDGET_FAILED 100000
#endif
struct guard_budget {
	__u64 since;			/* jiffies when it was filled last */
	/* others, known, failed; below 0 if the last one took more */
	__s64 left[3];
};

/* failed: ARRAY by a hash of the source (IPv6: its /64; or a site's number) -> for four sources a
 * tag, and the jiffies at which the share of wrong mac1s is whole again, 32 bits each. A source
 * has FAILED_SHARE at once, and again in FAILED_SECONDS. Beyond that it is paid from
 * BUDGET_FAILED. */
#define FAILED_PLACES 16384
#define FAILED_SECONDS 4
#define FAILED_SHARE 16
#define FAILED_EACH 4
struct failed {
	__u64 of[FAILED_EACH];
};

#endif
