/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The grammar of dynamic DNS. Only the files of config.h include it.
 */
#pragma once
#include "lib/yaml.h"

extern const struct yaml_key config_ddns_keys[], config_provider_keys[];
yaml_set config_set_ddns;		/* of the section: a mapping, or a list of them */
yaml_set config_set_ttl, config_set_provider;	/* their object is a ddns_config */
yaml_set config_set_domain;		/* to char[256], without the dot that may end it */
