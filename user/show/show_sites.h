/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp show: sites of the blind relay; and metrics of them.
 */
#pragma once
#include "dataplane/dataplane.h"
#include "lib/document.h"
#include "show/metrics_text.h"

/* always: also where there is no blind relay. 0 or -errno. */
int show_sites(struct document *d, const struct dataplane *dp, bool always);
void site_families(struct metrics_text *t, const struct dataplane *dp);
