/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Runs c-ares on a libuv loop, for one round of DNS questions. It reads /etc/resolv.conf and
 * /etc/hosts when it is opened, and closes all its sockets when it is closed. lookup.c, the
 * resolver and ddns/ use it.
 */
#pragma once
#include <stdbool.h>
#include <ares.h>
#include <uv.h>

struct dns;

/* Is called after each answer or timeout, after the callbacks of the answers. It returns true to
 * continue, or false if it has called dns_close(). */
typedef bool dns_progress(void *data);

/* Opens a channel. If `alone` is true, it asks DNS servers for exactly the given name, without
 * /etc/hosts and search domains. Returns 0 or -ENOMEM. */
int dns_open(uv_loop_t *loop, bool alone, dns_progress *progress, void *data, struct dns **ret);
/* Asks for the addresses of a name, of both families if family is AF_UNSPEC. It may call the
 * callback before it returns. */
void dns_ask(struct dns *d, const char *name, int family, ares_addrinfo_callback callback,
	     void *data);
/* Starts waiting for the answers; call it after all questions. It may call progress() before it
 * returns. */
void dns_go(struct dns *d);
/* Closes the channel. Questions without an answer get ARES_EDESTRUCTION. The memory is freed in the
 * loop's next iteration. */
void dns_close(struct dns *d);
