// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The saved answers about names and moved prefixes are read again, after a boot too. Malformed lines of a file are
 * skipped. Only answers that the configuration asks for are kept.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "plan/resolved_backends.h"
#include "instance/run_state.h"

static char dir[] = "/tmp/unit_resolved_backends.XXXXXX";
static char run_file[64], kept_file[64];

/* Replaces run_state.c: uses a directory of this test */
void run_state_path(char path[RUN_STATE_PATH_LEN], const char *instance, const char *name)
{
	snprintf(path, RUN_STATE_PATH_LEN, "%s/run/%s/%s", dir, instance, name);
}

static int set_up(void **state)
{
	static const char *const below[] = { "", "/run", "/run/one", "/lib" };
	char path[64];

	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	assert_non_null(mkdtemp(dir));
	for (size_t i = 1; i < sizeof(below) / sizeof(below[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", dir, below[i]);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	snprintf(run_file, sizeof(run_file), "%s/run/one/names", dir);
	snprintf(kept_file, sizeof(kept_file), "%s/lib/one/names", dir);
	snprintf(path, sizeof(path), "%s/lib", dir);
	return setenv("STATE_DIRECTORY", path, 1);
}

static int tear_down(void **state)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

static struct address address(const char *text)
{
	struct address a = { .family = 0 };

	if (*text)
		assert_int_equal(address_parse(text, &a), 0);
	return a;
}

/* One service for each backend; *backends: IPv4, IPv6 */
static void ask(struct resolved_backends *a, const char *const (*backends)[2], size_t n)
{
	struct service_config *services = calloc(n, sizeof(*services));
	struct config c = { .services = services, .n_services = n };

	for (size_t i = 0; i < n; i++) {
		strcpy(services[i].backend.ipv4, backends[i][0]);
		strcpy(services[i].backend.ipv6, backends[i][1]);
	}
	resolved_backends_match(a, &c);
	free(services);
}

static void learn(struct resolved_backends *a, const char *text, const char *where)
{
	struct address is = address(where);
	struct resolved_backend *place = (struct resolved_backend *)resolved_backends_find(a, text, is.family);

	assert_non_null(place);
	place->address = is;
	place->resolved = 1700000000;
}

static void knows(const struct resolved_backends *a, const char *text, __u8 family, const char *where)
{
	const struct resolved_backend *is = resolved_backends_find(a, text, family);
	struct address expected = address(where);

	if (!is || (*where ? !address_equal(&is->address, &expected) : is->address.family))
		fail_msg("%s, family %u: not '%s'", text, family, where);
}

static const char *const both[][2] = { { "wg-end.example.net", "wg-end.example.net" } };

static void asked_for(void **state)
{
	static const char *const many[][2] = {
		{ "192.168.1.10", "2001:db8::10" }, { "a.example.net", "a.example.net" }, { "a.example.net", "" }, { "", "b.example.net" },
	};
	struct resolved_backends a = { 0 };

	ask(&a, many, 4);
	assert_int_equal(a.n, 4);		/* not 192.168.1.10, and no duplicates */
	assert_false(resolved_backend_is_name(resolved_backends_find(&a, "2001:db8::10", FAMILY_IPV6)));
	assert_true(resolved_backend_is_name(resolved_backends_find(&a, "a.example.net", FAMILY_IPV4)));
	assert_null(resolved_backends_find(&a, "b.example.net", FAMILY_IPV4));
	resolved_backends_free(&a);
}

/* The configuration loses one family of a backend, and gets it back: the other family keeps its answer */
static void family_disappears(void **state)
{
	static const char *const ipv4[][2] = { { "wg-end.example.net", "" } };
	struct resolved_backends a = { 0 };

	ask(&a, both, 1);
	learn(&a, "wg-end.example.net", "192.168.1.10");
	learn(&a, "wg-end.example.net", "2001:db8::10");
	ask(&a, ipv4, 1);
	assert_int_equal(a.n, 1);
	knows(&a, "wg-end.example.net", FAMILY_IPV4, "192.168.1.10");
	ask(&a, both, 1);
	knows(&a, "wg-end.example.net", FAMILY_IPV4, "192.168.1.10");
	knows(&a, "wg-end.example.net", FAMILY_IPV6, "");
	ask(&a, NULL, 0);
	assert_int_equal(a.n, 0);
	resolved_backends_free(&a);
}

static void again(const char *ipv4, const char *ipv6)
{
	struct resolved_backends a;

	resolved_backends_read("one", &a);
	ask(&a, both, 1);
	knows(&a, "wg-end.example.net", FAMILY_IPV4, ipv4);
	knows(&a, "wg-end.example.net", FAMILY_IPV6, ipv6);
	resolved_backends_free(&a);
}

static void kept(void **state)
{
	struct resolved_backends a = { 0 };

	assert_int_equal(resolved_backends_write("one", &a, true), 0);
	assert_int_not_equal(access(run_file, F_OK), 0);	/* nothing to keep: no file */
	again("", "");
	ask(&a, both, 1);
	learn(&a, "wg-end.example.net", "192.168.1.10");
	assert_int_equal(resolved_backends_write("one", &a, true), 0);
	again("192.168.1.10", "");
	learn(&a, "wg-end.example.net", "2001:db8::10");
	learn(&a, "wg-end.example.net", "192.168.1.11");
	assert_int_equal(resolved_backends_write("one", &a, false), 0);
	again("192.168.1.11", "2001:db8::10");
	assert_int_equal(unlink(run_file), 0);		/* a boot: the file of the last move remains */
	again("192.168.1.10", "");
	assert_int_equal(resolved_backends_write("one", &a, true), 0);
	assert_int_equal(unlink(run_file), 0);
	again("192.168.1.11", "2001:db8::10");
	assert_int_equal(unlink(kept_file), 0);
	again("", "");
	resolved_backends_free(&a);
}

/* An address of a moved prefix is kept with its interface */
static void kept_prefix(void **state)
{
	static const char *const backend[][2] = { { "", "2001:db8:1::10" } };
	struct resolved_backends a = { 0 };
	const struct resolved_backend *is;

	ask(&a, backend, 1);
	a.list[0].address = address("2001:db8:2::10");
	a.list[0].len = 64;
	strcpy(a.list[0].interface, "lan");
	assert_int_equal(resolved_backends_write("one", &a, true), 0);
	resolved_backends_free(&a);
	unlink(run_file);
	resolved_backends_read("one", &a);
	is = resolved_backends_find(&a, "2001:db8:1::10", FAMILY_IPV6);
	knows(&a, "2001:db8:1::10", FAMILY_IPV6, "2001:db8:2::10");
	assert_string_equal(is->interface, "lan");
	assert_int_equal(is->len, 64);
	resolved_backends_free(&a);
}

static void write_file(const char *path, const char *text, size_t len)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(text, 1, len, out), len);
	assert_int_equal(fclose(out), 0);
}

#define GOOD "wg-end.example.net ipv4 192.168.1.10 1700000000 - 0\n"

/* A malformed line is ignored, and does not affect good lines */
static void malformed(void **state)
{
	static const char *const bad[] = {
		"", "\n", " \n", "wg-end.example.net\n", "wg-end.example.net ipv6\n", "wg-end.example.net ipv6 2001:db8::10\n",
		"wg-end.example.net ipv6 2001:db8::10 1700000000 -\n", "wg-end.example.net ipv6 2001:db8::10 1700000000 - x\n",
		"wg-end.example.net ipv6 2001:db8::10 soon - 0\n", "wg-end.example.net ipv6 2001:db8::10 1700000000 - 129\n",
		"wg-end.example.net ipv6 2001:db8::10 1700000000 - -1\n", "wg-end.example.net ipv6 2001:db8::/64 1700000000 - 0\n",
		"wg-end.example.net ipv6 192.168.1.10 1700000000 - 0\n", "wg-end.example.net ipv6 2001:db8::g 1700000000 - 0\n",
		"wg-end.example.net ipv7 2001:db8::10 1700000000 - 0\n", "wg-end.example.net 6 2001:db8::10 1700000000 - 0\n",
		"wg-end.example.net ipv6 2001:db8::10 1700000000 an-interface-too-long 0\n",
		"wg-end.example.net ipv6 2001:db8::10:2001:db8::10:2001:db8::10:2001:db8::10:2001:db8::10 1700000000 - 0\n",
		"\x7f""ELF\x01\x02\xff\xfe\n",
	};
	char text[4096];
	struct resolved_backends a;
	size_t len;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		write_file(run_file, bad[i], strlen(bad[i]));
		again("", "");
		len = snprintf(text, sizeof(text), GOOD "%s" GOOD, bad[i]);
		write_file(run_file, text, len);
		again("192.168.1.10", "");
	}
	len = strlen(GOOD);
	for (size_t n = 0; n < len; n++) {	/* truncated anywhere: the whole address or none */
		write_file(run_file, GOOD, n);
		resolved_backends_read("one", &a);
		if (a.n)
			knows(&a, "wg-end.example.net", FAMILY_IPV4, "192.168.1.10");
		resolved_backends_free(&a);
	}
	memset(text, 'x', sizeof(text));	/* a line that is too long, and zeros */
	memcpy(text + 2000, "\n" GOOD, len + 1);
	write_file(run_file, text, 2001 + len);
	again("192.168.1.10", "");
	memset(text, 0, 100);
	memcpy(text + 100, "\n" GOOD, len + 1);
	write_file(run_file, text, 101 + len);
	again("192.168.1.10", "");
}

