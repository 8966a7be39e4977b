/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Parts of `show`: peers and routes of the relay.
 */
#pragma once
#include "dataplane.h"
#include "document.h"

int show_peers(struct document *d, const struct dataplane *dp, const struct dataplane_reason *reasons, size_t n);
int show_routes(struct document *d, const struct dataplane *dp);
