/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ICMP echo requests of any length and their answers (RFC 792, RFC 4443), of one family. It uses
 * the kernel's ping sockets, which need no privilege, or else raw sockets. Requests carry random
 * bytes; an answer counts only with these. echo.h and the MTU probes use it.
 */
#pragma once
#include <sys/socket.h>
#include "lib/addr.h"

#define ECHO_NONCE 16
/* The shortest message: the header and the nonce. */
#define ECHO_LEN (8 + ECHO_NONCE)

struct echo_socket {
	int fd;				/* does not block; -1: none */
	bool raw;
	__u8 family;
	__be16 id;			/* a raw socket's; the kernel sets other sockets' */
	__u8 nonce[ECHO_NONCE];
};

/* 0; -EPERM, -EACCES: neither kind is allowed; -EAFNOSUPPORT: this kernel lacks the family; or
 * another -errno. */
int echo_socket_open(__u8 family, struct echo_socket *ret);
void echo_socket_close(struct echo_socket *s);
/* Sends an ICMP message of length bytes (ECHO_LEN to 65,507). scope: ifindex of a link-local
 * address, else 0. 0 or -errno. */
int echo_socket_send(const struct echo_socket *s, const struct address *to, __u32 scope,
		     __u16 sequence, unsigned int length);
/* Reads the next message. 0: an answer to one of our requests; -ENOMSG: another message, so try
 * again; -EAGAIN: no more now; or another -errno. */
int echo_socket_receive(const struct echo_socket *s, struct address *ret_from, __u16 *ret_sequence);
/* Whether the packet that an ICMP error quotes is one of our requests; quoted begins behind the IP
 * header. */
bool echo_socket_quoted(const struct echo_socket *s, const void *quoted, size_t n,
			__u16 *ret_sequence);
