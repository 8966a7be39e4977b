/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The grammar of what is not supported yet: every value is checked, so that a file which was written ahead of its time is told
 * all that is wrong with it, and nothing is kept.
 */
#include "config/config_later.h"

const char *const later_replies[] = { "fib", "ingress", NULL };

void later_choice(struct yaml *y, const struct yaml_key *key, struct yaml_node *value, void *object)
{
	struct yaml_key one = *key;
	int ignored;

	one.offset = 0;
	yaml_set_choice(y, &one, value, &ignored);
}
