/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The dump of wg(8) is read whole, and every other text is refused (user/net/wireguard_names.c).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "net/wireguard.h"
#include "capture_stderr.h"

#define A "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY="
#define B "MTIzNDU2Nzg5MGFiY2RlZmdoaWprbG1ub3BxcnN0dXY="
#define SECRET "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3I="
#define INTERFACE SECRET "\t" A "\t51820\toff\n"

static int parse(const char *text, struct wg_dump *ret, struct captured *t)
{
	FILE *in = fmemopen((void *)text, strlen(text), "r");
	int rc;

	capture_stderr(t);
	rc = wg_dump_parse(in, "dump", ret);
	release_stderr(t);
	fclose(in);
	return rc;
}

static const char *peer_at(const struct wg_dump *d, const char *endpoint, char text[WG_KEY_STRLEN])
{
	const struct wg_dump_peer *p;
	struct address a;
	__be16 port;

	assert_int_equal(endpoint_parse(endpoint, &a, &port), 0);
	p = wg_dump_find(d, &a, port);
	return p ? wg_key_format(&p->key, text) : "";
}

static void dumps(void **state)
{
	static const char *const texts[] = {
		INTERFACE
		A "\t(none)\t192.0.2.1:20000\t10.0.0.1/32,fd00::1/128\t1700000000\t100\t200\t25\n"
		B "\t" SECRET "\t[2001:db8::1]:20001\t(none)\t0\t0\t0\toff\n",
		"wg0\t" INTERFACE
		"wg0\t" A "\t(none)\t192.0.2.1:20000\t10.0.0.1/32\t1700000000\t100\t200\toff\n"
		"wg1\t" INTERFACE
		"wg1\t" B "\t(none)\t[2001:db8::1]:20001\t(none)\t0\t0\t0\toff",	/* truncated by a terminal: no newline */
		/* AmneziaWG's interface */
		SECRET "\t" A "\t51820\t4\t50\t1000\t15\t18\t1\t2\t3\t4\toff\n"
		A "\t(none)\t192.0.2.1:20000\t10.0.0.1/32\t1700000000\t100\t200\toff\n\n"
		B "\t(none)\t[2001:db8::1]:20001\t10.0.0.1/32\t1700000000\t100\t200\toff\n",
	};
	char text[WG_KEY_STRLEN];
	struct wg_dump d;
	struct captured t;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		assert_int_equal(parse(texts[i], &d, &t), 0);
		assert_string_equal(t.text, "");
		assert_int_equal(d.n, 2);
		assert_string_equal(peer_at(&d, "192.0.2.1:20000", text), A);
		assert_string_equal(peer_at(&d, "[2001:db8::1]:20001", text), B);
		assert_string_equal(peer_at(&d, "192.0.2.1:20001", text), "");
		assert_string_equal(peer_at(&d, "[2001:db8::1]:20000", text), "");
		wg_dump_free(&d);
	}
}

static void without_peers(void **state)
{
	static const char *const texts[] = {
		"\n", INTERFACE, INTERFACE A "\t(none)\t(none)\t10.0.0.1/32\t0\t0\t0\toff\n",
		INTERFACE A "\t(none)\t[fe80::1%eth0]:51820\t10.0.0.1/32\t0\t0\t0\toff\n",
	};
	struct address a;
	struct wg_dump d;
	struct captured t;

	address_parse("192.0.2.1", &a);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		assert_int_equal(parse(texts[i], &d, &t), 0);
		assert_true(!d.n && !wg_dump_find(&d, &a, htons(1)));
		wg_dump_free(&d);
	}
}

/* A port is used again; its former peer keeps it in WireGuard's list */
static void used_again(void **state)
{
	static const char text[] =
		B "\t(none)\t192.0.2.1:20000\t(none)\t1700000001\t0\t0\toff\n"
		A "\t(none)\t192.0.2.1:20000\t(none)\t1700000002\t0\t0\toff\n"
		B "\t(none)\t192.0.2.2:20000\t(none)\t1700000002\t0\t0\toff\n"
		A "\t(none)\t192.0.2.2:20000\t(none)\t0\t0\t0\toff\n";
	char key[WG_KEY_STRLEN];
	struct wg_dump d;
	struct captured t;

	assert_int_equal(parse(text, &d, &t), 0);
	assert_int_equal(d.n, 2);
	assert_string_equal(peer_at(&d, "192.0.2.1:20000", key), A);
	assert_string_equal(peer_at(&d, "192.0.2.2:20000", key), B);
	wg_dump_free(&d);
}

static void refused(void **state)
{
	static const char *const texts[] = {
		INTERFACE "interface: wg0\n",
		INTERFACE A "\t(none)\n",
		INTERFACE "no key\t(none)\t192.0.2.1:1\t(none)\t0\t0\t0\toff\n",
		INTERFACE A "\t(none)\t192.0.2.1\t(none)\t0\t0\t0\toff\n",
		INTERFACE A "\t(none)\t192.0.2.1:65536\t(none)\t0\t0\t0\toff\n",
		INTERFACE A "\t(none)\twg.example.net:1\t(none)\t0\t0\t0\toff\n",
		INTERFACE A "\t(none)\t192.0.2.1:1\t(none)\tnever\t0\t0\toff\n",
		INTERFACE A "\t(none)\t192.0.2.1:1\t(none)\t\t0\t0\toff\n",
		INTERFACE SECRET "\tx\n",
	};
	char expected[200];
	struct wg_dump d;
	struct captured t;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		assert_int_equal(parse(texts[i], &d, &t), -EINVAL);
		assert_string_equal(t.text, "wgxdp: error: dump:2: this is not a line of `wg show IF dump` or `wg show all dump`\n");
	}
	capture_stderr(&t);
	snprintf(expected, sizeof(expected), "wgxdp: error: cannot read /nonexistent/dump: No such file or directory\n"
		 "wgxdp: error: cannot read /: %s\n", strerror(EIO));	/* musl's text differs */
	assert_int_equal(wg_dump_read("/nonexistent/dump", &d), -ENOENT);
	assert_int_equal(wg_dump_read("/", &d), -EIO);
	assert_string_equal(release_stderr(&t), expected);
}

/* A zero byte does not end a line */
static void zero_byte(void **state)
{
	static const char text[] = INTERFACE A "\t(none)\t192.0.2.1:1\t(none)\t0\t0\t0\toff\0\n";
	FILE *in = fmemopen((void *)text, sizeof(text) - 1, "r");
	struct wg_dump d;
	struct captured t;

	capture_stderr(&t);
	assert_int_equal(wg_dump_parse(in, "dump", &d), -EINVAL);
	release_stderr(&t);
	fclose(in);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dumps), cmocka_unit_test(without_peers), cmocka_unit_test(used_again), cmocka_unit_test(refused),
		cmocka_unit_test(zero_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
