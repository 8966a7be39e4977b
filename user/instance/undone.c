/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>
#include "config/config_diff.h"
#include "instance/undone.h"
#include "lib/log.h"
#include "lib/text.h"

#define LINE_LEN 2000		/* bytes that the log shows of many changes */

bool undone_report(const struct config *old, const struct config *new, bool done)
{
	char *text, *all, *rest, *line;
	size_t n, length;
	FILE *out, *list;
	bool any;

	if (!old || !old->by_command)
		return false;
	out = text_open(&text, &n);
	any = config_changes(old, new, out);
	fclose(out);
	list = text_open(&all, &length);
	rest = text;
	while ((line = strsep(&rest, "\n")) && *line)
		fprintf(list, "%s%s", line == text ? "" : "; ", line);
	fclose(list);
	if (any)
		log_warning("changes by commands %s, unless the file has them: %.*s%s",
			    done ? "are undone" : "would be undone", LINE_LEN, all,
			    length > LINE_LEN ? " …" : "");
	free(text);
	free(all);
	return any;
}
