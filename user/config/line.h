/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A firewall in one line: --wan, --to and what goes with them, as `up` and `doctor` take it, into a configuration of one service by the
 * name of wg-end. 0 or -errno, told.
 */
#pragma once
#include "config/config.h"

enum line_option { LINE_WAN = 256, LINE_LAN, LINE_TO, LINE_PORT, LINE_NAT, LINE_OPTIONS };	/* as getopt_long() returns them */

struct line {
	struct config *config;		/* NULL: nothing was said */
	struct service_config *service;	/* its only one */
	bool port_said;
};

/* One option and its argument, which is written to */
int line_option(struct line *l, enum line_option option, char *argument);
/* What only the whole line can tell. Each --wan listens: one service a wan, of the same backend. */
int line_finish(struct line *l, const char *command);
