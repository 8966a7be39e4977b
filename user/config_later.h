/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Below config.h, for its own files: what the grammar knows and the program does not do yet. Such a key is refused, and its
 * value checked all the same. What is built moves from here to config.c.
 */
#pragma once
#include "yaml.h"

yaml_set later_choice, later_name;
extern const char *const later_replies[];
extern const struct yaml_key later_announce_keys[];

/* Rows of tables: a single value, a mapping, a list of mappings */
#define LATER(name_, set_, like_, ...) { .name = name_, .check = set_, .like = like_, ##__VA_ARGS__ }
#define LATER_MAP(name_, like_, keys) LATER(name_, yaml_set_map, like_, .below = keys)

#define LATER_SERVICE_ROWS \
	LATER("reply", later_choice, "fib", .choices = later_replies)

#define LATER_FOLLOW_ROWS LATER("routes", yaml_set_list, "main", .item = later_name)

#define LATER_SECTIONS \
	LATER_MAP("announce", "{ table: 700 }", later_announce_keys)
