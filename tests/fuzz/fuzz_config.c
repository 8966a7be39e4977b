// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * No text makes the reader of configurations crash or hang, and a configuration that it accepts is written and read
 * back unchanged. The texts are those of an admin, and running configurations. For every accepted one:
 * config_write()'s output is accepted too, and then written the same again. config_save()'s output is accepted too.
 * Neither differs from the first.
 */
#include "fuzz_quiet.h"
#include "config/config.h"
#include "config/config_diff.h"

static struct config *read_back(const char *text)
{
	struct config *c = NULL;
	char *messages = NULL;
	size_t n;
	int rc;

	stderr = open_memstream(&messages, &n);
	MUST(stderr);
	rc = config_parse(text, "fuzz.yaml", &c);
	fclose(stderr);
	speak();
	MUST(rc <= 0 && !rc == !!c && !rc == !n);
	free(messages);
	return c;
}

static char *written(const struct config *c, int (*write)(const struct config *, FILE *))
{
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	MUST(out && !write(c, out) && !fclose(out) && text);
	return text;
}

/* Merges the configuration into its own text, which stays the same, and into another one. */
static void check_merge(const char *text, const struct config *c)
{
	static const char *const other = "# other\nservices:\n  - { name: a, nat: none, backend: { ipv4: 10.0.0.1, port: 1 } }\n  - name: b # b\n"
					 "    nat: none\n    backend:\n      ipv4: 10.0.0.1\n      port: 2\n    deny:\n      - 10.0.0.0/8\n";
	struct config *to = read_back(other);
	char *same = config_merge(text, c);

	MUST(!same || !strcmp(same, text));
	free(same);
	free(config_merge(other, c));
	free(config_merge(text, to));
	config_free(to);
}

static void check(const struct config *c)
{
	char *first = written(c, config_write), *saved = written(c, config_save), *second;
	struct config *again = read_back(first), *from_saved = read_back(saved);

	if (!again || !from_saved)
		fprintf(stderr, "written:\n%s", again ? saved : first);
	MUST(again && from_saved);
	MUST(!config_changes(c, again, stderr));
	second = written(again, config_write);
	if (strcmp(first, second))
		fprintf(stderr, "first:\n%ssecond:\n%s", first, second);
	MUST(!strcmp(first, second));
	free(first);
	free(second);
	free(saved);
	config_free(again);
	config_free(from_saved);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = bytes_as_text(data, size);
	struct config *c = read_back(text);

	if (c) {
		check(c);
		check_merge(text, c);
	}
	config_free(c);
	free(text);
	return 0;
}
