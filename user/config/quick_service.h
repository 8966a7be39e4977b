/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A firewall in one line: `up` and `doctor` turn --wan, --to and their companions into a
 * configuration with the service wg-end. Functions return 0, or -errno after printing an error.
 */
#pragma once
#include "config/config.h"

/* as getopt_long() returns them */
enum quick_service_option {
	QUICK_WAN = 256, QUICK_LAN, QUICK_TO, QUICK_PORT, QUICK_NAT, QUICK_OPTIONS
};

struct quick_service {
	struct config *config;		/* NULL: no option was given */
	struct service_config *service;	/* its only one */
	bool port_said;
};

/* Handles one option. It writes to its argument. */
int quick_service_option(struct quick_service *l, enum quick_service_option option, char *argument);
/* Completes the configuration after the last option, with one service per --wan, all with the same
 * backend. */
int quick_service_finish(struct quick_service *l, const char *command);
