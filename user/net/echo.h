/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Pings many addresses at the same time on a libuv loop, and reports which of them answer (ICMP
 * echo, RFC 792 and RFC 4443). It uses the kernel's ping sockets, which need no privilege, or else
 * raw sockets. `endpoint` and the daemon's endpoints use it.
 */
#pragma once
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
