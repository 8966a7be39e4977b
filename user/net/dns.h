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
#include "lib/addr.h"

struct dns;

/* Called after each answer or timeout, when the callbacks of the answers have run. Returns true to
 * go on, or false after it has called dns_close(). */
typedef bool dns_progress(void *data);

/* Opens a channel to the DNS servers. alone: asks for exactly the given names, without /etc/hosts
 * and search domains. Returns 0, or -EIO if c-ares cannot begin. */
int dns_open(uv_loop_t *loop, bool alone, dns_progress *progress, void *data, struct dns **ret);
/* Asks for a name's addresses; family AF_UNSPEC: both. May call the callback before it returns. */
void dns_ask(struct dns *d, const char *name, int family, ares_addrinfo_callback callback,
	     void *data);
/* Waits for the answers in the loop. Call it after all dns_ask(). May call progress() before it
 * returns. */
void dns_go(struct dns *d);
/* Closes the channel, and frees it in the loop's next iteration. Questions without an answer end
 * with ARES_EDESTRUCTION. */
void dns_close(struct dns *d);

/* Stores the address of an answer's node. Returns false if its family is not `family` (AF_INET or
 * AF_INET6), or if no host can have the address: then why says so, and names the address. */
#define DNS_WHY_LEN (ADDRESS_STRLEN + 64)
bool dns_take(const struct ares_addrinfo_node *node, int family, struct address *ret,
	      char why[DNS_WHY_LEN]);
