/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What `show` and the metrics tell of a service's guard and of the backends that it tells apart.
 */
#pragma once
#include "dataplane/dataplane.h"
#include "lib/document.h"
#include "show/metrics_text.h"

/* One backend of a guarded service, as the maps have it */
struct guarded {
	__u32 number;
	char name[NAME_LEN];		/* "": the only one */
	struct address address[2];	/* IPv4 and IPv6; family 0: none */
	__be16 port;
	struct health health;
	bool down, on_standby;
};

/* Those of one service: none without a guard. 0 or -errno */
int guarded_read(const struct dataplane *dp, const struct table_entry *table, size_t n, __u32 id, struct guarded **ret, size_t *ret_n);
/* "wireguard" and "backends" of a service's row; nothing without a guard */
int show_guard(struct node row, const struct dataplane *dp, const struct table_entry *table, size_t n, __u32 id);
/* Handshakes of all services */
void guard_families(struct metrics_text *t, const struct dataplane *dp, const struct service_name *services, size_t n_services);
