/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the maps say, as a document: the same for `wgxdp show` and for the daemon's API.
 */
#pragma once
#include <stdbool.h>
#include <stdio.h>
#include "dataplane/dataplane.h"

#define SHOW_INTERFACES (1 << 0)
#define SHOW_SERVICES (1 << 1)
#define SHOW_DROPS (1 << 2)
#define SHOW_METRICS (1 << 3)		/* by themselves */
#define SHOW_PEERS (1 << 4)
#define SHOW_ROUTES (1 << 5)		/* in the plain form they stand with their peers */
#define SHOW_FLOWS (1 << 6)		/* by themselves */
#define SHOW_SITES (1 << 7)
#define SHOW_ALL (SHOW_INTERFACES | SHOW_SERVICES | SHOW_DROPS | SHOW_PEERS | SHOW_SITES)
#define SHOW_DOCUMENT (SHOW_ALL | SHOW_ROUTES)	/* all of it for programs */

/* SHOW_*; 0: no noun */
unsigned int show_noun(const char *word);
/* What of dp, which runs; as JSON, or for people. Not of metrics and flows. 0 or -errno. */
int show_write(const struct dataplane *dp, unsigned int what, bool json, FILE *out);
