/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp show flows: the clients of masquerading services, and the source under which the backend
 * sees each. Included by the daemon and by `wgxdp show`.
 */
#pragma once
#include <stdio.h>
#include "dataplane/dataplane.h"
#include "net/wg_dump.h"

/* Prints all flows, one per line, by service, client and public address. dump: WireGuard's peers on
 * the backend, or NULL. Needs 128 bytes of memory per flow. Returns 0 or -errno, after logging
 * it. */
int show_flows(const struct dataplane *dp, bool json, const struct wg_dump *dump, FILE *out);
