/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The maps' contents as a document. `wgxdp show` and the daemon's API print the same document.
 */
#pragma once
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>
#include "dataplane/dataplane.h"
#include "lib/document.h"
#include "net/wireguard.h"

#define SHOW_INTERFACES (1 << 0)
#define SHOW_SERVICES (1 << 1)
#define SHOW_DROPS (1 << 2)
#define SHOW_METRICS (1 << 3)		/* cannot be combined with other nouns */
#define SHOW_PEERS (1 << 4)
#define SHOW_ROUTES (1 << 5)		/* the plain form lists routes with their peers */
#define SHOW_FLOWS (1 << 6)		/* cannot be combined with other nouns */
#define SHOW_SITES (1 << 7)
#define SHOW_LISTS (1 << 8)		/* SHOW_SERVICES shows them, too */
#define SHOW_ALL (SHOW_INTERFACES | SHOW_SERVICES | SHOW_DROPS | SHOW_PEERS | SHOW_SITES)
#define SHOW_DOCUMENT (SHOW_ALL | SHOW_ROUTES)	/* everything that the JSON form can show */

/* Returns the SHOW_* flags of a word of `wgxdp show`, such as "peers"; 0: there is no such word. */
unsigned int show_noun(const char *word);
/* Prints what the flags ask for, as JSON or for people, except SHOW_METRICS and SHOW_FLOWS. Returns
 * 0 or -errno. */
int show_write(const struct dataplane *dp, unsigned int what, bool json, FILE *out);
/* Prints an instance without a data path: its daemon, file, endpoints and DNS names. */
void show_control(const char *instance, const struct config *c, unsigned int what, bool json,
		  FILE *out);
/* Adds whether a daemon follows the instance, and the state of its file. running: the configuration
 * that runs; NULL: it is lost. */
void show_follower(struct node to, const char *instance, const struct config *running, bool json);
/* Prints all flows, one a line, sorted by service, client and public address. dump: peers of the
 * backend's WireGuard, or NULL. It takes 128 bytes of memory per flow. Returns 0, or -errno after
 * printing an error. */
int show_flows(const struct dataplane *dp, bool json, const struct wg_dump *dump, FILE *out);
/* Writes an instance's metrics in Prometheus' text format; docs/reference/metrics.md lists them.
 * process_* describe the caller. Returns 0, or -errno after printing an error. */
int metrics_write(FILE *out, const char *instance);
