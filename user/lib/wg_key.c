/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements wg_key.h: strict base64 of 32 bytes.
 */
#include <errno.h>
#include <string.h>
#include "lib/wg_key.h"

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Values of the digits plus 1; 0: no digit. A table, because a relay may read millions of keys. */
static const unsigned char digits[256] = {
#define D(c, value) [c] = (value) + 1
#define D4(c, value) D(c, value), D(c + 1, value + 1), D(c + 2, value + 2), D(c + 3, value + 3)
#define D26(c, value) D4(c, value), D4(c + 4, value + 4), D4(c + 8, value + 8), \
	D4(c + 12, value + 12), D4(c + 16, value + 16), D4(c + 20, value + 20), \
	D(c + 24, value + 24), D(c + 25, value + 25)
	D26('A', 0), D26('a', 26), D4('0', 52), D4('4', 56), D('8', 60), D('9', 61), D('+', 62),
	D('/', 63)
#undef D26
#undef D4
#undef D
};

int wg_key_parse(const char *text, struct wg_key *ret)
{
	struct wg_key key = { 0 };
	unsigned int bits = 0, word = 0;
	size_t n = 0;

	for (int i = 0; i < WG_KEY_STRLEN - 2; i++) {
		unsigned int value = digits[(unsigned char)text[i]];

		if (!value)
			return -EINVAL;
		word = word << 6 | (value - 1);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			key.b[n++] = word >> bits;
		}
	}
	if (strcmp(text + WG_KEY_STRLEN - 2, "=") || word & ((1 << bits) - 1))
		return -EINVAL;
	*ret = key;
	return 0;
}

const char *wg_key_format(const struct wg_key *key, char buf[WG_KEY_STRLEN])
{
	unsigned int bits = 0, word = 0;
	size_t n = 0;

	for (size_t i = 0; i < WG_KEY_LEN; i++) {
		word = word << 8 | key->b[i];
		for (bits += 8; bits >= 6; bits -= 6)
			buf[n++] = base64[word >> (bits - 6) & 63];
	}
	buf[n++] = base64[word << (6 - bits) & 63];
	buf[n++] = '=';
	buf[n] = '\0';
	return buf;
}

bool wg_key_is_none(const struct wg_key *key)
{
	static const struct wg_key none;

	return !wg_key_compare(key, &none);
}

int wg_key_compare(const struct wg_key *a, const struct wg_key *b)
{
	return memcmp(a, b, sizeof(*a));
}
