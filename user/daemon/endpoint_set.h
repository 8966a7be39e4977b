/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Sets a peer's endpoint, for endpoints.c and learn.c.
 */
#pragma once
#include "net/wireguard.h"

/* Does what wg_set_endpoint() does, and counts it for the metrics of the instance */
int endpoint_set(const char *instance, const char *interface, const struct wg_key *peer,
		 const struct address *address, __be16 port);
/* The same, and forgets the session as wg_renew_peer() does, unless the peer has too many
 * AllowedIPs for that */
int endpoint_renew(const char *instance, const char *interface, const struct wg_key *peer,
		   const struct address *address, __be16 port);
