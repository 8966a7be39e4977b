/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The grammar of dynamic DNS, which the configuration and the topology have in common. Files of
 * config/ and gen/ include it.
 */
#pragma once
#include "lib/yaml.h"

extern const struct yaml_key config_ddns_keys[], config_provider_keys[];
yaml_set config_add_ddns;	/* appends an entry of the section ddns */
yaml_set config_set_provider;	/* sets members of a struct ddns_config */
/* appends a struct ddns_text to a list, without a dot at its end */
yaml_set config_add_host_name;
yaml_set config_set_domain;	/* sets a char[256], without a dot at its end */
