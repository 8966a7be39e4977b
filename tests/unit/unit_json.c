/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Only well-formed JSON of bounded depth reaches libfyaml (user/lib/yaml.h), and a YAML document that is nested
 * too deeply is refused.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <fcntl.h>
#include <cmocka.h>
#include "lib/yaml.h"

static const char *wrong(const char *text, size_t *at)
{
	return json_wrong(text, strlen(text), at);
}

static void good(void **state)
{
	static const char *const texts[] = {
		"{}", "[]", "0", "-1.5e+3", "\"\"", "null", " [ true , false ,\n{ \"a\" : \"b\" } ]\r\n", "\"\\u00e9\\n\\/\\\\\\\"\"", "\"\xc3\xa9 \xf0\x9f\x98\x80\"",
		"{\"nftables\": [{\"metainfo\": {\"json_schema_version\": 1}}, {\"rule\": {\"handle\": 4, \"expr\": [{\"drop\": null}]}}]}",
	};
	size_t at;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct yaml y;

		assert_null(wrong(texts[i], &at));
		assert_int_equal(at, strlen(texts[i]));
		assert_int_equal(yaml_open_json(&y, texts[i], strlen(texts[i]), "test"), 0);
		yaml_close(&y);
	}
}

static void bad(void **state)
{
	static const struct { const char *text; size_t at; } texts[] = {
		{ "", 0 }, { "{", 1 }, { "[1,]", 3 }, { "[1 2]", 3 }, { "{\"a\"}", 4 }, { "{a: 1}", 1 }, { "{\"a\": *b}", 6 }, { "&a []", 0 }, { "!!str a", 0 },
		{ "%YAML 1.2\n--- {}", 0 }, { "{}\n---\n{}", 3 }, { "{} # more", 3 }, { "? a", 0 }, { "- a", 1 }, { "|\n a", 0 }, { "'a'", 0 }, { "nul", 0 },
		{ "01", 1 }, { "1.", 2 }, { "1e", 2 }, { "-", 1 }, { "+1", 0 }, { "\"a", 2 }, { "\"a\nb\"", 2 }, { "\"\x7f\"", 1 }, { "\"\\x41\"", 2 },
		{ "\"\\u12g4\"", 5 }, { "\"\\u0000\"", 7 }, { "\"\\ud83d\\ude00\"", 7 }, { "\"\\", 2 }, { "\"\xc3\"", 1 }, { "\"\xff\"", 1 }, { "\"\xed\xa0\x80\"", 1 },
		{ "\xef\xbb\xbf{}", 0 },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct yaml y;
		size_t at;

		assert_non_null(wrong(texts[i].text, &at));
		assert_int_equal(at, texts[i].at);
		assert_int_equal(yaml_open_json(&y, texts[i].text, strlen(texts[i].text), "test"), -EINVAL);
		assert_int_equal(y.errors, 1);
		assert_null(yaml_root(&y));
		yaml_close(&y);
	}
}

/* The text ends at n, not at a zero byte */
static void ends(void **state)
{
	size_t at;

	assert_null(json_wrong("[1]x", 3, &at));
	assert_non_null(json_wrong("[1]", 4, &at));
	assert_int_equal(at, 3);
	assert_non_null(json_wrong("truex", 3, &at));
	assert_non_null(json_wrong("\"\xc3\xa9\"", 2, &at));
	assert_int_equal(at, 1);
}

static char *nested(unsigned int depth, char open, char close)
{
	char *text = calloc(1, 2 * depth + 1);

	assert_non_null(text);
	memset(text, open, depth);
	memset(text + depth, close, depth);
	return text;
}

static void deep(void **state)
{
	char *most = nested(JSON_DEPTH, '[', ']'), *more = nested(JSON_DEPTH + 1, '[', ']'), *endless = nested(1 << 17, '[', ']');
	struct yaml y;
	size_t at;

	assert_null(wrong(most, &at));
	assert_string_equal(wrong(more, &at), "nested too deep");
	assert_string_equal(wrong(endless, &at), "nested too deep");
	free(most);
	free(more);
	most = nested(YAML_DEPTH, '[', ']');
	more = nested(YAML_DEPTH + 1, '[', ']');
	assert_int_equal(yaml_open(&y, most, strlen(most), "test"), 0);
	yaml_close(&y);
	assert_int_equal(yaml_open(&y, more, strlen(more), "test"), -EINVAL);
	assert_int_equal(yaml_open(&y, endless, strlen(endless), "test"), -EINVAL);
	free(most);
	free(more);
	free(endless);
}

/* libfyaml built with assertions aborts at such a text */
static void backslash(void **state)
{
	struct yaml y;

	assert_int_equal(yaml_open(&y, "a: \"b \\", 7, "test"), -EINVAL);
	assert_int_equal(yaml_open(&y, "a: \"b \\\n c\"", 11, "test"), 0);
	yaml_close(&y);
}

static void long_text(void **state)
{
	size_t n = YAML_FILE_LIMIT + 1, at;
	char *text = malloc(n);

	assert_non_null(text);
	memset(text, ' ', n);
	*text = '1';
	assert_null(json_wrong(text, n - 1, &at));
	assert_string_equal(json_wrong(text, n, &at), "too long");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good), cmocka_unit_test(bad), cmocka_unit_test(ends), cmocka_unit_test(deep), cmocka_unit_test(backslash),
		cmocka_unit_test(long_text),
	};
	int fd = open("/dev/null", O_WRONLY);

	dup2(fd, STDERR_FILENO);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
