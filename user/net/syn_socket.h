/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * TCP segments of any length that open a connection (SYN), and a host's answer, whether the port is
 * open or closed: for hosts whose echo replies are dropped on the way. No connection opens: the
 * kernel resets what it does not know. Raw sockets take CAP_NET_RAW. The MTU probes use it.
 */
#pragma once
#include "lib/addr.h"

#define SYN_LEN 20			/* the shortest segment: the header */

struct syn_socket {
	int fd;				/* does not block */
	__u8 family;
	__u16 port;			/* ours, the first of 4,096 that are used in turn */
	__u32 key;			/* secret: sequence numbers follow from it */
};

/* The caller connects the socket before it sends. 0; -EPERM: no CAP_NET_RAW; -EAFNOSUPPORT; or
 * another -errno. */
int syn_socket_open(__u8 family, struct syn_socket *ret);
void syn_socket_close(struct syn_socket *s);
/* Sends a segment of length bytes (SYN_LEN to 65,495), with zeros as data, to the connected
 * address. 0 or -errno. */
int syn_socket_send(const struct syn_socket *s, const struct address *to, __be16 port,
		    __u16 sequence, unsigned int length);
/* As echo_socket_receive(). ret_port: the port that answered. */
int syn_socket_receive(const struct syn_socket *s, __u16 *ret_sequence, __be16 *ret_port);
/* As echo_socket_quoted(). */
bool syn_socket_quoted(const struct syn_socket *s, const void *quoted, size_t n,
		       __u16 *ret_sequence);
