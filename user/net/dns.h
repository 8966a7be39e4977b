/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Runs c-ares on a libuv loop, for one round of DNS questions. It reads /etc/resolv.conf and
 * /etc/hosts when it is opened, and closes all its sockets when it is closed. The resolver and
 * ddns/ use it. `endpoint`, `mtu` and the daemon's endpoints look up all addresses of a name.
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

/* ---- all addresses of a name, of both families ---- */

#define LOOKUP_TTL_MAX 86400		/* seconds */
/* TTL in seconds for what has none: names from /etc/hosts, addresses, and a TTL of 0. */
#define LOOKUP_TTL_HOSTS 30

struct lookup_answer {
	/* IPv6 first, each family in the order of the answer. Without duplicates and addresses that
	 * no host can have, such as IPv4-mapped ones. */
	struct address *list;
	size_t n;
	unsigned int ttl;		/* lowest TTL of the records, in seconds */
	/* For IPv6 and IPv4: why its addresses are unknown (no server answered, or no host can have
	 * the address in the answer). NULL: they are known, or there are none. */
	const char *failed[2];
};

struct lookup;

/* Starts a lookup. done() is called later with the answer, whose list is valid only during that
 * call. Returns 0 or -errno. */
typedef void lookup_done(void *data, const struct lookup_answer *answer);
int lookup_start(uv_loop_t *loop, const char *name, lookup_done *done, void *data,
		 struct lookup **ret);
/* Cancels the lookup. The callback done() will not run. */
void lookup_cancel(struct lookup *l);
