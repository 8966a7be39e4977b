/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The grammar and the checks of the relay. Only the files of config/ include it.
 */
#pragma once
#include "config/config_tell.h"
#include "lib/yaml.h"

extern const struct yaml_key config_peer_keys[], config_follow_keys[], config_announce_keys[],
	config_policy_keys[];
yaml_set config_set_policy;		/* sets the defaults of policy, then reads it */
/* adds an item to a list of prefixes; a text that is no prefix keeps its place */
yaml_set config_add_prefix;
yaml_set config_set_key;			/* writes a struct wg_key at the row's offset */
extern const char *const config_origin_names[];

#define TABLE_STRLEN 12
__u32 table_parse(const char *text);	/* "main" or a number; 0: neither */
const char *table_format(__u32 table, char buf[TABLE_STRLEN]);

/* Parts of config_check_each: each value on its own, then contradictions. */
void config_check_relay_values(struct check *k);
void config_check_relay(struct check *k);
void config_check_device(struct check *k, const char *key, const char *name, const char *like);
