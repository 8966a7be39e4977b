/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The grammar of a service's key flows, and functions that read numbers with a suffix. Only files
 * of config/ include it.
 */
#pragma once
#include "config/config.h"
#include "lib/yaml.h"

#define SECONDS_MAX 86400

extern const struct yaml_key config_flows_keys[];
/* Returns the number before the suffix, from 1 to max. Returns 0 if the text is anything else. */
__u32 config_number(const char *text, const char *suffix, __u32 max);
/* Returns the seconds in a value such as 180s, from 1 to max. Returns 0 after printing an error. */
__u32 config_seconds(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		     __u32 max);
void config_put_flows(FILE *out, const struct flows_config *f);
