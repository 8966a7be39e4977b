/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The generic hash table, which user space writes and the programs read for every packet
 * (bpf/table.h, user/dataplane/table.c). The table holds services, replies, VLANs, /64 routes,
 * pairs of peers with a rate, ports that no flow may use, and the listeners of the blind relay. The
 * map endpoints has the same layout. Part of abi.h.
 */
#ifndef WGXDP_ABI_TABLE_H
#define WGXDP_ABI_TABLE_H

enum table_kind {
	KEY_NONE, KEY_SERVICE, KEY_REPLY, KEY_VLAN, KEY_OLD, KEY_UNTIL, KEY_ROUTE, KEY_BLIND,
	KEY_ENDPOINT,
	/* For a service with SERVICE_WAYS: the backend's replies may arrive on this link. The port
	 * of the key is 0, and the value is all zero. */
	KEY_WAY,
	/* From one peer to another: the key's addr is rate_pair(), its word has nothing else, and
	 * the value is .rate. */
	KEY_PAIR,
	/* An address and port of this host that no flow may use, because others listen there. The
	 * ifindex of the key is 0, and the value is all zero. */
	KEY_OWN_PORT,
	/* KEY_BACKEND + number (1 to 63): one of several backends of a service. The value is as for
	 * KEY_SERVICE. KEY_SERVICE itself holds the backend with the lowest number of those that
	 * have an address for this listener. */
	KEY_BACKEND = 64
};

/* addr: the listener's address, or for replies the backend's; word: table_word(). */
struct table_key {
	struct addr addr;
	__u64 word;
};

/* Packs the rest of a key into one word: kind, family, port in network byte order, and the ifindex
 * of the logical link (for replies 0, which means any link). */
static inline __u64 table_word(enum table_kind kind, __u8 family, __be16 port, __u32 ifindex)
{
	return (__u64)ifindex << 32 | (__u32)(__u16)port << 16 | family << 8 | kind;
}

/* Returns the number to add to the word of KEY_SERVICE for a backend's number. */
static inline __u64 table_backend(__u32 number)
{
	return number ? KEY_BACKEND - KEY_SERVICE + number : 0;
}

enum service_flags {
	/* The backend serves several listeners: the map choices remembers which one a client
	 * used. */
	SERVICE_CHOICE = 1 << 0,
	SERVICE_SAME = 1 << 1,		/* nat: none; only TTL and MAC addresses are rewritten */
	SERVICE_OLD = 1 << 2,		/* KEY_REPLY: look its listeners up under KEY_OLD */
	/* KEY_SERVICE: source_trie has the service's allow and deny lists. */
	SERVICE_LISTS = 1 << 3,
	/* IPv4: a packet without DF that exceeds the MTU is reported to its sender instead of
	 * fragmented. */
	SERVICE_DF_REPORT = 1 << 4,
	/* KEY_SERVICE: its clients have flows. KEY_REPLY: the clients of all its listeners have
	 * flows, so a packet without a flow is not ours. */
	SERVICE_MASQUERADE = 1 << 5,
	/* KEY_REPLY: clients of some of its listeners have flows, so flows are searched first. */
	SERVICE_FLOWS = 1 << 6,
	/* From this bit on: the number of the backend, 0 to 63, if the service has several. */
	SERVICE_BACKEND_SHIFT = 8,
	/* KEY_REPLY or KEY_OLD, which have no backend number in the upper bits: another host serves
	 * in the place of this backend, so its packets to clients are dropped. A client that hears
	 * both would soon lose its session. */
	SERVICE_QUIET = 1 << 15,
	/* KEY_SERVICE that masquerades: the backend's address is IPv6. The listener's may be
	 * either. */
	SERVICE_TO_IPV6 = 1 << 7,
	/* The kernel chooses between several next hops to the backend. Replies of the backend may
	 * arrive on every link that has a KEY_WAY. */
	SERVICE_WAYS = 1 << 14,
};
#define SERVICE_BACKEND(flags) ((flags) >> SERVICE_BACKEND_SHIFT & 63)

