/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The effects of a knock: it runs a program of the configuration as another user, and writes a file
 * that a systemd unit may watch. learn.c includes it.
 */
#pragma once
#include <uv.h>
#include "config/config_learn.h"

#define KNOCK_USER "nobody"		/* runs the program by default */
#define KNOCK_SECONDS 60		/* after this time the program is killed */

/* Returns whether an address is this host's, so that a traceroute ends here */
bool knock_is_for_us(const struct address *to, uint64_t now_ms);
/* Writes address and port of a knock to /run/wgxdp/INSTANCE/knocked, which wgxdp-knock.path
 * watches */
void knock_note(const char *instance, const struct address *from, __be16 port);
/* Runs the program without a shell, with only PATH in its environment, one at a time. Reports if it
 * cannot be run. */
void knock_run(uv_loop_t *loop, const struct learn_config *c);
