/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Below config.h, for its own files: DynDNS's part of the grammar.
 */
#pragma once
#include "lib/yaml.h"

extern const struct yaml_key config_ddns_keys[], config_provider_keys[];
yaml_set config_set_ddns;		/* of the section: a mapping, or a list of them */
yaml_set config_set_ttl, config_set_provider;	/* their object is a ddns_config */
yaml_set config_set_domain;		/* to char[256], without the dot that may end it */
