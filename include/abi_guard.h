/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The guard, which inspects WireGuard messages to a service: type, length, mac1, replay, and limits
 * of rate. If several backends share a listener, it also selects the backend. The programs in
 * bpf/guard/ use these maps; user space writes the keys and limits. WireGuard's whitepaper, section
 * 5.4, describes the messages, mac1 and cookies. Part of abi.h.
 */
#ifndef WGXDP_ABI_GUARD_H
#define WGXDP_ABI_GUARD_H

enum message { MESSAGE_INITIATION = 1, MESSAGE_RESPONSE, MESSAGE_COOKIE, MESSAGE_DATA };
#define MESSAGES 4
#define INITIATION_LEN 148
#define RESPONSE_LEN 92
#define COOKIE_LEN 64
#define DATA_LEN 32			/* length of the shortest data message, in bytes */
#define MAC_LEN 16

enum guard_flags {
	GUARD_ON = 1 << 0,
	/* Data passes only from a client that a backend has answered, or with a receiver index that
	 * a backend gave out. */
	GUARD_STRICT = 1 << 1,
	GUARD_BACKENDS = 1 << 2,	/* the public key whose mac1 matches selects the backend */
	GUARD_JUNK = 1 << 3,		/* AmneziaWG: junk bytes precede a message */
	/* When initiations exceed challenge_each, a client must prove its address by a mac2. */
	GUARD_CHALLENGE = 1 << 4,
};

/* guards: ARRAY, indexed by the service's id. All zero means no guard. Times and rates are in
 * ticks: jiffies << GUARD_TICK.
 *
 * A rate limit allows one event per `each`, and `burst` events at once. The state of a rate limit
 * is a single number, the time up to which the limit is used. Each event adds `each` to that time,
 * or to the present time if that is later. An event that would move it beyond now + burst * each is
 * refused. */
#define GUARD_TICK 20
struct guard {
	__u32 flags;
	/* GUARD_KEYS_WORD(): index of the first key in guard_keys, and the number of keys. The
	 * index and the number are one word, so that all keys change at once. */
	__u32 keys;
	/* First four bytes of message types 1 to 4, as in the packet: the type and three reserved
	 * bytes, or AmneziaWG's replacement: the lowest number of its range. */
	__u32 header[MESSAGES];
	__u16 junk[MESSAGES];	/* AmneziaWG: junk bytes before a message of this type */
	/* Limit of initiations with a valid mac1 from one source (IPv4 address, IPv6 /64). */
	__u64 source_each, source_burst;
	/* Limit of initiations to the service, except from sources that a backend has answered. */
	__u64 service_each, service_burst;
	__u64 challenge_each, challenge_burst;
	/* For user space: from how many unanswered initiations, and how many sources of them, on a
	 * backend is down. */
	__u32 health_initiations, health_sources;
	/* For user space: bit n is set if the standby serves in the place of backend number n. */
	__u64 standby;
	/* AmneziaWG 2.0: highest number of each type's range, less the lowest (.header). */
	__u32 span[MESSAGES];
	__u8 pad[16];
};
_Static_assert(sizeof(struct guard) == 128, "a guard is two cache lines");

/* Largest number of a service's backends; they are numbered from 0 (KEY_BACKEND). */
#define GUARD_BACKENDS_MAX 64
#define GUARD_KEYS_MAX 128	/* keys of a service at most, during a change old and new ones */

#define GUARD_KEYS_WORD(first, n) ((first) << 8 | (n))
#define GUARD_KEYS_FIRST(word) ((word) >> 8)
#define GUARD_KEYS_N(word) ((word) & 0xff)

/* guard_keys: ARRAY. The keys of a service are consecutive. New keys are written to a free range,
 * which is then published by struct guard .keys. */
struct guard_key {
	/* BLAKE2s state (for 16 bytes of output) after the key block. The key is HASH("mac1----" ||
	 * public key). */
	__u32 mac1[8];
	__u32 backend;			/* number of the backend with this key */
	__u32 pad[7];
};

