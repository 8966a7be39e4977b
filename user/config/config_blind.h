/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The grammar, the checks and the writer of the section blind. Only files of config/ include it.
 */
#pragma once
#include "config/config_tell.h"
#include "lib/yaml.h"

extern const struct yaml_key config_blind_keys[];
yaml_set config_set_port;		/* reads a port into a __be16 at key->offset */

void config_check_blind_values(struct check *k);
void config_check_blind(struct check *k);
void config_put_blind(FILE *out, const struct config *c);
