/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The cookie challenge's part of the daemon: secrets, the word that somebody answers, and the answers.
 */
#pragma once
#include <uv.h>
#include "config/config.h"

struct cookie;

/* 0 or -errno, told. Does nothing before the first cookie_renew(). */
int cookie_new(uv_loop_t *loop, const char *instance, struct cookie **ret);
/* By the maps and the program that are pinned now; where no service of c challenges it sleeps */
void cookie_renew(struct cookie *c, const struct config *config);
/* From now on nobody is challenged */
void cookie_end(struct cookie *c);
