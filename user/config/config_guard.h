/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The grammar and the checks of a service's guard and backends, and writers that several sections
 * share. Only the files of config/ include it.
 */
#pragma once
#include "config/config_tell.h"
#include "lib/yaml.h"

#define GUARD_RATE_MAX 1000000		/* initiations per second */
#define GUARD_JUNK_MAX 1280		/* bytes in front of a message */

extern const struct yaml_key config_backend_keys[], config_backends_keys[], config_wireguard_keys[];
yaml_set config_set_wireguard;
/* and the backends, if there are several */
void config_put_guard(FILE *out, const struct service_config *s);
/* Writes those of "ipv4: …, ipv6: …, port: …" that are set: the first after `before`, the others
 * after ", ". */
void config_put_place(FILE *out, const char *before, const char *ipv4, const char *ipv6,
		      __be16 port);
void config_put_standby(FILE *out, const struct backend_config *b);

/* Parts of config_check: each value of a service, then contradictions among them. */
void config_check_backend_values(struct check *k, size_t i);
void config_check_guard(struct check *k, size_t i);
/* Sets the place to "/services/1/backend" or "/services/1/backends/2", and `below` it. */
void config_at_backend(struct check *k, size_t i, size_t backend, const char *below);

/* Defined in config_check.c and config_write.c. */
void config_check_host(struct check *k, const char *key, const char *text, __u8 family, bool names);
void config_put_text(FILE *out, const char *text);
/* 443, 20000-20010: runs of at least three ports as ranges */
void config_put_ports(FILE *out, const struct service_config *s);
