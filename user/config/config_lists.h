/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The entries of `allow` and `deny`: prefixes, and lists that other programs keep. config.c,
 * config_check.c and config_write.c include it.
 */
#pragma once
#include "config/config.h"
#include "config/config_tell.h"
#include "lib/yaml.h"

extern const struct yaml_key config_list_keys[];
/* Reads `allow` or `deny`: a list of items, or one list of another program. */
yaml_set config_set_clients;
/* Read an item: a prefix, or a list of another program. */
yaml_set config_add_allowed, config_add_denied;
yaml_set config_set_path;	/* reads a path that begins with '/' */

/* Reads a set as family, table and name. ret: gets them with one space between them. Returns false
 * if the text is something else. text: shorter than LIST_NAME_LEN. */
bool config_set_name(const char *text, char ret[LIST_NAME_LEN]);
void config_check_lists(struct check *k, size_t i);
/* Writes a list of prefixes, and of lists of other programs, in one line; none if it is empty. */
void config_put_clients(FILE *out, const char *key, const struct prefix *list, size_t n,
			const struct list_config *lists, size_t n_lists);
void config_put_lists(FILE *out, const struct service_config *s);
/* Writes a list as in the configuration, such as { file: "/etc/blocklist" }. */
void config_put_list(FILE *out, const struct list_config *l);
/* Returns the key that names a list of this source. */
const char *list_source_name(enum list_source source);
bool config_list_equal(const struct list_config *a, const struct list_config *b);
