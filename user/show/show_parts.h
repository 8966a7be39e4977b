/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Parts of `show` and of the metrics: guards and their backends, the relay's peers and routes, the
 * blind relay's sites. show.c, metrics.c and doctor include it.
 */
#pragma once
#include <linux/types.h>
#include <stdio.h>
#include <sys/types.h>
#include "dataplane/dataplane.h"
#include "lib/document.h"
#include "net/wireguard.h"

/* ---- the format of metrics ---- */

struct metrics_text {
	FILE *out;
	const char *family;		/* metric family that is being written */
};

/* The labels of a metric: pairs of name and value, ended by { 0 }. */
#define LABELS(...) (const char *[][2]){ __VA_ARGS__, { 0 } }

void metric_family(struct metrics_text *t, const char *name, const char *type, const char *help);
/* Writes a line of the present family. labels: LABELS(…); NULL: none. */
void metric(struct metrics_text *t, const char *labels[][2], __u64 value);
void metric_seconds(struct metrics_text *t, const char *labels[][2], double value);

/* ---- parts of show and of the metrics ---- */

/* A backend of a guarded service, from the maps. */
struct guarded {
	__u32 number;
	char name[NAME_LEN];		/* "": the service has only one */
	struct address address[2];	/* IPv4, IPv6; family 0: none */
	__be16 port;
	struct health health;
	bool down, on_standby;		/* down: backend_is_surely_down() */
};

/* Reads the backends of a service; it has none without a guard. Returns 0 or -errno. */
int guarded_read(const struct dataplane *dp, const struct table_entry *table, size_t n, __u32 id,
		 struct guarded **ret, size_t *ret_n);
/* Adds the members "wireguard" and "backends" to a service's row; nothing without a guard. */
int show_guard(struct node row, const struct dataplane *dp, const struct table_entry *table,
	       size_t n, __u32 id);
/* Writes the metrics of backends and of handshakes of all services with a guard. config: the
 * running configuration, or NULL. */
void guard_families(struct metrics_text *t, const struct dataplane *dp, const struct config *config,
		    const struct service_name *services, size_t n_services);

/* Adds the members rate_from and rate_to of a service or, if `service` is "", of a peer. */
void show_limits(struct node row, const struct config *c, const char *service, const char *peer);
/* Writes a list as source and name, and returns buf. */
const char *list_describe(const struct list_config *l, char buf[LIST_NAME_LEN + 16]);
/* Adds the lists of clients that other programs keep. Returns 0 or -errno. */
int show_followed(struct document *d, const struct dataplane *dp);
void list_families(struct metrics_text *t, const struct dataplane *dp);

struct conditions;
/* Adds the relay's peers (k NULL: no peers) and, if asked, its routes. Returns 0 or -errno. */
int show_relay(struct document *d, const struct dataplane *dp, const struct conditions *k,
	       bool routes, const struct dataplane_reason *reasons, size_t n);

/* Adds the endpoint and the latest handshake of a peer. A value that WireGuard does not have is
 * null. p: NULL if WireGuard has no such peer. */
void show_wireguard(struct node row, const struct wg_peer *p);

/* Adds the sites of the blind relay. always: adds the lists even without a blind relay. Returns 0
 * or -errno. */
int show_sites(struct document *d, const struct conditions *k, bool always);
void site_families(struct metrics_text *t, const struct conditions *k);
