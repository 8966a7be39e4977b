/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements nft_set.h with nfnetlink. All numbers in its messages are big-endian.
 */
#include <errno.h>
#include <netinet/in.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include "lib/grow.h"
#include "net/netlink_talk.h"
#include "net/nft_set.h"

/* The loop has other work: it reads so many parts of a large transaction at a time. */
#define READS_AT_ONCE 64
#define WATCH_BUFFER (16 << 20)		/* bytes that the kernel keeps until they are read */
/* Types of keys as nft numbers them. */
enum { NFT_IPV4_ADDRESS = 7, NFT_IPV6_ADDRESS = 8 };

static const struct { const char *name; __u8 family; } families[] = {
	{ "inet", NFPROTO_INET }, { "ip", NFPROTO_IPV4 }, { "ip6", NFPROTO_IPV6 },
	{ "netdev", NFPROTO_NETDEV }, { "bridge", NFPROTO_BRIDGE },
};
enum { FAMILIES = sizeof(families) / sizeof(*families) };

/* ---- elements ---- */

/* Returns the address in an attribute that contains NFTA_DATA_VALUE; family 0: none. */
static struct address attr_key(const struct nlattr *nest, __u8 family)
{
	const struct nlattr *a;
	size_t size = family == FAMILY_IPV4 ? 4 : 16;

	mnl_attr_for_each_nested(a, nest)
		if (mnl_attr_get_type(a) == NFTA_DATA_VALUE && mnl_attr_get_payload_len(a) == size)
			return attr_address(a, family == FAMILY_IPV4 ? AF_INET : AF_INET6);
	return (struct address){ 0 };
}

/* Returns whether the element is an address of the family. */
static bool parse_element(const struct nlattr *nest, __u8 family, struct nft_element *ret)
{
	const struct nlattr *a;
	__u32 flags = 0;

	*ret = (struct nft_element){ 0 };
	mnl_attr_for_each_nested(a, nest) {
		if (mnl_attr_get_type(a) == NFTA_SET_ELEM_KEY)
			ret->first = attr_key(a, family);
		else if (mnl_attr_get_type(a) == NFTA_SET_ELEM_KEY_END)
			ret->last = attr_key(a, family);
		else if (mnl_attr_get_type(a) == NFTA_SET_ELEM_FLAGS)
			flags = ntohl(attr_u32(a));
	}
	ret->ends = flags & NFT_SET_ELEM_INTERVAL_END;
	return ret->first.family && !(flags & NFT_SET_ELEM_CATCHALL);
}

void nft_elements_each(const struct nlattr *elements, const struct nft_set_kind *kind,
		       nft_each *each, void *data, __u32 *ret_skipped)
{
	const struct nlattr *nest;
	struct nft_element e;

	mnl_attr_for_each_nested(nest, elements) {
		if (mnl_attr_get_type(nest) != NFTA_LIST_ELEM)
			continue;
		if (parse_element(nest, kind->family, &e))
			each(data, &e);
		else
			++*ret_skipped;
	}
}

/* Subtracts 1. Returns false if the address is the first one of its family. */
static bool decrement(struct address *a)
{
	int first = a->family == FAMILY_IPV4 ? 12 : 0;

	for (int i = 15; i >= first; i--)
		if (a->addr.b[i]--)
			return true;
	return false;
}

void nft_join(struct nft_join *j, const struct nft_element *e, struct list_keys *k)
{
	struct address first = j->first, last = e->first;

	if (!j->kind.intervals || e->last.family) {
		list_keys_add_range(k, &e->first, e->last.family ? &e->last : &e->first);
		return;
	}
	if (!e->ends) {
		j->broken |= first.family;
		j->first = e->first;
		return;
	}
	j->first.family = 0;
	/* nft marks the addresses before the first range by an end without a beginning. */
	if (!decrement(&last))
		j->broken |= first.family;
	else if (first.family)
		list_keys_add_range(k, &first, &last);
	else
		j->broken = true;
}

/* ---- reading a set ---- */

struct set_name {
	__u8 family;
	char table[NFT_TABLE_MAXNAMELEN], set[NFT_SET_MAXNAMELEN];
};

static bool parse_name(const char *text, struct set_name *ret)
{
	char family[8];

	*ret = (struct set_name){ 0 };
	if (sscanf(text, "%7s %255s %255s", family, ret->table, ret->set) != 3)
		return false;
	for (int i = 0; i < FAMILIES; i++)
		if (!strcmp(families[i].name, family))
			ret->family = families[i].family;
	return ret->family;
}

