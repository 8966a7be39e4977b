/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Netlink requests, dumps as lists, and attributes. An attribute that is shorter than it should be
 * reads as zero. Functions return 0 or -errno. Only the netlink and WireGuard files of this room
 * include it.
 */
#pragma once
#include <libmnl/libmnl.h>
#include "lib/addr.h"

struct list {
	void *rows;
	size_t n, size;			/* size: of a row */
};

/* Adds a row of zeros; NULL: no memory. */
void *list_add(struct list *l);

int nl_open(int bus, struct mnl_socket **ret);
/* Sends the request and passes every answer to row, until the acknowledgement or the end of the
 * dump. */
int nl_talk(struct mnl_socket *sock, struct nlmsghdr *request, mnl_cb_t row, void *data);
/* The same for one rtnetlink request, on a socket of its own. */
int nl_ask(struct nlmsghdr *request, mnl_cb_t row, void *data);
/* Reads a whole rtnetlink table. row gets a struct list *; *ret gets its rows, for free(). header:
 * the size of the type's header, sent as zeros, which filters nothing. */
int nl_dump(__u16 type, size_t header, mnl_cb_t row, size_t row_size, void *ret, size_t *ret_n);

/* Begins a request to a generic netlink family, to be acknowledged; the caller adds attributes. */
struct nlmsghdr *nl_genl_request(char *buffer, __u16 id, __u8 command, __u8 version);
/* Opens a socket for a generic netlink family and finds the family's id; -EOPNOTSUPP: the kernel
 * has no such family. */
int nl_genl_open(const char *name, struct mnl_socket **ret, __u16 *ret_family);

__u32 attr_u32(const struct nlattr *a);
void attr_copy(const struct nlattr *a, void *to, size_t size);
void attr_string(const struct nlattr *a, char *to, size_t size);
/* NULL: the family's zero address (a default route has no destination). Unknown families give
 * family 0. */
struct address attr_address(const struct nlattr *a, int family);
/* The same with a length; one that the family does not have gives family 0, too. */
struct prefix attr_prefix(const struct nlattr *a, int family, __u8 len);
