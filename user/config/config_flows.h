/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The grammar of a service's flows. Only the files of config.h include it.
 */
#pragma once
#include "config/config.h"
#include "lib/yaml.h"

#define FLOWS_MAX (1 << 24)		/* of a service */
#define SECONDS_MAX 86400

extern const struct yaml_key config_flows_keys[];
/* A whole number from 1 to max before the suffix; 0: none */
__u32 config_number(const char *text, const char *suffix, __u32 max);
/* Seconds, as 180s, of the key's value; 0 where it is wrong, which is told */
__u32 config_seconds(struct yaml *y, const struct yaml_key *key, struct yaml_node *value);
void config_put_flows(FILE *out, const struct flows_config *f);
