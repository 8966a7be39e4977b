/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The grammar and the checks of a service's guard and backends, and functions for writing YAML that
 * several sections use. Only files of config/ include it.
 */
#pragma once
#include "config/config_tell.h"
#include "lib/yaml.h"

#define GUARD_RATE_MAX 1000000 /* highest limit that can be configured, in initiations per second */
#define GUARD_JUNK_MAX 1280		/* most junk bytes in front of a message */

extern const struct yaml_key config_backend_keys[], config_backends_keys[], config_wireguard_keys[];
yaml_set config_set_wireguard;
/* Writes the key wireguard of the service, and the key backends if the service has several
 * backends. */
void config_put_guard(FILE *out, const struct service_config *s);
/* Writes those parts of "ipv4: …, ipv6: …, port: …" that are set: `before`, the first part, and ",
 * " before each further part. */
void config_put_place(FILE *out, const char *before, const char *ipv4, const char *ipv6,
		      __be16 port);
void config_put_standby(FILE *out, const struct backend_config *b);

/* Parts of config_check(): the first checks each value of service i, the second looks for
 * contradictions. */
void config_check_backend_values(struct check *k, size_t i);
void config_check_guard(struct check *k, size_t i);
/* Makes the next error point to "/services/1/backend" or "/services/1/backends/2" and the key
 * `below` in it. */
void config_at_backend(struct check *k, size_t i, size_t backend, const char *below);

/* These are defined in config_check.c and config_write.c. */
void config_check_host(struct check *k, const char *key, const char *text, __u8 family, bool names);
void config_put_text(FILE *out, const char *text);
/* Writes the service's ports, such as "443, 20000-20010": three or more in a row as a range. */
void config_put_ports(FILE *out, const struct service_config *s);
