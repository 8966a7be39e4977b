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
/* Returns the number, from 1 to max, before the suffix in a text such as "20k"; 0: invalid text. */
__u32 config_number(const char *text, const char *suffix, __u32 max);
/* Returns the seconds, from 1 to max, in a value such as 180s; 0: an error was printed. */
__u32 config_seconds(struct yaml *y, const struct yaml_key *key, struct yaml_node *value,
		     __u32 max);
void config_put_flows(FILE *out, const struct flows_config *f);
