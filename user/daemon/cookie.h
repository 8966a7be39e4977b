/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The daemon's part of the cookie challenge: makes secrets, tells the data path that they are
 * answered, and sends the answers. daemon.c includes it.
 */
#pragma once
#include <uv.h>
#include "config/config.h"

struct cookie;

/* Returns 0 or -errno. Does nothing before the first cookie_renew(). */
int cookie_new(uv_loop_t *loop, const char *instance, struct cookie **ret);
/* Uses the maps and the program that are pinned now. Sleeps while no service of config asks for
 * challenges. */
void cookie_renew(struct cookie *c, const struct config *config);
/* Ends all challenges */
void cookie_end(struct cookie *c);
