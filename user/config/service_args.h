/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A service as a command line says it: what `up --to` and `service` have in common. 0 or -errno, told.
 */
#pragma once
#include "config/config.h"

/* "51820,443": to those that are there */
int service_ports(struct service_config *s, char *list);
/* "192.168.1.10,[fd00::10]:51820": the :PORT of the last one is of both. An IPv6 address without brackets has no port. A name
 * is of the family that no address has. */
int service_backend(struct backend_config *b, const char *option, const char *argument);
/* One more public key */
int service_key(struct backend_config *b, const char *text);
int service_nat(struct service_config *s, const char *text);

/* What config_check says begins with a key of the file, which a command line does not have */
const char *without_key(const char *text);
