/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The grammar of what is planned (user/config_later.c) against the design; and how long a file may be.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "told.h"
#include "../user/yaml.h"

/* What docs/design.md plans is refused for that alone: the grammar of what is to come is there. */
static void planned(void **state)
{
	static const char key[] = "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY=";
	FILE *in = fopen("docs/design.md", "r"), *out;
	unsigned int keys = 0;
	bool block = false;
	struct config *c;
	char line[2048], *text, *dots;
	struct told t;
	size_t n;

	assert_non_null(in);
	out = open_memstream(&text, &n);
	while (fgets(line, sizeof(line), in) && strncmp(line, "## Metrics", 10)) {
		block |= strstr(line, "*Planned* is this;") != NULL;
		if (!block || strncmp(line, "    ", 4))
			continue;
		while ((dots = strstr(line, "…=")))
			snprintf(dots, line + sizeof(line) - dots, "%s%s", key, strdupa(dots + strlen("…=")));
		fputs(line + 4, out);
	}
	fclose(in);
	fclose(out);
	assert_int_equal(parse_quietly(text, &c, &t), -EINVAL);
	for (char *rest = t.text, *said; (said = strsep(&rest, "\n"));) {
		if (strncmp(said, "test.yaml:", 10))
			continue;
		keys += strstr(said, ": not supported yet") != NULL;
		if (!strstr(said, ": not supported yet") && !strstr(said, "'backend' is missing"))
			fail_msg("%s", said);
	}
	assert_in_range(keys, 1, 50);
	free(text);
}

static void longest(void **state)
{
	char name[] = "/tmp/unit_grammar.XXXXXX", *text;
	int fd = mkstemp(name);
	struct told t;
	size_t n;

	listen_to(&t);
	assert_int_equal(ftruncate(fd, YAML_FILE_LIMIT), 0);
	assert_int_equal(yaml_read(name, &text, &n), 0);
	assert_int_equal(n, YAML_FILE_LIMIT);
	free(text);
	assert_int_equal(ftruncate(fd, YAML_FILE_LIMIT + 1), 0);
	assert_int_equal(yaml_read(name, &text, &n), -EFBIG);
	assert_non_null(strstr(heard(&t), "File too large"));
	unlink(name);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(planned), cmocka_unit_test(longest) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