static struct nlmsghdr *begin_request(char *buffer, const struct set_name *name, int type,
				      __u16 flags, __u16 table, __u16 set)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *header;

	request->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | type;
	request->nlmsg_flags = NLM_F_REQUEST | flags;
	header = mnl_nlmsg_put_extra_header(request, sizeof(*header));
	header->nfgen_family = name->family;
	header->version = NFNETLINK_V0;
	mnl_attr_put_strz(request, table, name->table);
	mnl_attr_put_strz(request, set, name->set);
	return request;
}

static int kind_row(const struct nlmsghdr *nlh, void *data)
{
	struct nft_set_kind *kind = data;
	__u32 type = 0, length = 0, flags = 0;
	const struct nlattr *a;

	mnl_attr_for_each(a, nlh, sizeof(struct nfgenmsg)) {
		if (mnl_attr_get_type(a) == NFTA_SET_KEY_TYPE)
			type = ntohl(attr_u32(a));
		else if (mnl_attr_get_type(a) == NFTA_SET_KEY_LEN)
			length = ntohl(attr_u32(a));
		else if (mnl_attr_get_type(a) == NFTA_SET_FLAGS)
			flags = ntohl(attr_u32(a));
	}
	kind->family = flags & NFT_SET_CONCAT ? 0 :
		       type == NFT_IPV4_ADDRESS && length == 4 ? FAMILY_IPV4 :
		       type == NFT_IPV6_ADDRESS && length == 16 ? FAMILY_IPV6 : 0;
	kind->intervals = flags & NFT_SET_INTERVAL;
	kind->silent = flags & (NFT_SET_TIMEOUT | NFT_SET_EVAL);
	return MNL_CB_OK;
}

struct dump {
	struct nft_set_kind kind;
	struct nft_element *list;
	size_t n;
	__u32 skipped;
	bool begun, lax;
	__be16 generation;		/* generation of the ruleset, in the first message */
};

static void add_element(void *data, const struct nft_element *e)
{
	struct dump *d = data;

	*append(d->list, d->n) = *e;
}

/* The kernel continues a dump after as many elements as it has sent. After a removal, the dump
 * lacks other elements, and only the new generation tells it. */
static int element_row(const struct nlmsghdr *nlh, void *data)
{
	const struct nfgenmsg *header = mnl_nlmsg_get_payload(nlh);
	struct dump *d = data;
	const struct nlattr *a;

	if (d->begun && !d->lax && header->res_id != d->generation) {
		errno = EINTR;
		return MNL_CB_ERROR;
	}
	d->begun = true;
	d->generation = header->res_id;
	mnl_attr_for_each(a, nlh, sizeof(struct nfgenmsg))
		if (mnl_attr_get_type(a) == NFTA_SET_ELEM_LIST_ELEMENTS)
			nft_elements_each(a, &d->kind, add_element, d, &d->skipped);
	return MNL_CB_OK;
}

/* Orders an end before a beginning at the same address. */
static int compare_elements(const void *a, const void *b)
{
	const struct nft_element *x = a, *y = b;

	return memcmp(&x->first.addr, &y->first.addr, sizeof(x->first.addr)) ?: y->ends - x->ends;
}

void nft_join_all(const struct nft_set_kind *kind, struct nft_element *list, size_t n,
		  struct list_keys *ret)
{
	struct nft_join j = { .kind = *kind };
	struct address last = { .family = kind->family };

	if (kind->intervals && n)
		qsort(list, n, sizeof(*list), compare_elements);
	for (size_t i = 0; i < n; i++)
		nft_join(&j, &list[i], ret);
	/* A range up to the last address has no end. */
	memset(&last.addr, 0xff, sizeof(last.addr));
	if (last.family == FAMILY_IPV4)
		memset(&last.addr, 0, 10);
	if (j.first.family)
		list_keys_add_range(ret, &j.first, &last);
	list_keys_sort(ret);
}

/* Sends a request on a socket of its own, because an interrupted dump leaves its rest queued. */
static int ask_once(struct nlmsghdr *request, mnl_cb_t row, void *data)
{
	struct mnl_socket *sock;
	int rc = nl_open(NETLINK_NETFILTER, &sock);

	if (rc)
		return rc;
	rc = nl_talk(sock, request, row, data);
	mnl_socket_close(sock);
	return rc;
}

static int read_kind(const struct set_name *name, struct nft_set_kind *ret)
{
	char buffer[1024] = { 0 };
	struct nlmsghdr *request = begin_request(buffer, name, NFT_MSG_GETSET, NLM_F_ACK,
						 NFTA_SET_TABLE, NFTA_SET_NAME);

	return ask_once(request, kind_row, ret) ?: ret->family ? 0 : -EOPNOTSUPP;
}

