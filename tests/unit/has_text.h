/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Asserts that a text has a part, or lacks it. NULL stands for input that was refused.
 */
#pragma once
#include <string.h>

static inline void has(const char *text, const char *part)
{
	if (!text || !strstr(text, part))
		fail_msg("'%s' is not in: %s", part, text ? text : "(refused)");
}

static inline void lacks(const char *text, const char *part)
{
	if (!text || strstr(text, part))
		fail_msg("'%s' is in: %s", part, text ? text : "(refused)");
}
