/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What runs, as a configuration: from /run/wgxdp/INSTANCE/running.yaml, or, where that is lost, from the maps.
 */
#pragma once
#include "config/config.h"
#include "dataplane/dataplane.h"

/* The caller holds the instance's lock. -ENOENT: the instance is not up; told, like every error. */
int running_read(const char *instance, struct config **ret);
/* The same, without a word where it is not up */
int running_read_quietly(const char *instance, struct config **ret);

void running_not_up(const char *instance);	/* says that */

/* From the maps alone: names are addresses, and every interface with a role is named */
int config_rebuild(const struct dataplane *dp, const struct host *h, struct config **ret);
/* A masquerading service's part: the room for flows is shared out evenly */
int config_rebuild_flows(const struct dataplane *dp, __u32 id, struct service_config *s);
/* Where the number's backend is written: the only one, or one of several, which is added; NULL: no memory. Then what its guard asks
 * for, keys too */
struct backend_config *config_rebuild_backend(const struct dataplane *dp, __u32 id, __u32 number, struct service_config *s);
int config_rebuild_guard(const struct dataplane *dp, __u32 id, struct service_config *s);
/* The blind relay's: the mtu is said by nothing that runs */
int config_rebuild_blind(const struct dataplane *dp, const struct host *h, struct config *c);
/* The relay's part of that: peers with the fewest prefixes that mean the same */
int config_rebuild_relay(const struct dataplane *dp, struct config *c);
