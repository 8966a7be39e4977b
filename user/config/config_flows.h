/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The grammar of a service's key flows, and its limits. Only files of config/ include it.
 */
#pragma once
#include "config/config.h"
#include "lib/yaml.h"

#define SECONDS_MAX 86400

extern const struct yaml_key config_flows_keys[];
/* Appends an address to a list. For invalid text it appends family 0, so that indexes in the list
 * and in the file stay the same: errors of config_check.c use them. */
yaml_set config_add_address;
void config_put_flows(FILE *out, const struct flows_config *f);