/* Value of KEY_SERVICE, KEY_OLD and KEY_REPLY: the new address and port of a matching packet. */
struct service {
	/* New destination: the backend's address; in a reply, the listener's as the source. */
	struct addr to;
	__be16 port;		/* port that goes with .to */
	/* Checksum difference of the address: new - old in one's complement, as in RFC 1624. Unused
	 * if the service masquerades. */
	__u16 delta;
	__u16 id;		/* id of the service, as index in totals, reasons and names */
	__u16 flags;		/* enum service_flags */
	/* Next hop to the backend for this link and local address, in the map nexthops. Replies use
	 * slot + 1. */
	__u32 slot;
	__u32 ifindex;		/* logical link of the listener */
};

/* Returns `before` plus the one's complement sum (RFC 1071) of an address. The words are summed as
 * they stand in memory. */
static inline __u16 address_sum(const struct addr *a, __u16 before)
{
	__u32 sum = before;

	for (int i = 0; i < 4; i++)
		sum += (a->w[i] & 0xffff) + (a->w[i] >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum + (sum >> 16);
}

/* When a listener gets another backend, its former entry is kept under KEY_OLD, with old_addr() in
 * the place of the local address. So packets of present clients still reach the former backend. An
 * entry of KEY_UNTIL with the same address holds the time (CLOCK_BOOTTIME, seconds) at which a
 * command or the daemon removes both. If the former backend also has present listeners, these are
 * under KEY_OLD as well, without a time. */
struct old_until {
	__u64 until;
	__u64 pad[3];
};

static inline struct addr old_addr(const struct addr *local, const struct addr *backend)
{
	return (struct addr){ .q = { local->q[0] ^ backend->q[0], local->q[1] ^ backend->q[1] } };
}

/* Allow and deny lists of services are in source_trie too. The key's .id is SERVICE_LIST | id of
 * the service, and the value is enum list_verdict. The longest matching prefix decides. If none
 * matches, the client is allowed, unless a list in service_lists denies it. */
#define SERVICE_LIST (1U << 31)
enum list_verdict {
	LIST_ALLOW = 1,
	LIST_DENY = 2,
	/* The lists in service_lists decide; a client in none of them is allowed, or denied. */
	LIST_ELSE_ALLOW = 3,
	LIST_ELSE_DENY = 4,
};

/* Value of KEY_VLAN. The key's addr is { vlan_key(), 0 }, and its ifindex is that of the port. */
struct vlan {
	__u32 ifindex;		/* logical link with these tags */
	__u32 pad[7];
};

/* Value of KEY_ROUTE. The key's addr is a /64 prefix, and its word is table_word(KEY_ROUTE,
 * FAMILY_IPV6, 0, 0). */
struct route {
	__u32 word;	/* peer of the prefix, with flags: abi_relay.h */
	__u32 pad[7];
};

/* Packs the tags of a frame into one word: the outer tag's protocol (host byte order) and id, and
 * the inner tag's id (0: no inner tag). */
static inline __u64 vlan_key(__u16 outer_protocol, __be16 outer, __be16 inner)
{
	return (__u64)outer_protocol << 32 | (__u32)outer << 16 | inner;
}

struct table_entry {
	__u64 tag;	/* table_hash() of the key; 0: free. Writing it publishes the entry. */
	struct table_key key;
	union {
		struct service service;
		struct vlan vlan;
		struct old_until old;
		struct route route;
		__u32 site;	/* KEY_ENDPOINT: site number and enum blind_endpoint */
		__u32 rate;	/* KEY_PAIR: index in the map rates, counted from numbered_rates */
		__u8 value[32];
	};
};

#define TABLE_WAYS 2
struct table_bucket {
	struct table_entry entry[TABLE_WAYS];
};

_Static_assert(sizeof(struct service) == 32, "a service is half a cache line");
_Static_assert(sizeof(struct table_entry) == 64, "an entry is a cache line");

/* Returns the hash of a key, which is never 0. The low bits select one bucket, and the bits from 20
 * on select the second bucket. The three multiplications are independent of each other, because the
 * program waits for the longest chain of dependent instructions. */
static inline __u64 table_hash(const struct table_key *key)
{
	__u64 h = key->addr.q[0] * 0xff51afd7ed558ccdULL + key->addr.q[1] * 0xc4ceb9fe1a85ec53ULL +
		  key->word * 0x9e3779b97f4a7c15ULL;

	h = (h ^ h >> 32) * 0x9fb21c651e98df25ULL;
	return (h ^ h >> 32) | 1ULL << 63;
}

static inline __u32 table_home(__u64 hash, int home, __u32 mask)
{
	return (home ? hash >> 20 : hash) & mask;
}

#endif
