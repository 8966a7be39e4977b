/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A file has lines with a name and a number.
 */
#include "lib/file.h"
#include "lib/grow.h"
#include "instance/run_counters.h"
#include "lib/paths.h"

static struct run_counter *find_note(const struct run_counters *n, const char *name)
{
	for (size_t i = 0; i < n->n; i++)
		if (!strcmp(n->list[i].name, name))
			return &n->list[i];
	return NULL;
}

void run_counters_read(struct run_counters *n, const char *instance, const char *file)
{
	char path[RUN_STATE_PATH_LEN], name[256];
	long long value;
	FILE *in;

	*n = (struct run_counters){ .instance = instance, .file = file };
	run_state_path(path, instance, file);
	in = fopen(path, "re");
	while (in && fscanf(in, "%255s %lld", name, &value) == 2)
		run_counters_set(n, name, value);
	if (in)
		fclose(in);
}

__s64 run_counters_value(const struct run_counters *n, const char *name)
{
	const struct run_counter *note = find_note(n, name);

	return note ? note->value : 0;
}

void run_counters_set(struct run_counters *n, const char *name, __s64 value)
{
	struct run_counter *note = find_note(n, name);

	if (!note) {
		note = append(n->list, n->n);
		snprintf(note->name, sizeof(note->name), "%s", name);
	}
	note->value = value;
}

void run_counters_write(const struct run_counters *n)
{
	char path[RUN_STATE_PATH_LEN];
	FILE *out;

	run_state_path(path, n->instance, n->file);
	out = file_replace_begin(path, 0666);
	if (!out)
		return;
	for (size_t i = 0; i < n->n; i++)
		fprintf(out, "%s %lld\n", n->list[i].name, (long long)n->list[i].value);
	file_replace_end(out, path);
}

void run_counters_free(struct run_counters *n)
{
	free(n->list);
	*n = (struct run_counters){ 0 };
}

const char *endpoint_counter(const char *interface, const struct wg_key *peer,
			     char ret[ENDPOINT_COUNTER_LEN])
{
	char key[WG_KEY_STRLEN];

	snprintf(ret, ENDPOINT_COUNTER_LEN, "%s/%s", interface, wg_key_format(peer, key));
	return ret;
}
