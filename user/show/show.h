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
#include "net/wg_dump.h"

#define SHOW_INTERFACES (1 << 0)
#define SHOW_SERVICES (1 << 1)
#define SHOW_DROPS (1 << 2)
#define SHOW_METRICS (1 << 3)		/* cannot be combined with other nouns */
#define SHOW_PEERS (1 << 4)
#define SHOW_ROUTES (1 << 5)		/* routes; the plain form lists them with their peers */
#define SHOW_FLOWS (1 << 6)		/* cannot be combined with other nouns */
#define SHOW_SITES (1 << 7)
#define SHOW_ALL (SHOW_INTERFACES | SHOW_SERVICES | SHOW_DROPS | SHOW_PEERS | SHOW_SITES)
#define SHOW_DOCUMENT (SHOW_ALL | SHOW_ROUTES)	/* all nouns of the form for programs */

/* Returns the SHOW_* flags of a word, or 0 if there is no such word. */
unsigned int show_noun(const char *word);
/* Prints `what` of the running dp, as JSON or for people. Metrics and flows have functions of their
 * own. Returns 0 or -errno. */
int show_write(const struct dataplane *dp, unsigned int what, bool json, FILE *out);
/* Prints an instance without a data path: its daemon, file, endpoints and DNS names. Returns 0 or
 * -errno. */
int show_control(const char *instance, const struct config *c, unsigned int what, bool json,
		 FILE *out);
/* Adds whether a daemon follows the instance, and the state of its file. running: the configuration
 * that runs; NULL: it is lost. */
void show_follower(struct node to, const char *instance, const struct config *running, bool json);
/* Prints all flows, one per line, by service, client and public address. dump: WireGuard's peers on
 * the backend, or NULL. Needs 128 bytes of memory per flow. Returns 0 or -errno, after logging
 * it. */
int show_flows(const struct dataplane *dp, bool json, const struct wg_dump *dump, FILE *out);
/* Writes all metrics of an instance in Prometheus' text format; docs/reference/metrics.md lists
 * them. Those of a process (process_*) are of `process`. Returns 0 or -errno, after logging it. */
int metrics_write(FILE *out, const char *instance, pid_t process);
