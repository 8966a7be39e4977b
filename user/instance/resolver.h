/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Resolves names to addresses by c-ares: /etc/hosts and DNS, as /etc/resolv.conf says. On a libuv
 * loop, each name is asked again when its TTL ends, or sooner after a failure. The last good answer
 * stays meanwhile, and an address stays while it is among the answers. apply.c, the daemon and
 * check include it.
 */
#pragma once
#include <uv.h>
#include "plan/resolved_backends.h"

struct resolver;

#define RESOLVE_MS 2000			/* commands wait so long for answers at most */

/* Called when names were resolved; moved: an address has changed */
typedef void resolver_done(void *data, bool moved);

struct resolver *resolver_new(uv_loop_t *loop, struct resolved_backends *answers,
			      resolver_done *done, void *data); /* NULL: no memory */
/* answers->list has changed: asks for new names at once */
void resolver_reconfigure(struct resolver *r);
/* The network has changed: asks again soon for names that failed */
void resolver_retry_soon(struct resolver *r);

/* Asks for all names once, for at most ms. Returns whether an address has changed. missing: do
 * nothing if every name has an answer. */
bool resolver_once(struct resolved_backends *answers, bool missing, unsigned int ms);
