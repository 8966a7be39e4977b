/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A service from a command line, as `up --to` and `service` describe it. Functions return 0, or
 * -errno after printing an error.
 */
#pragma once
#include "config/config.h"

/* Adds ports from a list such as "51820,400-450". */
int service_ports(struct service_config *s, char *list);
/* Reads "192.168.1.10,[fd00::10]:51820". The :PORT at the end is for both addresses. An IPv6
 * address without brackets has no port. A name takes the family that no address has. */
int service_backend(struct backend_config *b, const char *option, const char *argument);
/* Adds a public key. */
int service_key(struct backend_config *b, const char *text);
int service_nat(struct service_config *s, const char *text);

/* Skips the key of the file with which the errors of config_check begin: a command line has
 * none. */
const char *without_key(const char *text);
