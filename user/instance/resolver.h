/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Names to addresses, by c-ares: /etc/hosts and DNS, as /etc/resolv.conf says. On a libuv loop, each name again when its TTL
 * ends, or sooner where it failed; the last good answer stands meanwhile, and an address stays as long as it is among the
 * answers.
 */
#pragma once
#include <uv.h>
#include "plan/answers.h"

struct resolver;

#define RESOLVE_MS 2000			/* for which commands wait for answers at most; then the last good ones stand */

/* Called when names were resolved; moved: some address is another than before */
typedef void resolver_done(void *data, bool moved);

int resolver_new(uv_loop_t *loop, struct answers *answers, resolver_done *done, void *data, struct resolver **ret);
/* answers->list was changed: what is new in it is asked for at once */
void resolver_renew(struct resolver *r);
/* The network has changed: what failed is asked for again soon */
void resolver_hope(struct resolver *r);

/* All names, once, for at most this long; whether some address is another now. missing: not if each has an answer. */
bool resolver_once(struct answers *answers, bool missing, unsigned int ms);
