// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Foreign text has no effect on terminals, JSON, Prometheus and shells, where it is printed or pasted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <net/if.h>
#include "lib/text.h"
#include "net/host.h"

static const struct {
	const char *text, *visible, *json, *label;
} texts[] = {
	{ "eth0", "eth0", "\"eth0\"", "eth0" },
	{ "", "", "\"\"", "" },
	{ "wän→€𝄞", "wän→€𝄞", "\"wän→€𝄞\"", "wän→€𝄞" },
	{ "\33[31mX", "\\x1b[31mX", "\"\\u001B[31mX\"", "\\\\x1b[31mX" },
	{ "a\177b", "a\\x7fb", "\"a\\u007Fb\"", "a\\\\x7fb" },
	{ "c\2331m", "c\\x9b1m", "\"c\\u009B1m\"", "c\\\\x9b1m" },		/* C1 as one byte */
	{ "c\302\2331m", "c\\xc2\\x9b1m", "\"c\\u00C2\\u009B1m\"", "c\\\\xc2\\\\x9b1m" },	/* and in UTF-8 */
	{ "q\"\\", "q\"\\", "\"q\\\"\\\\\"", "q\\\"\\\\" },
	{ "cut\342\202", "cut\\xe2\\x82", "\"cut\\u00E2\\u0082\"", "cut\\\\xe2\\\\x82" },
	{ "\300\200\365\200\200\200", "\\xc0\\x80\\xf5\\x80\\x80\\x80", "\"\\u00C0\\u0080\\u00F5\\u0080\\u0080\\u0080\"",
	  "\\\\xc0\\\\x80\\\\xf5\\\\x80\\\\x80\\\\x80" },
	{ "a\nb\tc", "a\nb\tc", "\"a\\nb\\tc\"", "a\\nb\\\\x09c" },
};

static void is_written(void (*print)(FILE *out, const char *text), const char *text, const char *expected)
{
	char *got;
	size_t n;
	FILE *out = text_open(&got, &n);

	assert_non_null(out);
	print(out, text);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(got, expected);
	free(got);
}

static void each(void **state)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		char line[256];

		is_written(text_print, texts[i].text, texts[i].visible);
		is_written(text_print_json, texts[i].text, texts[i].json);
		is_written(text_print_label, texts[i].text, texts[i].label);
		text_visible(line, sizeof(line), texts[i].text);
		assert_string_equal(line, texts[i].visible);
	}
}

/* Truncated between characters, however little room there is, and always terminated */
static void truncated(void **state)
{
	for (size_t size = 1; size < 40; size++) {
		char line[64];

		memset(line, 'x', sizeof(line));
		text_visible(line, size, "€\33€\33€\33€\33");
		assert_true(strlen(line) < size);
		for (size_t i = size; i < sizeof(line); i++)
			assert_int_equal(line[i], 'x');
		is_written(text_print, line, line);	/* no half character */
	}
}

/* A shell reads each word as the name alone */
static void words(void **state)
{
	static const char *const names[] = {
		"eth0", "br-lan.5", "a;touch pwned", "$(id)", "`id`", "it's", "-o", "\33[31m", "\2331m", "\"", "*", "~", "a\\b", "wän",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		char command[256], got[64] = "";
		FILE *bash;

		snprintf(command, sizeof(command), "printf '%%s' %s", SHELL_WORD(names[i]));
		setenv("WORDS", command, 1);
		bash = popen("bash -c 'eval \"$WORDS\"'", "r");
		assert_non_null(bash);
		got[fread(got, 1, sizeof(got) - 1, bash)] = '\0';
		assert_int_equal(pclose(bash), 0);
		assert_string_equal(got, names[i]);
	}
}

/* If there are many interfaces, only likely ones are named */
static void interfaces(void **state)
{
	struct nl_link links[200] = { { .name = "lo", .loopback = true }, { .name = "eth0" }, { .name = "wan" } };
	struct host h = { .links = links, .n_links = 1 };
	char text[HOST_NAMES_LEN];

	assert_string_equal(host_link_names(&h, "eht0", text), "none");
	h.n_links = 3;
	assert_string_equal(host_link_names(&h, "eht0", text), "eth0, wan");
	assert_string_equal(host_link_names(&h, "wna", text), "wan, eth0");
	for (h.n_links = 3; h.n_links < 200; h.n_links++)
		snprintf(links[h.n_links].name, IFNAMSIZ, "veth%zu-contain", h.n_links);
	assert_ptr_equal(strstr(host_link_names(&h, "eht0", text), "eth0, wan, veth"), text);
	assert_string_equal(strrchr(text, 'e'), "e");
	assert_non_null(strstr(text, " and 1"));
	assert_int_equal(text_distance("eht0", "eth0"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each),
		cmocka_unit_test(truncated),
		cmocka_unit_test(words),
		cmocka_unit_test(interfaces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
