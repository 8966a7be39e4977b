/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The generic table, which user space writes and every packet reads (bpf/table.h,
 * user/dataplane/table.c): VLANs, services, replies, /64 routes, the blind relay's listeners;
 * `endpoints` has the same form. Part of abi.h.
 */
#ifndef WGXDP_ABI_TABLE_H
#define WGXDP_ABI_TABLE_H

enum table_kind {
	KEY_NONE, KEY_SERVICE, KEY_REPLY, KEY_VLAN, KEY_OLD, KEY_UNTIL, KEY_ROUTE, KEY_BLIND,
	KEY_ENDPOINT,
	/* with SERVICE_WAYS: the backend's replies may come in by this link; the key's port is 0,
	 * the value too */
	KEY_WAY,
	/* plus the number (1 to 63) of one of a service's several backends: like KEY_SERVICE, which
	 * has number 0's entry, or that of the lowest number with an address */
	KEY_BACKEND = 64
};

/* addr: the local address (service), or the backend's (reply); word: table_word() */
struct table_key {
	struct addr addr;
	__u64 word;
};

/* A key in one word: kind, family, port in network order, and the logical link's ifindex (0 for
 * any, in replies) */
static inline __u64 table_word(enum table_kind kind, __u8 family, __be16 port, __u32 ifindex)
{
	return (__u64)ifindex << 32 | (__u32)(__u16)port << 16 | family << 8 | kind;
}

/* The increment that a backend's number makes to the word of a KEY_SERVICE */
static inline __u64 table_backend(__u32 number)
{
	return number ? KEY_BACKEND - KEY_SERVICE + number : 0;
}

enum service_flags {
	/* the backend serves several listeners: remember each client's choice */
	SERVICE_CHOICE = 1 << 0,
	SERVICE_SAME = 1 << 1,		/* nat none: only TTL and MACs are rewritten */
	SERVICE_OLD = 1 << 2,		/* in a KEY_REPLY: its listeners are looked up as KEY_OLD */
	SERVICE_LISTS = 1 << 3,	/* in a KEY_SERVICE: source_trie has the service's allow and deny */
	/* IPv4 without DF that is too long: tell its sender, instead of cutting it */
	SERVICE_DF_REPORT = 1 << 4,
	/* in a KEY_SERVICE: its clients have flows; in a KEY_REPLY: those of all its listeners do,
	 * and a packet without a flow is not ours */
	SERVICE_MASQUERADE = 1 << 5,
	/* in a KEY_REPLY: clients of some of its listeners have flows: look there first */
	SERVICE_FLOWS = 1 << 6,
	/* above these bits: the number of this one of several backends, 0 to 63 */
	SERVICE_BACKEND_SHIFT = 8,
	/* in a KEY_REPLY or KEY_OLD, where no number is above the shift: another host serves
	 * instead. A client that hears both would not keep a session for long */
	SERVICE_QUIET = 1 << 15,
	/* in a KEY_SERVICE that masquerades: the backend's address is IPv6, whatever the listener's
	 * is */
	SERVICE_TO_IPV6 = 1 << 7,
	/* the kernel chooses a way to the backend for each packet: its replies may come in by any
	 * that KEY_WAY has */
	SERVICE_WAYS = 1 << 14,
};
#define SERVICE_BACKEND(flags) ((flags) >> SERVICE_BACKEND_SHIFT & 63)

/* Value of KEY_SERVICE, KEY_OLD and KEY_REPLY: what such a packet is rewritten to. 32 bytes. */
struct service {
	struct addr to;		/* the backend's address; in a reply the listener's */
	__be16 port;		/* likewise */
	/* checksum difference of the address alone: new - old, one's complement, as in RFC 1624;
	 * unused if it masquerades */
	__u16 delta;
	__u16 id;		/* what totals and reasons count under */
	__u16 flags;		/* enum service_flags */
	/* the backend's next hop for this link and local address; replies use slot + 1 */
	__u32 slot;
	__u32 ifindex;		/* the listener's logical link */
};

/* Adds the one's complement sum of an address's words, as they stand in memory (RFC 1071), to
 * `before` */
static inline __u16 address_sum(const struct addr *a, __u16 before)
{
	__u32 sum = before;

	for (int i = 0; i < 4; i++)
		sum += (a->w[i] & 0xffff) + (a->w[i] >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum + (sum >> 16);
}

/* A listener that has another backend now. KEY_OLD keeps its former entry, under old_addr() instead
 * of the local address. KEY_UNTIL, with otherwise the same key, holds the time (CLOCK_BOOTTIME,
 * seconds) from which on a writer removes both. If a backend has present listeners too, these are
 * under KEY_OLD as well, without a time. */
struct old_until {
	__u64 until;
	__u64 pad[3];
};

static inline struct addr old_addr(const struct addr *local, const struct addr *backend)
{
	return (struct addr){ .q = { local->q[0] ^ backend->q[0], local->q[1] ^ backend->q[1] } };
}

/* Also in source_trie: .id is SERVICE_LIST | the service's id, the value is enum list_verdict. The
 * longest prefix counts; without one, the service is for all. */
#define SERVICE_LIST (1U << 31)
enum list_verdict { LIST_ALLOW = 1, LIST_DENY = 2 };

/* Value of KEY_VLAN. The key's addr is { vlan_key(), 0 }, and its link is the port. */
struct vlan {
	__u32 ifindex;		/* of the logical link */
	__u32 pad[7];
};

/* Value of KEY_ROUTE. The key's addr is a /64, and its word is table_word(KEY_ROUTE, FAMILY_IPV6,
 * 0, 0). */
struct route {
	__u32 word;		/* which peer it belongs to: see abi_relay.h */
	__u32 pad[7];
};

/* Both tags of a frame in one word: the outer one's protocol (host order) and id, the inner one's
 * id (0: none) */
static inline __u64 vlan_key(__u16 outer_protocol, __be16 outer, __be16 inner)
{
	return (__u64)outer_protocol << 32 | (__u32)outer << 16 | inner;
}

struct table_entry {
	__u64 tag;		/* hash of the key; 0: free. Storing it publishes the entry */
	struct table_key key;
	union {
		struct service service;
		struct vlan vlan;
		struct old_until old;
		struct route route;
		__u32 site;	/* of KEY_ENDPOINT, in the map endpoints */
		__u8 value[32];
	};
};

#define TABLE_WAYS 2
struct table_bucket {
	struct table_entry entry[TABLE_WAYS];
};

_Static_assert(sizeof(struct service) == 32, "a service is half a cache line");
_Static_assert(sizeof(struct table_entry) == 64, "an entry is a cache line");

/* Never 0. A key's homes are the low bits, and the bits from 20 on. Three products side by side,
 * then one that mixes them: in the data path the length of the chain is the cost. */
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
