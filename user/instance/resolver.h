/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Resolves host names to addresses with c-ares, from /etc/hosts and DNS as /etc/resolv.conf
 * configures. On a libuv loop it resolves each name again when its TTL ends, or sooner after a
 * failure. Meanwhile the last address stays valid. An address is kept as long as it is in the
 * answer. apply.c, daemon/, doctor/, gen/ and cmd/ include it.
 */
#pragma once
#include <uv.h>
#include "plan/resolved_backends.h"

struct resolver;

#define RESOLVE_MS 2000			/* most ms that commands wait for DNS */

/* Called after names were resolved, and before that when one of them has another address. moved: at
 * least one has another address since the last call. */
typedef void resolver_done(void *data, bool moved);

struct resolver *resolver_new(uv_loop_t *loop, struct resolved_backends *answers,
			      resolver_done *done, void *data);
/* Call this when answers->list has changed: addresses of new names are requested at once. */
void resolver_reconfigure(struct resolver *r);
/* Call this when the network has changed: names that failed are soon resolved again. */
void resolver_retry_soon(struct resolver *r);

/* Resolves all names once, waiting at most `ms` milliseconds. missing: does nothing if every name
 * has an address already. Returns whether any address changed. */
bool resolver_once(struct resolved_backends *answers, bool missing, unsigned int ms);
