/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Builds a configuration with the service wg-end from --wan, --to and related options of a command
 * line. cmd/ includes it for `up` and `doctor`. Functions return 0, or -errno after printing an
 * error.
 */
#pragma once
#include "config/config.h"

/* Options of a quick service, as getopt_long() returns them. */
enum quick_service_option {
	QUICK_WAN = 256, QUICK_LAN, QUICK_TO, QUICK_PORT, QUICK_NAT, QUICK_OPTIONS
};

struct quick_service {
	/* configuration from the options; NULL: no option yet */
	struct config *config;
	struct service_config *service;
	bool port_said;
};

/* Handles one option, whose argument it may change. Returns 0, or -errno after an error. */
int quick_service_option(struct quick_service *l, enum quick_service_option option, char *argument);
/* Completes and checks the configuration after the last option. Each --wan gets a service of its
 * own, all with the same backend. */
int quick_service_finish(struct quick_service *l, const char *command);
