/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Sets a peer's endpoint, and reports that WireGuard has no such peer. endpoints.c and learn.c
 * include it.
 */
#pragma once
#include "net/wireguard.h"

/* Sets a peer's endpoint, and counts that for the instance's metrics. renew: also ends the session,
 * as wg_renew_peer() does, unless the peer has too many AllowedIPs for that. */
int endpoint_set(const char *instance, const char *interface, const struct wg_key *peer,
		 const struct address *address, __be16 port, bool renew);
/* Returns in words why a peer could not be read. rc: the negative errno; -ENOTUNIQ: the interface
 * has several peers, and the configuration names none of them. */
const char *endpoint_why(int rc);
