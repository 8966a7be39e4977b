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

#define RESOLVE_MS 2000			/* longest time that commands wait for answers, in ms */

/* Is called when names were resolved. moved: some address has changed. */
typedef void resolver_done(void *data, bool moved);

struct resolver *resolver_new(uv_loop_t *loop, struct resolved_backends *answers,
			      /* Returns NULL if there is no memory. */
			      resolver_done *done, void *data);
/* Call this after answers->list has changed. It asks for the addresses of new names at once. */
void resolver_reconfigure(struct resolver *r);
/* Call this after the network has changed. It soon asks again for names that failed. */
void resolver_retry_soon(struct resolver *r);

/* Resolves all names once and waits for at most `ms`. If `missing` is true, it does nothing when
 * every name has an address. Returns whether an address has changed. */
bool resolver_once(struct resolved_backends *answers, bool missing, unsigned int ms);
