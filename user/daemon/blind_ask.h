/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Challenges of sites: has a site moved? Data of its session came from an unknown
 * address, the candidate. So WireGuard asks the site at its last endpoint, and a site that answers
 * has not moved. Without an answer, the data path sends a copy of the last question to the
 * candidate, and the site's answer moves WireGuard's endpoint. blind.c includes it.
 *
 * The candidate may be an attacker who passes the copy on to the site. If the site receives it
 * before the original, it sends to the attacker from then on. So the site gets enough time to
 * answer, and there is no copy without a session: the question would wait for a handshake, in which
 * the site answers.
 */
#pragma once
#include "daemon/blind_sites.h"

struct challenges;

struct challenges *challenges_new(uv_loop_t *loop, struct sites *s);
/* Data of a site came from its candidate address. Does nothing while the site is being asked. */
void challenges_begin(struct challenges *c, __u32 number);
void challenges_stop(struct challenges *c);
