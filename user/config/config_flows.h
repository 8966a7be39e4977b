/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The grammar of a service's key flows, and its limits. Only files of config/ include it.
 */
#pragma once
#include "config/config.h"
#include "lib/yaml.h"

#define SECONDS_MAX 86400

extern const struct yaml_key config_flows_keys[];
void config_put_flows(FILE *out, const struct flows_config *f);
