/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads the parts of a service from the command lines of `up`, `doctor` and `service`.
 * Functions return 0, or -errno after printing an error.
 */
#pragma once
#include "config/config.h"

/* Adds the ports of a list such as "51820,400-450" to those that the service listens on. */
int service_ports(struct service_config *s, char *list);
/* Parses a backend such as "192.168.1.10,[fd00::10]:51820". :PORT at the end is that of both
 * addresses; an IPv6 address needs brackets before it. A host name stands for the family without an
 * address. */
int service_backend(struct backend_config *b, const char *option, const char *argument);
/* Adds a base64 public key to the backend. */
int service_key(struct backend_config *b, const char *text);
int service_nat(struct service_config *s, const char *text);

/* Returns an error text of config_check_each() without "KEY: " at its beginning, because a command
 * line has no keys of the file. */
const char *without_key(const char *text);

/* ---- a configuration with one service ----
 * Builds a configuration with the service wg-end from --wan, --to and related options of a
 * command line, for `up` and `doctor`. */

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
