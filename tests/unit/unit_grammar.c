/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The file docs/examples/config/everything.yaml has every key of wgxdp.yaml(5) and reads back as written, and a file
 * above the limit of length is refused.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "same_config.h"
#include "capture_stderr.h"
#include "lib/yaml.h"

/* ---- docs/examples/config ---- */

#define EVERYTHING "docs/examples/config/everything.yaml"
#define PAGE "docs/wgxdp.yaml.5"

static void good_file(void **state)
{
	struct config *c;
	int rc = config_read(EVERYTHING, &c);

#ifndef WITH_SODIUM
	assert_int_equal(rc, -EINVAL); /* built without challenge */
	return;
#endif
	assert_int_equal(rc, 0);
	assert_true(*c->blind.device && config_relays(c) && c->n_learn);
	assert_round_trip(c);
	config_free(c);
}

/* Whether a mapping at the end of `section:`, or in its list, has this key */
static bool has_key(struct yaml_node *root, const char *section, const char *key)
{
	struct yaml_node *map, *node;

	for (map = root; map; map = yaml_following(map, root)) {
		const struct yaml_node *named =
			map->parent && map->parent->type == YAML_LIST ? map->parent : map;

		if (map->type != YAML_MAP || !named->parent || named->parent->type != YAML_MAP)
			continue;
		for (node = named->parent->first; node && node->next != named;)
			node = node->next->next;
		if (!node || strcmp(node->text, section))
			continue;
		for (node = map->first; node; node = node->next->next)
			if (!strcmp(node->text, key))
				return true;
	}
	return false;
}

/* Returns the text, which must stay valid while y is open */
static char *open_file(struct yaml *y, const char *file)
{
	char *text;
	size_t n;

	assert_int_equal(yaml_read(file, &text, &n), 0);
	assert_int_equal(yaml_open(y, text, n, file), 0);
	return text;
}

/* The page's list of each section (.Ss section) has every key (.It Cm key) */
static void every_key(void **state)
{
	char line[1024], section[64] = "", key[64], *text;
	unsigned int keys = 0, missing = 0;
	struct yaml y = { 0 };
	FILE *page = fopen(PAGE, "r");

	assert_non_null(page);
	text = open_file(&y, EVERYTHING);
	while (fgets(line, sizeof(line), page)) {
		if (!strncmp(line, ".Sh ", 4))
			*section = '\0';
		if (sscanf(line, ".Ss %63s", section) == 1 || !*section ||
		    sscanf(line, ".It Cm %63s", key) != 1)
			continue;
		keys++;
		/* The page describes the mappings in `allow` and `deny` together */
		if (has_key(yaml_root(&y), strcmp(section, "lists") ? section : "deny", key))
			continue;
		print_error("%s: no key '%s' in '%s', which " PAGE " has\n", EVERYTHING, key,
			    section);
		missing++;
	}
	fclose(page);
	yaml_close(&y);
	free(text);
	assert_uint_in_range(keys, 100, 300);
	assert_int_equal(missing, 0);
}

static void longest(void **state)
{
	char name[] = "/tmp/unit_grammar.XXXXXX", *text;
	int fd = mkstemp(name);
	struct captured t;
	size_t n;

	capture_stderr(&t);
	assert_int_equal(ftruncate(fd, YAML_FILE_LIMIT), 0);
	assert_int_equal(yaml_read(name, &text, &n), 0);
	assert_int_equal(n, YAML_FILE_LIMIT);
	free(text);
	assert_int_equal(ftruncate(fd, YAML_FILE_LIMIT + 1), 0);
	assert_int_equal(yaml_read(name, &text, &n), -EFBIG);
	assert_non_null(strstr(release_stderr(&t), "File too large"));
	unlink(name);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_file),
		cmocka_unit_test(every_key),
		cmocka_unit_test(longest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
