/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Parts of `show`: peers and routes of the relay.
 */
#pragma once
#include "dataplane/dataplane.h"
#include "lib/document.h"

/* "peers" and "routes", as they are wanted. 0 or -errno. */
int show_relay(struct document *d, const struct dataplane *dp, bool peers, bool routes, const struct dataplane_reason *reasons, size_t n);
