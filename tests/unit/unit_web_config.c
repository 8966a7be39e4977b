/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The file of `exporter: { web-config: FILE }` is read or refused right, and only a right password of a request is
 * accepted. selftests/show/web-config.sh has TLS and Prometheus.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "capture_stderr.h"
#include "exporter/web.h"

#ifdef WITH_MHD
/* Made from the password `correct horse`, with the least cost */
#define HASH "$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e"
#define USERS "basic_auth_users: { prometheus: \"" HASH "\" }\n"

static char file[] = "/tmp/unit_web_config.XXXXXX";

static int read_text(const char *text, struct web_config *ret)
{
	FILE *out = fopen(file, "w");

	assert_non_null(out);
	fputs(text, out);
	fclose(out);
	return web_config_read(file, ret);
}

static void valid_files(void **state)
{
	struct web_config a, b;

	assert_int_equal(read_text("{}\n", &a), 0);
	assert_false(a.n_users || a.certificate);
	assert_int_equal(read_text(USERS, &b), 0);
	assert_int_equal(b.n_users, 1);
	assert_string_equal(b.users->name, "prometheus");
	web_config_free(&a);
	web_config_free(&b);
	/* libmicrohttpd reads the content */
	assert_int_equal(read_text("tls_server_config: { cert_file: /etc/hostname, key_file: /etc/hostname }\n", &a), 0);
	assert_non_null(a.certificate);
	assert_non_null(a.key);
	web_config_free(&a);
}

static void wrong_files(void **state)
{
	static const char *const list[][2] = {
		{ "", "the file has no mapping" }, { "[ a ]\n", "the file has no mapping" },
		{ "http_server_config: { http2: true }\n", "unknown key 'http_server_config'" },
		{ "tls_server_config: { cert_file: a }\n", "'key_file' is missing" },
		{ "tls_server_config: { cert_file: a, key_file: b, client_ca_file: c }\n", "unknown key 'client_ca_file'" },
		{ "tls_server_config: { cert_file: is-not-there, key_file: b }\n", "is-not-there: No such file" },
		{ "basic_auth_users: [ prometheus ]\n", "must be a mapping" },
		{ "basic_auth_users:\n", "must be a mapping" },
		{ "basic_auth_users: { prometheus: secret }\n", "not a hash of bcrypt" },
		{ "basic_auth_users: { \"a:b\": \"" HASH "\" }\n", "cannot be the name of a user" },
		{ "basic_auth_users: { a: \"$2b$11$abcdefghijklmnopqrstuu23JPZtHcGhwXSF41f93o/7vBdDut3Xu\" }\n", "a cost from 4 to 10" },
	};
	struct captured t;
	struct web_config c;

	for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++) {
		capture_stderr(&t);
		int r = read_text(list[i][0], &c);
		const char *said = release_stderr(&t);

		if (!r || !strstr(said, list[i][1]))
			fail_msg("'%s' gives %d and says '%s', not '%s'", list[i][0], r, said, list[i][1]);
	}
}

static enum web_admission ask(struct web_config *c, const char *authorization, const char *from, __u64 now)
{
	struct address a;

	assert_int_equal(address_parse(from, &a), 0);
	return web_config_admit(c, authorization, &a, now);
}

/* `printf prometheus:… | base64` */
static void passwords(void **state)
{
	static const char right[] = "Basic cHJvbWV0aGV1czpjb3JyZWN0IGhvcnNl", wrong[] = "Basic cHJvbWV0aGV1czp3cm9uZw==",
			  stranger[] = "basic bm9ib2R5OmNvcnJlY3QgaG9yc2U=";
	struct web_config c;

	assert_int_equal(read_text(USERS, &c), 0);
	assert_int_equal(ask(&c, wrong, "192.0.2.1", 1000), WEB_UNKNOWN);
	assert_int_equal(ask(&c, right, "192.0.2.1", 1999), WEB_BUSY);
	assert_int_equal(ask(&c, right, "192.0.2.1", 2000), WEB_ADMITTED);
	assert_int_equal(ask(&c, right, "192.0.2.1", 2001), WEB_ADMITTED);
	assert_int_equal(ask(&c, wrong, "192.0.2.1", 2001), WEB_BUSY);
	assert_int_equal(ask(&c, stranger, "192.0.2.1", 3000), WEB_UNKNOWN);
	assert_int_equal(ask(&c, right, "192.0.2.1", 3001), WEB_ADMITTED);
	web_config_free(&c);
	assert_int_equal(ask(&c, NULL, "192.0.2.1", 0), WEB_ADMITTED);	/* no users */
}

