/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The daemon's part of the cookie challenge: makes secrets, tells the data path that they are
 * answered, and sends the answers. daemon.c includes it.
 */
#pragma once
#include <uv.h>
#include "config/config.h"

struct cookie;

/* Does nothing before the first cookie_renew(). NULL: no memory */
struct cookie *cookie_new(uv_loop_t *loop, const char *instance);
/* Uses the maps and the program that are pinned now. Sleeps while no service of config asks for
 * challenges. */
void cookie_renew(struct cookie *c, const struct config *config);
/* Ends all challenges */
void cookie_end(struct cookie *c);
