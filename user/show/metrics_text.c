/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Writes Prometheus' text format.
 */
#include "lib/text.h"
#include "show/show_parts.h"

void metric_family(struct metrics_text *t, const char *name, const char *type, const char *help)
{
	t->family = name;
	fprintf(t->out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* Writes a text without printf() and its locks: for 10,000 peers of a relay there are 60,000
 * lines. */
static void write_text(struct metrics_text *t, const char *text)
{
	fputs_unlocked(text, t->out);
}

static void write_labels(struct metrics_text *t, const char *labels[][2])
{
	write_text(t, t->family);
	for (size_t i = 0; labels && labels[i][0]; i++) {
		write_text(t, i ? "," : "{");
		write_text(t, labels[i][0]);
		write_text(t, "=\"");
		text_print_label(t->out, labels[i][1]);
		write_text(t, "\"");
	}
	write_text(t, labels ? "} " : " ");
}

void metric(struct metrics_text *t, const char *labels[][2], __u64 value)
{
	char text[24], *c = text + sizeof(text);

	*--c = '\0';
	*--c = '\n';
	do
		*--c = '0' + value % 10;
	while (value /= 10);
	write_labels(t, labels);
	write_text(t, c);
}

void metric_seconds(struct metrics_text *t, const char *labels[][2], double value)
{
	write_labels(t, labels);
	fprintf(t->out, "%.3f\n", value);
}
