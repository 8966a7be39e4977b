/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The daemon's part of the cookie challenge: makes the secrets, tells the data path that it answers
 * challenged initiations, and sends the cookie replies. daemon.c includes it.
 */
#pragma once
#include <uv.h>
#include "config/config.h"

struct cookie;

struct cookie *cookie_new(uv_loop_t *loop, const char *instance);
/* Answers challenges with the maps and the program that are pinned now. Does nothing while no
 * service of config has a challenge. */
void cookie_reconfigure(struct cookie *c, const struct config *config);
/* Makes the data path stop challenging, because nothing will answer challenges any more. */
void cookie_end(struct cookie *c);
