/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads the parts of a service from a command line, for quick_service.c and for `service`.
 * Functions return 0, or -errno after printing an error.
 */
#pragma once
#include "config/config.h"

/* Adds the ports of a list such as "51820,400-450". */
int service_ports(struct service_config *s, char *list);
/* Reads the backend's addresses and port, such as "192.168.1.10,[fd00::10]:51820". The :PORT at the
 * end applies to both addresses. An IPv6 address without brackets cannot have a port. A host name
 * stands for the family that no address has. */
int service_backend(struct backend_config *b, const char *option, const char *argument);
/* Adds a public key to the backend. Returns 0, -ENOMEM, or -EINVAL after printing an error. */
int service_key(struct backend_config *b, const char *text);
int service_nat(struct service_config *s, const char *text);

/* Returns an error text of config_check_each() without the key of the file at its beginning,
 * because a command line has no such key. */
const char *without_key(const char *text);
