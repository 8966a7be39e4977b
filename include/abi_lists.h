/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The lists of clients that other programs keep, in files and in sets of nftables. User space
 * writes these maps, and the programs read them (bpf/lists.h). Part of abi.h.
 */
#ifndef WGXDP_ABI_LISTS_H
#define WGXDP_ABI_LISTS_H

#define LISTS_MAX 64			/* lists of an instance */
#define LIST_IDS (2 * LISTS_MAX)	/* the lists of a change need ids beside the former ones */
#define LISTS_EACH 14			/* lists of a service */
#define LIST_PREFIXES (1U << 21)	/* room for prefixes in the map `lists` */

/* followed_lists: ARRAY, indexed by the list's id. Only user space uses it. */
enum list_source { LIST_NONE, LIST_NFT_SET, LIST_FILE };
enum list_state {
	LIST_WAITING,			/* wgxdp has never read the list */
	LIST_READ,
	LIST_KEPT,			/* no longer readable: its last contents stay */
};
#define LIST_NAME_LEN 256
struct followed_list {
	char name[LIST_NAME_LEN];	/* path of the file, or family, table and set */
	__u32 source;			/* enum list_source */
	__u32 state;			/* enum list_state */
	__u32 prefixes;			/* number of its prefixes in the map `lists` */
	__u32 skipped;			/* lines of the file, or elements of the set, left out */
	__u64 read;			/* time of the last change, in seconds since 1970 */
};

/* service_lists: ARRAY, indexed by the service's id. The lists of `deny` come first. */
struct service_lists {
	__u32 n_deny, n;
	__u32 id[LISTS_EACH];
};
_Static_assert(sizeof(struct service_lists) == 64, "the lists of a service are a cache line");

/* lists: LPM_TRIE, struct source_key -> __u32, which is .prefixlen of the entry's key. The key's
 * .id is list_key_id(). Each family has an id of its own, because a short IPv6 prefix would
 * otherwise contain all IPv4 addresses. */
static inline __u32 list_key_id(__u32 list, __u32 is_ipv6)
{
	return list << 1 | is_ipv6;
}

/* list_hints: ARRAY of bits. If the bit of an address is 0, no list has a prefix with it, and the
 * program does not search the trie. A prefix sets bits at one of LIST_LEVELS levels, by its length.
 * A level's words are the first bits of addresses; a shorter prefix sets the bits of all its words.
 * control.list_levels says which levels have bits. */
struct list_hints {
	__u64 bits[8];
};
#define LIST_LEVELS 3

/* Returns the level of a prefix, or of an address as a prefix of 32 or 128 bits. */
static inline __u32 list_level(__u32 len, __u32 is_ipv6)
{
	return is_ipv6 ? (len < 44) + (len < 28) : (len < 21) + (len < 16);
}

/* Returns the number of bits in a word of the level. */
static inline __u32 list_level_bits(__u32 level, __u32 is_ipv6)
{
	return is_ipv6 ? 48 - 16 * level : 24 - 4 * level - 4 * (level >> 1);
}

/* Returns the number of the bit for a word, from two secret odd factors. Clients choose their
 * addresses, and must not find those that share a bit. */
static inline __u64 list_hint(__u64 word, __u32 level, __u32 is_ipv6,
			      const volatile __u64 factor[2])
{
	__u64 h = (word << 3 | level << 1 | is_ipv6) * factor[0];

	return (h ^ h >> 32) * factor[1] >> 24;
}

#endif
