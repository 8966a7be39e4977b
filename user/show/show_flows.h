/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp show flows: the clients of masquerading services, and as whom the backend sees them.
 */
#pragma once
#include <stdio.h>
#include "dataplane/dataplane.h"
#include "net/wg_dump.h"

/* All flows to out, a line each, by service, client and where it came in; dump: what WireGuard says on the backend, or NULL. With 128
 * bytes of memory a flow. 0, or -errno, told. */
int show_flows(const struct dataplane *dp, bool json, const struct wg_dump *dump, FILE *out);
