/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A firewall in one line: `up` and `doctor` turn --wan, --to and their companions into a
 * configuration with the service wg-end. Functions return 0, or -errno after printing an error.
 */
#pragma once
#include "config/config.h"

/* as getopt_long() returns them */
enum line_option { LINE_WAN = 256, LINE_LAN, LINE_TO, LINE_PORT, LINE_NAT, LINE_OPTIONS };

struct line {
	struct config *config;		/* NULL: no option was given */
	struct service_config *service;	/* its only one */
	bool port_said;
};

/* Handles one option. It writes to its argument. */
int line_option(struct line *l, enum line_option option, char *argument);
/* Completes the configuration after the last option, with one service per --wan, all with the same
 * backend. */
int line_finish(struct line *l, const char *command);