/* public_keys: ARRAY, indexed like guard_keys: the public key of each entry. Only user space uses
 * it. */
struct public_key {
	__u8 b[32];
};

/* guard_state: ARRAY, indexed by the service's id. The first two members are states of rate limits,
 * in ticks. */
struct guard_state {
	__u64 service_until, challenge_until;
	__u64 challenging;	/* until this time in jiffies clients must answer challenges */
	/* Secret that selects the row in the map replays, so that an attacker cannot tell which
	 * initiations share a row. 0: not drawn yet. */
	__u64 seed;
};

/* guard_sources: entries of struct learned_entry: a source and the kind of limit -> the limit. The
 * source is an IPv4 address or an IPv6 /64. Address 0 stands for all initiations with a cookie that
 * the backend itself issued. */
struct client_key {
	struct addr addr;
	__be16 port;
	__u16 id;			/* service id */
	__u32 what;	/* enum limited in guard_sources; 0 in other maps */
};
enum limited {
	LIMITED_SOURCE,	/* handshakes of the source; the key's port is 0 */
	/* Messages of one client (address, port) that count for its backend's health. */
	LIMITED_CLIENT,
	/* Initiations of the source with a cookie of the backend itself; the key's port is 0. */
	LIMITED_COOKIES,
};

/* answered: entries of struct learned_entry, LIVE: the clients to which a backend has sent an
 * initiation or a response. A backend sends these only to peers that it knows. An entry is valid
 * for SESSION_SECONDS, as long as the session that the message begins. */
/* Validity of an entry: WireGuard's Reject-After-Time of 180 s, plus transit. */
#define SESSION_SECONDS 200
struct answered {
	__u32 backend;
	/* In the map indices, true: the backend expects no response to this index. */
	__u32 used;
};

/* indices: entries of struct learned_entry, LIVE for SESSION_SECONDS: the sender index in a
 * backend's initiation or response -> the backend. The messages that follow from the client have it
 * as receiver index. */
struct index_key {
	__le32 index;
	__u32 id;			/* service id */
};

/* replays: ARRAY, indexed by a hash of mac1 and struct guard_state .seed. The
 * forwarded initiations and the sender of each. .until is when an entry expires: the low 32 bits of
 * jiffies, at most REPLAY_SECONDS ahead. A new entry displaces the oldest one of its row. */
#define REPLAY_SECONDS 180
#define REPLAYS_ROW 4
struct replay {
	__u64 mac1[2];
	struct addr addr;
	__u32 until;
	__be16 port;
	__u16 id;			/* service id */
};
struct replays {
	struct replay replay[REPLAYS_ROW];
};

/* handshakes: ARRAY, indexed by a hash of client, service and sender index. The entry holds that
 * hash, and when the initiation was forwarded, in nanoseconds (CLOCK_MONOTONIC). Hash 0: the
 * backend has answered, or the place is free. */
struct handshake {
	__u64 hash;
	__u64 begun;			/* bit 0: HANDSHAKE_CHARGED */
};
/* The initiation had a valid mac2, so its source was charged for it. The answer is free then. */
#define HANDSHAKE_CHARGED 1

#ifdef WGXDP_HOST
#define REPLAY_ROWS 64			/* number of rows in unit tests, which search all of them */
#define HANDSHAKE_PLACES 64
#else
#define REPLAY_ROWS 65536
#define HANDSHAKE_PLACES 16384
#endif

/* cookies: ARRAY of one element, for the cookie challenge. The daemon writes it: the BLAKE2s states
 * (16 bytes of output) after the key blocks of its present secret and the previous one. A cookie is
 * the hash of COOKIE_INPUT bytes: the client's address, and its port as a little-endian 32-bit
 * number. Without a daemon, the guard drops initiations above the challenge's rate. */
#define COOKIE_SECONDS 120
#define COOKIE_INPUT 20
struct cookie_key {
	__u32 h[8];
};
struct cookies {
	struct cookie_key secret[2];
	__u64 alive;		/* time in jiffies until which a daemon answers challenges */
	/* For user space: cookie replies since `up`, and Unix time of the daemon's last write. */
	__u64 replies, written;
};
#define COOKIES_ALIVE_SECONDS 2		/* time from the daemon's last write until .alive */

