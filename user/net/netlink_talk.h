/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Sends netlink requests, reads dumps into lists, and reads attributes. An attribute that is
 * shorter than expected reads as zero. Functions that return int return 0 or -errno. Only the
 * netlink and WireGuard files of this room include it.
 */
#pragma once
#include <libmnl/libmnl.h>
#include "lib/addr.h"

#define DUMP_TRIES 10		/* attempts at a dump that changes interrupt, at most */

struct list {
	void *rows;
	size_t n, size;			/* number of rows; size of a row in bytes */
};

/* Adds a row of zeros and returns it. */
void *list_add(struct list *l);

int nl_open(int bus, struct mnl_socket **ret);
/* Sends a request, and passes each answer to row() until an acknowledgement or the dump's end. */
int nl_talk(struct mnl_socket *sock, struct nlmsghdr *request, mnl_cb_t row, void *data);
/* Does the same for one rtnetlink request, on the socket that all such requests of the process
 * share. */
int nl_ask(struct nlmsghdr *request, mnl_cb_t row, void *data);
/* Reads a whole table by rtnetlink. row() gets a struct list * as its data, to add rows, which *ret
 * then has; the caller frees them. header: this message type's header of `size` bytes; NULL: zeros,
 * so that the kernel filters nothing. */
int nl_dump(__u16 type, const void *header, size_t size, mnl_cb_t row, size_t row_size, void *ret,
	    size_t *ret_n);

/* Opens a socket that never blocks, for the notifications of multicast groups. Returns its fd or
 * -errno. */
int nl_open_groups(int bus, const int *groups, size_t n);

/* Begins a request to a generic netlink family and asks for an acknowledgement. The caller adds
 * attributes. */
struct nlmsghdr *nl_genl_request(char *buffer, __u16 id, __u8 command, __u8 version);
/* Opens a socket for a generic netlink family and finds the family's id. Returns -EOPNOTSUPP if the
 * kernel has no such family. */
int nl_genl_open(const char *name, struct mnl_socket **ret, __u16 *ret_family);

__u32 attr_u32(const struct nlattr *a);
void attr_copy(const struct nlattr *a, void *to, size_t size);
void attr_string(const struct nlattr *a, char *to, size_t size);
/* Returns the address in an attribute. NULL: the zero address, because default routes have no
 * destination attribute. An unknown family gives family 0. */
struct address attr_address(const struct nlattr *a, int family);
/* Returns attr_address() with this length as a prefix; family 0 if the length is too large. */
struct prefix attr_prefix(const struct nlattr *a, int family, __u8 len);
