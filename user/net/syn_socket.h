/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * TCP segments of any length that open a connection (SYN) and what a host answers, whether the port is open or closed: for hosts
 * whose echo replies somebody drops. Nothing is opened: the kernel resets what it knows nothing of. Raw sockets: CAP_NET_RAW.
 */
#pragma once
#include "lib/addr.h"

#define SYN_LEN 20			/* the shortest segment: the header */

struct syn_socket {
	int fd;				/* it does not block */
	__u8 family;
	__u16 port;			/* ours, the first of 4,096 that are taken in turn */
	__u32 key;			/* which nobody else knows: sequence numbers follow from it */
};

/* 0; -EPERM: no CAP_NET_RAW; -EAFNOSUPPORT; or another -errno. It is to be connected before something is sent. */
int syn_socket_open(__u8 family, struct syn_socket *ret);
void syn_socket_close(struct syn_socket *s);
/* A segment of length bytes (SYN_LEN to 65,495) with zeros as data, to the address that it is connected with. 0 or -errno */
int syn_socket_send(const struct syn_socket *s, const struct address *to, __be16 port, __u16 sequence, unsigned int length);
/* As echo_socket_receive(); ret_port: which of theirs answered */
int syn_socket_receive(const struct syn_socket *s, __u16 *ret_sequence, __be16 *ret_port);
/* As echo_socket_quoted() */
bool syn_socket_quoted(const struct syn_socket *s, const void *quoted, size_t n, __u16 *ret_sequence);
