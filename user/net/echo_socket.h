/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * ICMP echo requests of any length and their answers (RFC 792, RFC 4443), of one family: by the kernel's ping sockets, for which no
 * privilege is needed, else by raw ones. Requests carry bytes that nobody else knows; an answer counts only with these.
 */
#pragma once
#include <sys/socket.h>
#include "lib/addr.h"

#define ECHO_NONCE 16
#define ECHO_LEN (8 + ECHO_NONCE)	/* the shortest message: the head, and the bytes by which an answer is known */

struct echo_socket {
	int fd;				/* it does not block; -1: there is none */
	bool raw;
	__u8 family;
	__be16 id;			/* of raw ones; to others the kernel gives one */
	__u8 nonce[ECHO_NONCE];
};

/* 0; -EPERM, -EACCES: neither kind may be had; -EAFNOSUPPORT: this kernel has no such family; or another -errno */
int echo_socket_open(__u8 family, struct echo_socket *ret);
void echo_socket_close(struct echo_socket *s);
/* An ICMP message of length bytes (ECHO_LEN to 65,507). 0 or -errno. scope: ifindex of a link-local address, else 0 */
int echo_socket_send(const struct echo_socket *s, const struct address *to, __u32 scope, __u16 sequence, unsigned int length);
/* The next one that came. 0: an answer to one of ours; -ENOMSG: it is none, the next may be; -EAGAIN: no more now; or another -errno */
int echo_socket_receive(const struct echo_socket *s, struct address *ret_from, __u16 *ret_sequence);
/* What an ICMP error quotes, behind the IP header: whether it is of a request of ours */
bool echo_socket_quoted(const struct echo_socket *s, const void *quoted, size_t n, __u16 *ret_sequence);