/* challenges: RINGBUF of initiations to which the daemon sends a cookie reply. */
#define CHALLENGES_BYTES 65536
struct challenge {
	struct addr client, local;	/* source and destination of the initiation */
	__be16 client_port, local_port;
	__u32 ifindex;		/* logical link of arrival */
	__u32 id;			/* service id */
	__u32 key;			/* index in guard_keys of the key that fits mac1 */
	__le32 index;			/* sender index of the initiation */
	__u8 mac1[MAC_LEN];
	__u32 pad;
};

/* challenged: entries of struct learned_entry, HALF, without a value: the clients to which a
 * backend itself has sent a cookie. An entry is valid for COOKIE_SECONDS, like the cookie. */

/* health: ARRAY, indexed by id * GUARD_BACKENDS_MAX + backend number: how the backends of a service
 * with a guard answer initiations. */
#define HEALTH_SECONDS 5
/* Number of buckets of the histogram. Bucket 0 has times below 1 ms, bucket i those from 2^(i-1) to
 * 2^i ms. The last bucket has all longer times. */
#define HANDSHAKE_BUCKETS 16
#define HEALTH_SOURCES 16		/* the largest `health: { sources: … }` */
struct health {
	__u64 initiations;		/* forwarded initiations with a valid mac1 */
	__u64 responses;		/* responses from the backend */
	__u64 unanswered;		/* initiations since the backend's last answer */
	__u64 sources;	/* number of sources of these initiations, at most HEALTH_SOURCES */
	/* Jiffies at the backend's last response, or at the first response of a client to an
	 * initiation of the backend; 0: none. */
	__u64 answered;
	/* Times from initiation to response, added up, in nanoseconds. */
	__u64 seconds;
	/* Like .unanswered and .sources, but only for clients that the backend has answered before.
	 * Each client counts once in HEALTH_SECONDS. Any packet from the backend to one of these
	 * clients sets .unanswered, .sources and these two members to 0. */
	__u64 known_unanswered, known_sources;
	__u64 buckets[HANDSHAKE_BUCKETS];
	/* Hashes of the sources that .sources and .known_sources count, in the first places. */
	__u32 tags[HEALTH_SOURCES], known_tags[HEALTH_SOURCES];
};

/* backend_names: ARRAY, indexed like health: the names of a service's backends, if it has several.
 * Only user space uses it. A backend keeps its number as long as it keeps its name, because the
 * maps answered and indices and the flows refer to the number. */
struct backend_name {
	char name[NAME_LEN];		/* "": no backend has the number */
};

/* guard_budget: PERCPU_ARRAY of one element: how many BLAKE2s compressions this CPU may still spend
 * on handshake messages. There are three budgets: for sources that a backend has answered, for
 * other sources, and for sources whose mac1 was wrong lately. */
#ifndef BUDGET_KNOWN
#define BUDGET_KNOWN 500000		/* compressions per second and CPU */
#define BUDGET_UNKNOWN 1500000
#define BUDGET_FAILED 100000
#endif
struct guard_budget {
	__u64 since;		/* when the budgets were last refilled, in jiffies */
	/* Compressions left of the budgets for known sources, others, and failed ones. Negative if
	 * the last message took more than was left. */
	__s64 left[3];
};

/* failed: ARRAY, indexed by a hash of the source: an IPv4 address, an IPv6 /64, or a blind site's
 * number. An element holds four sources: a tag, and the time in jiffies at which the source's share
 * is fully restored, 32 bits each. A source may send FAILED_SHARE wrong mac1s at once, and again in
 * FAILED_SECONDS. Beyond that, its messages are paid from BUDGET_FAILED. */
#define FAILED_PLACES 16384
#define FAILED_SECONDS 4
#define FAILED_SHARE 16
#define FAILED_EACH 4
struct failed {
	__u64 of[FAILED_EACH];
};

#endif