/* The first of two answers counts, and the file of this boot overrides the other one */
static void twice(void **state)
{
	static const char later[] = "wg-end.example.net ipv4 192.168.1.11 1700000001 - 0\n"
				    "wg-end.example.net ipv6 2001:db8::10 1700000001 - 0\n";
	char path[64];

	write_file(run_file, GOOD "wg-end.example.net ipv4 192.168.1.12 1 - 0\n", strlen(GOOD) + 44);
	again("192.168.1.10", "");
	snprintf(path, sizeof(path), "%s/lib/one", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	write_file(kept_file, later, strlen(later));
	again("192.168.1.10", "2001:db8::10");
}

/* If nothing can be kept, this is reported, and nothing else happens */
static void not_writable(void **state)
{
	struct resolved_backends a = { 0 };

	ask(&a, both, 1);
	learn(&a, "wg-end.example.net", "192.168.1.10");
	assert_int_equal(setenv("STATE_DIRECTORY", "/proc/no/such", 1), 0);
	assert_int_equal(resolved_backends_write("one", &a, false), 0);
	assert_int_equal(resolved_backends_write("one", &a, true), -ENOENT);
	again("192.168.1.10", "");
	assert_int_equal(resolved_backends_write("two", &a, false), -ENOENT);
	assert_int_equal(unlink(run_file), 0);
	assert_int_equal(mkdir(run_file, 0700), 0);
	assert_int_equal(resolved_backends_write("one", &a, false), -EISDIR);
	again("", "");
	resolved_backends_free(&a);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(asked_for), TEST(family_disappears), TEST(kept), TEST(kept_prefix), TEST(malformed), TEST(twice), TEST(not_writable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