int nft_set_read(const char *name, struct nft_set_kind *ret_kind, struct list_keys *ret,
		 __u32 *ret_skipped)
{
	char buffer[1024] = { 0 };
	struct dump d = { 0 };
	struct set_name n;
	int rc = parse_name(name, &n) ? read_kind(&n, &d.kind) : -EINVAL;

	if (rc)
		return rc;
	rc = -EINTR;
	for (int i = 0; i < DUMP_TRIES && rc == -EINTR; i++) {
		d.lax = i == DUMP_TRIES - 1;	/* the set changes all the time */
		d.n = d.skipped = 0;
		d.begun = false;
		rc = ask_once(begin_request(buffer, &n, NFT_MSG_GETSETELEM, NLM_F_DUMP,
					    NFTA_SET_ELEM_LIST_TABLE, NFTA_SET_ELEM_LIST_SET),
			      element_row, &d);
	}
	if (!rc)
		nft_join_all(&d.kind, d.list, d.n, ret);
	free(d.list);
	*ret_kind = d.kind;
	*ret_skipped = d.skipped;
	return rc;
}

/* ---- notifications ---- */

int nft_watch(void)
{
	int group = NFNLGRP_NFTABLES, size = WATCH_BUFFER;
	int fd = nl_open_groups(NETLINK_NETFILTER, &group, 1);

	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return fd;
}

/* Passes on the name of a set, from the attributes that messages about tables, sets and elements
 * have in common. */
static void watch_set(const struct nlmsghdr *nlh, enum nft_change change, nft_watcher *watcher,
		      void *data)
{
	_Static_assert((int)NFTA_SET_ELEM_LIST_TABLE == (int)NFTA_SET_TABLE &&
		       (int)NFTA_SET_ELEM_LIST_SET == (int)NFTA_SET_NAME &&
		       (int)NFTA_TABLE_NAME == (int)NFTA_SET_TABLE, "one reader for all messages");
	bool is_table = (nlh->nlmsg_type & 0xff) == NFT_MSG_DELTABLE;
	const struct nfgenmsg *header = mnl_nlmsg_get_payload(nlh);
	char table[NFT_TABLE_MAXNAMELEN] = "", set[NFT_SET_MAXNAMELEN] = "", name[600];
	const struct nlattr *a, *elements = NULL;
	int i = 0;

	mnl_attr_for_each(a, nlh, sizeof(*header)) {
		if (mnl_attr_get_type(a) == NFTA_SET_TABLE)
			attr_string(a, table, sizeof(table));
		else if (mnl_attr_get_type(a) == NFTA_SET_NAME && !is_table)
			attr_string(a, set, sizeof(set));
		else if (mnl_attr_get_type(a) == NFTA_SET_ELEM_LIST_ELEMENTS && change != NFT_SETS)
			elements = a;
	}
	while (i < FAMILIES && families[i].family != header->nfgen_family)
		i++;
	if (i == FAMILIES || (!elements && change != NFT_SETS))
		return;
	snprintf(name, sizeof(name), "%s %s %s", families[i].name, table, set);
	watcher(data, change, name, elements);
}

void nft_watch_message(const struct nlmsghdr *nlh, nft_watcher *watcher, void *data)
{
	if (nlh->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES ||
	    mnl_nlmsg_get_payload_len(nlh) < sizeof(struct nfgenmsg))
		return;
	switch (nlh->nlmsg_type & 0xff) {
	case NFT_MSG_NEWSETELEM:
		watch_set(nlh, NFT_ADDED, watcher, data);
		break;
	case NFT_MSG_DELSETELEM:
		watch_set(nlh, NFT_DELETED, watcher, data);
		break;
	case NFT_MSG_NEWSET:
	case NFT_MSG_DELSET:
	case NFT_MSG_DELTABLE:
		watch_set(nlh, NFT_SETS, watcher, data);
		break;
	case NFT_MSG_NEWGEN:
		watcher(data, NFT_DONE, NULL, NULL);
	}
}

void nft_watch_read(int fd, nft_watcher *watcher, void *data)
{
	static char buffer[32768];

	for (int i = 0; i < READS_AT_ONCE; i++) {
		struct nlmsghdr *nlh = (struct nlmsghdr *)buffer;
		int n = recv(fd, buffer, sizeof(buffer), MSG_TRUNC);

		if (n < 0 && errno == EINTR)
			continue;
		if ((n < 0 && errno == ENOBUFS) || n > (int)sizeof(buffer)) {
			watcher(data, NFT_LOST, NULL, NULL);
			continue;
		}
		if (n < 0)
			return;
		for (; mnl_nlmsg_ok(nlh, n); nlh = mnl_nlmsg_next(nlh, &n))
			nft_watch_message(nlh, watcher, data);
	}
}
