/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Pings many addresses at the same time on a libuv loop, and reports which of them answer (ICMP
 * echo, RFC 792 and RFC 4443). It uses the kernel's ping sockets, which need no privilege, or else
 * raw sockets. Requests carry a random nonce, and an answer counts only if it has the same nonce.
 * `endpoint` and the daemon's endpoints use it; the MTU probes use the socket alone.
 */
#pragma once
#include <sys/socket.h>
#include <uv.h>
#include "lib/addr.h"

#define ECHO_PROBES 3
#define ECHO_INTERVAL_MS 500
#define ECHO_TIMEOUT_MS 2000		/* ms to wait for answers after the last probe */

struct echo;

/* Called once, when all addresses have answered or time is over. reached[i]: list[i] answered. */
typedef void echo_done(void *data, const bool *reached);
/* Sends ICMP echo requests to the n addresses of a list, which it copies. Returns 0, -EPERM or
 * -EACCES if this process may open neither a ping nor a raw socket, or another -errno. */
int echo_start(uv_loop_t *loop, const struct address *list, size_t n, echo_done *done, void *data,
	       struct echo **ret);
/* Cancels the probes. The callback done() will not run. */
void echo_cancel(struct echo *e);

/* ---- the socket ---- */

#define ECHO_NONCE 16
/* Shortest request in bytes: header and nonce. */
#define ECHO_LEN (8 + ECHO_NONCE)

struct echo_socket {
	int fd;				/* non-blocking; -1: closed */
	bool raw;
	__u8 family;
	/* Id of our requests on a raw socket; for a ping socket the kernel chooses it. */
	__be16 id;
	__u8 nonce[ECHO_NONCE];
};

/* Opens a ping socket, or else a raw one. Returns 0, -EPERM or -EACCES if neither is allowed,
 * -EAFNOSUPPORT if the kernel lacks the family, or another -errno. */
int echo_socket_open(__u8 family, struct echo_socket *ret);
void echo_socket_close(struct echo_socket *s);
/* Sends an echo request of `length` bytes (ECHO_LEN to 65,507). scope: ifindex for a link-local
 * address, else 0. Returns 0 or -errno. */
int echo_socket_send(const struct echo_socket *s, const struct address *to, __u32 scope,
		     __u16 sequence, unsigned int length);
/* Reads a message. Returns 0 for an answer to one of our requests, -ENOMSG for another message
 * (call it again), -EAGAIN if there is none, or another -errno. */
int echo_socket_receive(const struct echo_socket *s, struct address *ret_from, __u16 *ret_sequence);
/* Returns whether an ICMP error quotes one of our requests. `quoted` begins after the quoted IP
 * header. */
bool echo_socket_quoted(const struct echo_socket *s, const void *quoted, size_t n,
			__u16 *ret_sequence);
