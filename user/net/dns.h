/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A channel of c-ares on a libuv loop, for one round of questions. It reads /etc/resolv.conf and
 * /etc/hosts when it is opened, and leaves nothing open when it is closed. lookup.h, the resolver
 * and DNS updates use it.
 */
#pragma once
#include <stdbool.h>
#include <ares.h>
#include <uv.h>

struct dns;

/* Called after each answer or timeout, once the answers' own callbacks have run. true: go on;
 * false: the function itself has closed the channel. */
typedef bool dns_progress(void *data);

/* alone: asks DNS for exactly this name, without /etc/hosts and search domains. 0 or -ENOMEM. */
int dns_open(uv_loop_t *loop, bool alone, dns_progress *progress, void *data, struct dns **ret);
/* Asks for both families if family is AF_UNSPEC. May call the callback before it returns, if the
 * answer is known at once. */
void dns_ask(struct dns *d, const char *name, int family, ares_addrinfo_callback callback,
	     void *data);
/* Call this after the questions. It calls progress, perhaps at once. */
void dns_go(struct dns *d);
/* Answers open questions with ARES_EDESTRUCTION. The memory is freed in the loop's next round. */
void dns_close(struct dns *d);
