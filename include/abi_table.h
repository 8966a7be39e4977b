/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The generic table: what user space writes and every packet reads. Links on VLANs, services, replies, routes to /64s; later blind
 * sites (bpf/table.h, user/dataplane/table.c). Part of abi.h.
 */
#ifndef WGXDP_ABI_TABLE_H
#define WGXDP_ABI_TABLE_H

enum table_kind {
	KEY_NONE, KEY_SERVICE, KEY_REPLY, KEY_VLAN, KEY_OLD, KEY_UNTIL, KEY_ROUTE, KEY_BLIND, KEY_ENDPOINT,
	KEY_BACKEND = 64		/* and the number (1 to 63) of a backend of a service that has several: as KEY_SERVICE, which is number
					 * 0's, or of the lowest number that has an address */
};

/* addr is the local address (service), the backend's (reply); word from table_word() */
struct table_key {
	struct addr addr;
	__u64 word;
};

/* kind, family, port in network order, and the logical link (ifindex; 0 for any, in replies) of a key, in one word */
static inline __u64 table_word(enum table_kind kind, __u8 family, __be16 port, __u32 ifindex)
{
	return (__u64)ifindex << 32 | (__u32)(__u16)port << 16 | family << 8 | kind;
}

/* What to add to the word of a KEY_SERVICE for a backend by its number */
static inline __u64 table_backend(__u32 number)
{
	return number ? KEY_BACKEND - KEY_SERVICE + number : 0;
}

enum service_flags {
	SERVICE_CHOICE = 1 << 0,	/* the backend serves several listeners: the client's choice is remembered */
	SERVICE_SAME = 1 << 1,		/* nat none: nothing is rewritten but TTL and MACs */
	SERVICE_OLD = 1 << 2,		/* of a KEY_REPLY: its listeners are looked up as KEY_OLD */
	SERVICE_LISTS = 1 << 3,		/* of a KEY_SERVICE: allow and deny of the service are in source_trie */
	SERVICE_DF_REPORT = 1 << 4,	/* IPv4 without DF that is too long: its sender is told, instead of cutting it */
	SERVICE_MASQUERADE = 1 << 5,	/* of a KEY_SERVICE: its clients have flows. Of a KEY_REPLY: all its listeners' do, and
					 * what has none is nobody's */
	SERVICE_FLOWS = 1 << 6,		/* of a KEY_REPLY: some of its listeners' clients do: they are looked for first */
	SERVICE_BACKEND_SHIFT = 8,	/* where a service has several backends: above these bits the number of this one, 0 to 63 */
	SERVICE_QUIET = 1 << 15,	/* of a KEY_REPLY or KEY_OLD, and then the only one above them: another host serves in its place, and
					 * who hears of both has no session for long */
	SERVICE_TO_IPV6 = 1 << 7,	/* of a KEY_SERVICE that masquerades: the backend's address is IPv6, whatever the listener's is */
};

/* Value of KEY_SERVICE, KEY_OLD and KEY_REPLY: what a packet of that direction is rewritten to. 32 bytes. */
struct service {
	struct addr to;		/* the backend's address; in a reply the listener's */
	__be16 port;		/* likewise */
	__u16 delta;		/* checksum difference of the address alone: new - old, one's complement, as in RFC 1624; not of
				 * what masquerades */
	__u16 id;		/* what totals and reasons count under */
	__u16 flags;		/* enum service_flags */
	__u32 slot;		/* next hop slot of the backend for this link and local address; the next one is for replies */
	__u32 ifindex;		/* the listener's logical link */
};

/* One's complement sum of an address's words as they stand in memory (RFC 1071), and of what was summed before */
static inline __u16 address_sum(const struct addr *a, __u16 before)
{
	__u32 sum = before;

	for (int i = 0; i < 4; i++)
		sum += (a->w[i] & 0xffff) + (a->w[i] >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum + (sum >> 16);
}

/* A listener whose backend is another now: under KEY_OLD, with old_addr() in place of the local address, as it was, and under
 * KEY_UNTIL, else the same key, the time (CLOCK_BOOTTIME, seconds) from when on a writer takes both away. Where a backend has
 * listeners of both kinds, those of now are under KEY_OLD as well, without a time. */
struct old_until {
	__u64 until;
	__u64 pad[3];
};

static inline struct addr old_addr(const struct addr *local, const struct addr *backend)
{
	return (struct addr){ .q = { local->q[0] ^ backend->q[0], local->q[1] ^ backend->q[1] } };
}

/* source_trie has these too: .id is SERVICE_LIST | the service's id, the value of enum list_verdict. The longest prefix counts;
 * where there is none, the service is for all. */
#define SERVICE_LIST (1U << 31)
enum list_verdict { LIST_ALLOW = 1, LIST_DENY = 2 };

/* Value of KEY_VLAN, whose key's addr is { tags as vlan_key() puts them, 0 } and whose link is the port */
struct vlan {
	__u32 ifindex;		/* of the logical link */
	__u32 pad[7];
};

/* Value of KEY_ROUTE, whose key's addr is a /64 and whose word is table_word(KEY_ROUTE, FAMILY_IPV6, 0, 0) */
struct route {
	__u32 word;		/* whose it is: see abi_relay.h */
	__u32 pad[7];
};

/* Both tags of a frame in one word: protocol (host order) and id of the outer, id of the inner (0: none) */
static inline __u64 vlan_key(__u16 outer_protocol, __be16 outer, __be16 inner)
{
	return (__u64)outer_protocol << 32 | (__u32)outer << 16 | inner;
}

struct table_entry {
	__u64 tag;		/* hash of the key; 0: free. Its store publishes the entry */
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

/* Never 0. Homes of a key: the low bits, and the bits from 20 on. Three products side by side, then one to mix them: in the
 * data path the length of the chain is what costs. */
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
