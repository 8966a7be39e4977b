/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The daemon sets a peer's endpoint.
 */
#pragma once
#include "net/wireguard.h"

/* As wg_set_endpoint(), and it is counted for the metrics of the instance */
int endpoint_set(const char *instance, const char *interface, const struct wg_key *peer, const struct address *address, __be16 port);
/* The same, and its session is forgotten, as wg_renew_peer() does it; not where it has too many AllowedIPs for that */
int endpoint_renew(const char *instance, const char *interface, const struct wg_key *peer, const struct address *address, __be16 port);
