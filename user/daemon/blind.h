/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The blind relay, as the daemon's part in it: who its sites are and where, by the word of this host's own WireGuard; what the data path
 * asks of it; and what outlives a restart of the host.
 */
#pragma once
#include <uv.h>
#include "config/config.h"

struct blind;

/* 0 or -errno */
int blind_new(uv_loop_t *loop, const char *instance, struct blind **ret);
/* Follows the sites as the configuration says, or nobody */
void blind_renew(struct blind *b, const struct config *c);
/* What the data path says, in the ring `signals` */
void blind_signal(struct blind *b, const struct signal *signal);
void blind_end(struct blind *b);
