/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The grammar and the checks of the relay: the sections peers, follow, announce and policy. Files
 * of config/ include it, and gen/ for the values that a topology has too.
 */
#pragma once
#include "config/config_tell.h"
#include "lib/yaml.h"

extern const struct yaml_key config_peer_keys[], config_follow_keys[], config_announce_keys[],
	config_policy_keys[];
yaml_set config_set_policy;		/* sets the defaults of policy, then reads the section */
/* Appends a prefix to a list. For invalid text it appends an empty prefix, so that indexes in the
 * list and in the file stay the same. */
yaml_set config_add_prefix;
yaml_set config_add_ports;	/* appends a range to a list of ports that has none of them */
/* UDP ports that policy allows by default: those of the WireGuard mesh between sites */
extern const struct port_range config_mesh_ports;
/* reads a public key into a struct wg_key at key->offset */
yaml_set config_set_key;

#define TABLE_STRLEN 12
const char *table_format(__u32 table, char buf[TABLE_STRLEN]);

/* Parts of config_check_each(): the first checks each value, the second looks for
 * contradictions. */
void config_check_relay_values(struct check *k);
void config_check_relay(struct check *k);
void config_check_device(struct check *k, const char *key, const char *name, const char *like);
/* Returns false after an error if a peer cannot have this name. "": no name, which is valid. */
bool config_check_peer_name(struct check *k, const char *key, const char *name);
