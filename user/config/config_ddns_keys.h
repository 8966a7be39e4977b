/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The grammar of dynamic DNS, which a configuration and a topology share. Files of config/ and gen/
 * include it.
 */
#pragma once
#include "lib/yaml.h"

extern const struct yaml_key config_ddns_keys[], config_provider_keys[];
yaml_set config_set_ddns;		/* for the section: a mapping, or a list of them */
yaml_set config_set_ttl, config_set_provider;	/* write to a struct ddns_config */
yaml_set config_add_host_name;	/* appends a struct ddns_text, likewise, to a list (.count) */
yaml_set config_set_domain;	/* writes a char[256], without the dot that may end the name */
