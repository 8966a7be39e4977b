/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Below config.h, for its own files: the blind relay's part of the grammar, and of what may be wrong with it.
 */
#pragma once
#include "config/config_tell.h"
#include "lib/yaml.h"

extern const struct yaml_key config_blind_keys[];
yaml_set config_set_port;		/* a __be16 at the row's offset */

void config_check_blind_values(struct check *k);
void config_check_blind(struct check *k);
void config_put_blind(FILE *out, const struct config *c);
