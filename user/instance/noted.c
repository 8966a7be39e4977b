/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A file of notes has lines of a name and a number.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/file.h"
#include "lib/grow.h"
#include "instance/noted.h"
#include "lib/paths.h"

static struct note *find_note(const struct noted *n, const char *name)
{
	for (size_t i = 0; i < n->n; i++)
		if (!strcmp(n->list[i].name, name))
			return &n->list[i];
	return NULL;
}

void noted_read(struct noted *n, const char *instance, const char *file)
{
	char path[STATE_PATH_LEN], name[256];
	long long value;
	FILE *in;

	*n = (struct noted){ .instance = instance, .file = file };
	state_path(path, instance, file);
	in = fopen(path, "re");
	while (in && fscanf(in, "%255s %lld", name, &value) == 2)
		noted_set(n, name, value);
	if (in)
		fclose(in);
}

__s64 noted_value(const struct noted *n, const char *name)
{
	const struct note *note = find_note(n, name);

	return note ? note->value : 0;
}

void noted_set(struct noted *n, const char *name, __s64 value)
{
	struct note *note = find_note(n, name);

	if (!note && (note = append(n->list, n->n)))
		snprintf(note->name, sizeof(note->name), "%s", name);
	if (note)
		note->value = value;
}

void noted_write(const struct noted *n)
{
	char path[STATE_PATH_LEN];
	FILE *out;

	state_path(path, n->instance, n->file);
	out = file_replace_begin(path, 0666);
	if (!out)
		return;
	for (size_t i = 0; i < n->n; i++)
		fprintf(out, "%s %lld\n", n->list[i].name, (long long)n->list[i].value);
	file_replace_end(out, path);
}

void noted_free(struct noted *n)
{
	free(n->list);
	*n = (struct noted){ 0 };
}

const char *endpoint_note(const char *interface, const struct wg_key *peer,
			  char ret[ENDPOINT_NOTE_LEN])
{
	char key[WG_KEY_STRLEN];

	snprintf(ret, ENDPOINT_NOTE_LEN, "%s/%s", interface, wg_key_format(peer, key));
	return ret;
}