/* Each source has its own second, and a /64 of IPv6 is one source */
static void sources(void **state)
{
	static const char right[] = "Basic cHJvbWV0aGV1czpjb3JyZWN0IGhvcnNl", wrong[] = "Basic cHJvbWV0aGV1czp3cm9uZw==";
	struct web_config c;
	char text[32];

	assert_int_equal(read_text(USERS, &c), 0);
	assert_int_equal(ask(&c, wrong, "192.0.2.1", 1000), WEB_UNKNOWN);
	assert_int_equal(ask(&c, wrong, "192.0.2.1", 1001), WEB_BUSY);
	assert_int_equal(ask(&c, wrong, "192.0.2.2", 1001), WEB_UNKNOWN);
	assert_int_equal(ask(&c, wrong, "2001:db8:0:1::1", 1001), WEB_UNKNOWN);
	assert_int_equal(ask(&c, wrong, "2001:db8:0:1:ffff::2", 1002), WEB_BUSY);
	assert_int_equal(ask(&c, wrong, "2001:db8:0:2::1", 1002), WEB_UNKNOWN);
	/* More sources than the table has room for: the newest ones are still known, and no client is shut out */
	for (int i = 0; i < 2 * WEB_SOURCES; i++) {
		snprintf(text, sizeof(text), "198.51.100.%d", i);
		assert_int_equal(ask(&c, wrong, text, 1100 + i), WEB_UNKNOWN);
		assert_int_equal(ask(&c, wrong, text, 1100 + i), WEB_BUSY);
	}
	assert_int_equal(ask(&c, right, "203.0.113.1", 1300), WEB_ADMITTED);
	web_config_free(&c);
}

static void headers(void **state)
{
	static const char *const list[] = { NULL, "", "Basic", "Basic ", "Basic =", "Basic Og", "Basic !!!!", "Basic cHJvbWV0aGV1cw==", "Bearer x",
					    "Basic cHJvbWV0aGV1czpjb3JyZWN0IGhvcnNl x" };
	struct web_config c;
	char text[600];

	assert_int_equal(read_text(USERS, &c), 0);
	for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++) {
		if (ask(&c, list[i], "192.0.2.1", 5000 + 1000 * i) != WEB_UNKNOWN)
			fail_msg("the header '%s' is not refused", list[i]);
	}
	c.sources[0].next_check = UINT64_MAX;	/* no time for bcrypt */
	srand(1);
	for (int i = 0; i < 100000; i++) {
		int n = 6 + rand() % (sizeof(text) - 7);

		memcpy(text, "Basic ", 6);
		for (int j = 6; j < n; j++)
			text[j] = i & 1 ? "ABab01+/=:"[rand() % 10] : rand() % 255 + 1;
		text[n] = '\0';
		assert_int_not_equal(ask(&c, text, "192.0.2.1", 5000), WEB_ADMITTED);
	}
	web_config_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(valid_files), cmocka_unit_test(wrong_files), cmocka_unit_test(passwords), cmocka_unit_test(sources),
					    cmocka_unit_test(headers) };
	int fd = mkstemp(file), r;

	close(fd);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(file);
	return r;
}
#else	/* built without libmicrohttpd: no file is read */
int main(void)
{
	return 0;
}
#endif
