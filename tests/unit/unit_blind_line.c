/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Lines of a blind relay's file and of the stream between two relays read back as written, and wrong lines or a wrong
 * order are refused (user/daemon/blind_line.c).
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "daemon/blind_link.h"

#define KEY_A "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY="
#define KEY_B "YmJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXoxMjM0NTY="
#define KEY_0 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static const char *const valid[] = {
	"time 0", "time 1795764040", "pair 3", "active", "standby",
	"site " KEY_A " 198.51.100.7:51820", "site " KEY_A " [2001:db8::7]:1",
	"session " KEY_A " " KEY_B " 01abcdef 190 1", "session " KEY_A " " KEY_B " ffffffff 0 3",
	"key 1 " KEY_A, "key 131071 " KEY_B, "entry 1 131071 01abcdef 190 1", "entry 0 2 00000000 1 0", "entry 2 0 ffffffff 0 3",
};

static const char *const wrong[] = {
	"", " ", "tim 1", "times 1", "time", "time ", "time -1", "time 01", "time 1 ", "time  1", "time 1 2", " time 1",
	"time 99999999999999999999", "pair", "pair x", "active ", "active 1", "standby\r", "Active",
	"site " KEY_A, "site - 198.51.100.7:51820", "site " KEY_0 " 198.51.100.7:51820", "site " KEY_A " 198.51.100.7",
	"site " KEY_A " 198.51.100.7:0", "site " KEY_A " 198.51.100.7:51820 ", "site " KEY_A "= 198.51.100.7:51820",
	"site " KEY_A " [::ffff:198.51.100.7]:51820", "site " KEY_A " relay.example.net:51820",
	"session " KEY_A " " KEY_B " 1abcdef 190 1", "session " KEY_A " " KEY_B " 01ABCDEF 190 1",
	"session " KEY_A " " KEY_B " 01abcdef 201 1", "session " KEY_A " " KEY_B " 01abcdef -1 1",
	"session " KEY_A " " KEY_B " 01abcdef 190 4", "session " KEY_A " " KEY_B " 01abcdef 190",
	"session " KEY_A " " KEY_B " 0x1abcde 190 1", "session " KEY_A " " KEY_B " 01abcdef0 190 1",
	"session " KEY_A " " KEY_0 " 01abcdef 190 1", "session - " KEY_B " 00000000 1 0", "session " KEY_A " - ffffffff 0 3",
	"key 1", "key " KEY_A, "key 0 " KEY_A, "key 131072 " KEY_A, "key 1 " KEY_0, "key -1 " KEY_A, "key 1 " KEY_A " ",
	"entry 1 2", "entry 1 131072 01abcdef 190 1", "entry 1 02 01abcdef 190 1", "entry 1 2 01abcdef 201 1",
	"entry 1 2 01abcdef 190", "entry 1 2 01abcdef 190 4", "entry 1 2 01abcdef 190 1 1", "entry " KEY_A " 2 01abcdef 190 1", "hint - " KEY_A " 01abcdef 190 1",
	"relays 3", "ask " KEY_A, "here " KEY_A " 0", "port " KEY_A " 1025",
};

static void lines(void **state)
{
	char text[BLIND_LINE_LEN];
	struct blind_line l;

	for (size_t i = 0; i < sizeof(valid) / sizeof(*valid); i++) {
		assert_int_equal(blind_line_parse(valid[i], &l), 0);
		assert_int_equal(blind_line_format(&l, text), strlen(valid[i]) + 1);
		assert_memory_equal(text, valid[i], strlen(valid[i]));
		assert_string_equal(text + strlen(valid[i]), "\n");
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		if (blind_line_parse(wrong[i], &l) != -EINVAL)
			fail_msg("accepted: %s", wrong[i]);
}

static void longest_line(void **state)
{
	struct blind_line l = {
		.word = BLIND_WORD_SESSION, .index = -1, .seconds = BLIND_LONGEST_SECONDS, .flags = 3,
	};
	char text[BLIND_LINE_LEN];

	memset(&l.user, 0xff, sizeof(l.user));
	l.origin = l.user;
	assert_uint_in_range(blind_line_format(&l, text), 1, sizeof(text) - 1);
	l = (struct blind_line){ .word = BLIND_WORD_SITE, .user = l.origin, .port = 0xffff };
	l.endpoint.family = FAMILY_IPV6;
	memset(&l.endpoint.addr, 0xfe, sizeof(l.endpoint.addr));
	assert_uint_in_range(blind_line_format(&l, text), 1, sizeof(text) - 1);
}

/* ---- the stream ---- */

static unsigned int counts[BLIND_WORDS];

static void count(void *data, const struct blind_line *l)
{
	counts[l->word]++;
}

static int take(struct blind_stream *s, const char *text)
{
	return blind_stream_take(s, text, strlen(text), count, NULL);
}

#define SESSION "session " KEY_A " " KEY_B " 01abcdef 190 1\n"

static void stream(void **state)
{
	static const char all[] = "pair 3\nactive\nsite " KEY_A " 198.51.100.7:51820\n" SESSION SESSION
				  "active\n";
	struct blind_stream s;

	/* the same bytes at once, and in pieces of each length */
	for (size_t piece = 1; piece <= sizeof(all); piece++) {
		memset(counts, 0, sizeof(counts));
		s = (struct blind_stream){ 0 };
		for (size_t i = 0; i < sizeof(all) - 1; i += piece) {
			size_t left = sizeof(all) - 1 - i;

			assert_int_equal(blind_stream_take(&s, all + i, left < piece ? left : piece, count, NULL), 0);
		}
		assert_true(s.greeted && s.active && !s.n);
		assert_int_equal(counts[BLIND_WORD_PAIR], 1);
		assert_int_equal(counts[BLIND_WORD_ACTIVE], 2);
		assert_int_equal(counts[BLIND_WORD_SITE] + counts[BLIND_WORD_SESSION], 3);
	}
}

static void out_of_place(void **state)
{
	static const char *const texts[] = {
		"active\n",			/* no greeting */
		"standby\n", SESSION, "pair 1\n", "pair 3\npair 3\n",
		"pair 3\n" SESSION,		/* the sender has not said that it is active */
		"pair 3\nstandby\n" SESSION, "pair 3\nactive\nstandby\n" SESSION,
		"pair 3\nactive\ntime 5\n", "pair 3\nactive\nkey 1 " KEY_A "\n", "pair 3\nactive\nentry 1 2 01abcdef 190 1\n",
		/* indices of the sender's own WireGuard mean nothing to the receiver */
		"pair 3\nactive\nsession - " KEY_B " 01abcdef 190 1\n",
		"pair 3\nactive\nsession " KEY_A " - 01abcdef 190 1\n",
		"pair 3\n\n", "pair 3\nactive\r\n",
	};
	char longest[2 * BLIND_LINE_LEN];
	struct blind_stream s;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		s = (struct blind_stream){ 0 };
		if (take(&s, texts[i]) != -EPROTO)
			fail_msg("accepted: %s", texts[i]);
	}
	s = (struct blind_stream){ 0 };
	memset(longest, 'x', sizeof(longest));	/* a line without an end */
	assert_int_equal(blind_stream_take(&s, longest, sizeof(longest), count, NULL), -EPROTO);
	s = (struct blind_stream){ 0 };
	assert_int_equal(blind_stream_take(&s, "pair 3\0\n", 8, count, NULL), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines), cmocka_unit_test(longest_line), cmocka_unit_test(stream),
		cmocka_unit_test(out_of_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
