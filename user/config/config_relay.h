/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The grammar of the relay, and what may be wrong with it. Only the files of config.h include it.
 */
#pragma once
#include "config/config_tell.h"
#include "lib/yaml.h"

extern const struct yaml_key config_peer_keys[], config_follow_keys[], config_announce_keys[], config_policy_keys[];
yaml_set config_set_policy;		/* of struct config's policy, with what it has where nothing is said */
yaml_set config_add_prefix;		/* an item of a list of prefixes: what is none keeps its place */
yaml_set config_set_key;			/* a struct wg_key at the row's offset */
extern const char *const config_origin_names[];

#define TABLE_STRLEN 12
__u32 table_parse(const char *text);	/* "main", or a number; 0: none */
const char *table_format(__u32 table, char buf[TABLE_STRLEN]);

/* Parts of config_check_each: each value on its own; what contradicts */
void config_check_relay_values(struct check *k);
void config_check_relay(struct check *k);
void config_check_device(struct check *k, const char *key, const char *name, const char *like);
