/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Handles a knock: runs a program of the configuration as another user, and writes a file that a
 * systemd unit may watch. learn.c includes it.
 */
#pragma once
#include <uv.h>
#include "config/config_learn.h"

#define KNOCK_USER "nobody"		/* user account that runs the program by default */
#define KNOCK_SECONDS 60		/* time in seconds after which the program is killed */

/* Returns whether an address is this host's, so that a packet to it is a knock and no
 * traceroute. */
bool knock_is_for_us(const struct address *to, uint64_t now_ms);
/* Writes the address and port from which a knock came to /run/wgxdp/INSTANCE/knocked, which the
 * systemd unit wgxdp-knock.path watches. */
void knock_note(const char *instance, const struct address *from, __be16 port);
/* Runs the program of the configuration without a shell, with only PATH in its environment. Only
 * one program runs at a time. Prints an error if it cannot be run. */
void knock_run(uv_loop_t *loop, const struct learn_config *c);
