/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Calls of sites that seem to have come from another relay. Data of such a site came from an
 * unknown address. If this host's own WireGuard sent a handshake there at once, a stranger could
 * pass it on to the site, and the site would answer to the stranger. So this relay first asks the
 * relay at which the site is, whose WireGuard asks the site. Only if that relay does not hear the
 * site, WireGuard calls the new address. blind.c includes it.
 */
#pragma once
#include <uv.h>
#include "daemon/blind_relays.h"

struct calls;

/* Returns NULL if there is no memory. */
struct calls *calls_new(uv_loop_t *loop, struct sites *s, struct relays *r);
/* Data of a site that is at another relay came from a candidate address. */
void calls_begin(struct calls *c, __u32 number);
/* Another relay asks whether this relay hears the site. */
void calls_answer(struct calls *c, __u32 number);
/* Forgets all calls and questions. */
void calls_stop(struct calls *c);
