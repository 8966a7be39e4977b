/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Finds which of many addresses answer an ICMP echo request (RFC 792, RFC 4443), at once and on a
 * libuv loop. It uses the kernel's ping sockets, which need no privilege, or else raw sockets.
 * `endpoint` and the daemon's endpoints use it.
 */
#pragma once
#include <uv.h>
#include "lib/addr.h"

#define ECHO_PROBES 3
#define ECHO_INTERVAL_MS 500
#define ECHO_TIMEOUT_MS 2000		/* for the last answer */

struct echo;

/* reached[i]: list[i] has answered. The loop calls it when all have answered or the time is
 * over. */
typedef void echo_done(void *data, const bool *reached);
/* Copies the list and starts. 0; -EPERM, -EACCES: neither kind of socket is allowed; or another
 * -errno. */
int echo_start(uv_loop_t *loop, const struct address *list, size_t n, echo_done *done, void *data,
	       struct echo **ret);
/* Cancels; done() will not run. */
void echo_cancel(struct echo *e);
