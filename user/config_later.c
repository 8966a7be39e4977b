/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The grammar of what is not supported yet: every value is checked, so that a file which was written ahead of its time is told
 * all that is wrong with it, and nothing is kept. Here .size is the largest number that may stand there.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "config_check.h"
#include "config_later.h"

const char *const later_replies[] = { "fib", "ingress", NULL };

static void wanted(struct yaml *y, const struct yaml_key *key, struct yaml_node *value, const char *text, const char *what)
{
	yaml_error(y, value, "%s: '%s' is no %s, as %s", key->name, text, what, key->like);
}

#define IS(name_, set_, like_, ...) { .name = name_, .set = set_, .like = like_, ##__VA_ARGS__ }

/* ---- values ---- */

void later_choice(struct yaml *y, const struct yaml_key *key, struct yaml_node *value, void *object)
{
	struct yaml_key one = *key;
	int ignored;

	one.offset = 0;
	yaml_set_choice(y, &one, value, &ignored);
}

/* A whole number from 1 to max before the suffix, and nothing behind it */
static bool is_number(const char *text, const char *suffix, size_t max)
{
	char *end;
	unsigned long long n = strtoull(text, &end, 10);

	return isdigit((unsigned char)*text) && !strcmp(end, suffix) && n && n <= (max ?: 1000000000);
}

static void check_number(struct yaml *y, const struct yaml_key *key, struct yaml_node *value, void *object)
{
	const char *text = yaml_text(y, key, value);

	if (text && !is_number(text, "", key->size))
		yaml_error(y, value, "%s: '%s' is no number from 1 to %zu", key->name, text, key->size ?: 1000000000);
}

static void check_duration(struct yaml *y, const struct yaml_key *key, struct yaml_node *value, void *object)
{
	const char *text = yaml_text(y, key, value);

	if (text && !is_number(text, "s", 0))
		wanted(y, key, value, text, "number of seconds");
}

void later_name(struct yaml *y, const struct yaml_key *key, struct yaml_node *value, void *object)
{
	const char *text = yaml_text(y, key, value);

	if (text && (!is_service_name(text) || strlen(text) >= NAME_LEN))
		yaml_error(y, value, "%s: '%s' is no name: up to %d letters, digits, '-', '_' and '.', as %s", key->name, text,
			   NAME_LEN - 1, key->like);
}

/* ---- sections ---- */

const struct yaml_key later_announce_keys[] = {
	IS("table", check_number, "700", .size = 0xffffffff, .required = true),
	IS("after", check_duration, "180s"),
	{},
};
