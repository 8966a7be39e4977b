/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What a knock brings about: a program of the configuration's, as another user, and a file that a unit may watch.
 */
#pragma once
#include <uv.h>
#include "config/config_learn.h"

#define KNOCK_USER "nobody"		/* by default */
#define KNOCK_SECONDS 60		/* then its program is killed */

/* Whether that is an address of this host, as a traceroute that ends here has it */
bool knock_is_for_us(const struct address *to, uint64_t now_ms);
/* Who knocked, and at which port, to /run/wgxdp/INSTANCE/knocked, whose writing wgxdp-knock.path waits for */
void knock_note(const char *instance, const struct address *from, __be16 port);
/* The program, without a shell, with PATH alone in its environment, and no more than one at a time. Told where it cannot be run. */
void knock_run(uv_loop_t *loop, const struct learn_config *c);
