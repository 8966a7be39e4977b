/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Below config.h, for its own files: what the grammar knows and the program does not do yet. Such a key is refused, and its
 * value checked all the same. What is built moves from here to config.c.
 */
#pragma once
#include "lib/yaml.h"

yaml_set later_choice;
extern const char *const later_replies[];

/* Rows of tables */
#define LATER(name_, set_, like_, ...) { .name = name_, .check = set_, .like = like_, ##__VA_ARGS__ }

#define LATER_SERVICE_ROWS \
	LATER("reply", later_choice, "fib", .choices = later_replies)
