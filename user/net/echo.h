/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Who answers an ICMP echo request (RFC 792, RFC 4443): many addresses at once, on a libuv loop, by the kernel's ping sockets,
 * for which no privilege is needed, else by raw ones.
 */
#pragma once
#include <uv.h>
#include "lib/addr.h"

#define ECHO_PROBES 3
#define ECHO_INTERVAL_MS 500
#define ECHO_TIMEOUT_MS 2000		/* for the last answer */

struct echo;

/* reached[i]: list[i] has answered. From the loop, when all have, or their time is over. */
typedef void echo_done(void *data, const bool *reached);
/* 0; -EPERM, -EACCES: neither kind of socket may be had; or another -errno. The list is copied. */
int echo_start(uv_loop_t *loop, const struct address *list, size_t n, echo_done *done, void *data, struct echo **ret);
/* Before it is done: it will not be */
void echo_cancel(struct echo *e);
