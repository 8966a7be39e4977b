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
#include "daemon/web_config.h"

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
	assert_false(web_config_equal(&a, &b));
	assert_true(web_config_equal(&b, &b));
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

/* `printf prometheus:… | base64` */
static void passwords(void **state)
{
	static const char right[] = "Basic cHJvbWV0aGV1czpjb3JyZWN0IGhvcnNl", wrong[] = "Basic cHJvbWV0aGV1czp3cm9uZw==",
			  stranger[] = "basic bm9ib2R5OmNvcnJlY3QgaG9yc2U=";
	struct web_config c;

	assert_int_equal(read_text(USERS, &c), 0);
	assert_int_equal(web_config_admit(&c, wrong, 1000), WEB_UNKNOWN);
	assert_int_equal(web_config_admit(&c, right, 1999), WEB_BUSY);
	assert_int_equal(web_config_admit(&c, right, 2000), WEB_ADMITTED);
	assert_int_equal(web_config_admit(&c, right, 2001), WEB_ADMITTED);
	assert_int_equal(web_config_admit(&c, wrong, 2001), WEB_BUSY);
	assert_int_equal(web_config_admit(&c, stranger, 3000), WEB_UNKNOWN);
	assert_int_equal(web_config_admit(&c, right, 3001), WEB_ADMITTED);
	web_config_free(&c);
	assert_int_equal(web_config_admit(&c, NULL, 0), WEB_ADMITTED);	/* no users */
}

static void headers(void **state)
{
	static const char *const list[] = { NULL, "", "Basic", "Basic ", "Basic =", "Basic Og", "Basic !!!!", "Basic cHJvbWV0aGV1cw==", "Bearer x",
					    "Basic cHJvbWV0aGV1czpjb3JyZWN0IGhvcnNl x" };
	struct web_config c;
	char text[600];

	assert_int_equal(read_text(USERS, &c), 0);
	for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++) {
		c.next_check = 0;
		if (web_config_admit(&c, list[i], 5000) != WEB_UNKNOWN)
			fail_msg("the header '%s' is not refused", list[i]);
	}
	c.next_check = UINT64_MAX;
	srand(1);
	for (int i = 0; i < 100000; i++) {
		int n = 6 + rand() % (sizeof(text) - 7);

		memcpy(text, "Basic ", 6);
		for (int j = 6; j < n; j++)
			text[j] = i & 1 ? "ABab01+/=:"[rand() % 10] : rand() % 255 + 1;
		text[n] = '\0';
		assert_int_not_equal(web_config_admit(&c, text, 5000), WEB_ADMITTED);
	}
	web_config_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(valid_files), cmocka_unit_test(wrong_files), cmocka_unit_test(passwords),
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
