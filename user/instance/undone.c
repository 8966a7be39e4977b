/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements undone.h.
 */
#include <stdlib.h>
#include <string.h>
#include "config/config_diff.h"
#include "instance/undone.h"
#include "lib/log.h"
#include "lib/text.h"

bool undone_report(const struct config *old, const struct config *new, bool done)
{
	char *text = NULL, *rest, *line;
	size_t n;
	FILE *out = old ? text_open(&text, &n) : NULL;
	bool any = out && config_undoes(old, new, out);

	if (out && fclose(out))
		any = false;
	rest = any ? text : NULL;
	while (rest && (line = strsep(&rest, "\n")))
		if (*line)
			log_warning("this change by a command %s: %s",
				    done ? "is undone now" : "would be undone", line);
	free(text);
	return any;
}
