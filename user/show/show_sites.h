/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * `show` and metrics of the blind relay's sites. Included by show.c and metrics.c.
 */
#pragma once
#include "dataplane/dataplane.h"
#include "lib/document.h"
#include "show/metrics_text.h"

/* always: show the lists even without a blind relay. Returns 0 or -errno. */
int show_sites(struct document *d, const struct dataplane *dp, bool always);
void site_families(struct metrics_text *t, const struct dataplane *dp);
