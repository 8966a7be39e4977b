/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads a set of nftables, and notifications about elements. instance/, daemon/, rehearsal/ use it.
 */
#pragma once
#include <libmnl/libmnl.h>
#include "lib/list_keys.h"

struct nft_set_kind {
	__u8 family;		/* FAMILY_IPV4 or FAMILY_IPV6: the family of its addresses */
	bool intervals;			/* its elements are the first and last ones of ranges */
	/* Elements come or go without a notification: they time out, or a rule adds them. */
	bool silent;
};

/* An element of a set. In a set of ranges, an element with `ends` is the first address after a
 * range. last: the end of a range that the element contains as a whole; family 0: none. */
struct nft_element {
	struct address first, last;
	bool ends;
};

/* Joins the elements of a set of ranges, which come in order. */
struct nft_join {
	struct nft_set_kind kind;
	struct address first;	/* beginning of a range that has not ended; family 0: none */
	bool broken;	/* an element does not fit: the set must be read again */
};
/* Adds the prefixes of an element, or those of the range that it ends. */
void nft_join(struct nft_join *j, const struct nft_element *e, struct list_keys *k);
/* Adds the prefixes of all elements, in any order. */
void nft_join_all(const struct nft_set_kind *kind, struct nft_element *e, size_t n,
		  struct list_keys *ret);

/* Reads all elements of a set, which `name` gives as family, table and set with one space between
 * them. Returns 0, -ENOENT if there is no such set, -EOPNOTSUPP if its keys are no addresses, or
 * another -errno. *ret_skipped: how many elements stand for all addresses, and were left out. */
int nft_set_read(const char *name, struct nft_set_kind *ret_kind, struct list_keys *ret,
		 __u32 *ret_skipped);

/* Opens a socket for notifications of nftables. Returns its fd or -errno. */
int nft_watch(void);
enum nft_change {
	NFT_SETS,			/* sets or tables came or went */
	NFT_ADDED, NFT_DELETED,		/* elements of one set */
	NFT_DONE,			/* end of a transaction */
	NFT_LOST,			/* the kernel has dropped notifications */
};
/* name: family, table and set with one space between them, for the first three changes. The set is
 * "" if a table with all its sets went. elements: attribute of the message, for
 * nft_elements_each(). */
typedef void nft_watcher(void *data, enum nft_change change, const char *name,
			 const struct nlattr *elements);
/* Reads notifications, at most a few thousand at once. */
void nft_watch_read(int fd, nft_watcher *watcher, void *data);
/* Passes the message to watcher(). Part of nft_watch_read(), for tests. */
void nft_watch_message(const struct nlmsghdr *nlh, nft_watcher *watcher, void *data);

/* Calls each() for the elements in the attribute NFTA_SET_ELEM_LIST_ELEMENTS. Elements that are no
 * address of this family are left out and counted in *ret_skipped. */
typedef void nft_each(void *data, const struct nft_element *e);
void nft_elements_each(const struct nlattr *elements, const struct nft_set_kind *kind,
		       nft_each *each, void *data, __u32 *ret_skipped);
