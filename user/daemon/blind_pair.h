/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The stream between two blind relays that share a public address (section `pair` of `blind`). The
 * relay that has the address is active, and sends where the sites are and which indices belong to
 * which sessions. The other relay writes this to its own maps, so that its data path forwards from
 * the first packet when it gets the address. blind.c includes it.
 */
#pragma once
#include "daemon/blind_link.h"
#include "daemon/blind_sites.h"

struct partner;				/* the other relay */

struct partner *partner_new(uv_loop_t *loop, struct sites *s);
/* Returns whether the other relay should have the shared address, because this host has not. */
bool partner_is_standby(const struct partner *p);
/* Connects to the other relay as the configuration says; without `pair`, or if no maps are open,
 * ends the connection. */
void partner_reconfigure(struct partner *p);
/* Begins a new connection, in which the active relay sends everything again. Call it when this host
 * becomes active or standby, and when it has new sites or maps. */
void partner_restart(struct partner *p);
/* Sends changes at once, for example when a site has moved. */
void partner_send(struct partner *p);
