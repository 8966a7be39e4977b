/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements wg_key.h: strict base64 of 32 bytes.
 */
#include <errno.h>
#include <string.h>
#include "lib/wg_key.h"

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

int wg_key_parse(const char *text, struct wg_key *ret)
{
	struct wg_key key = { 0 };
	unsigned int bits = 0, word = 0;
	size_t n = 0;

	if (strspn(text, base64) != WG_KEY_STRLEN - 2 || strcmp(text + WG_KEY_STRLEN - 2, "="))
		return -EINVAL;
	for (; *text != '='; text++) {
		word = word << 6 | (strchr(base64, *text) - base64);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			key.b[n++] = word >> bits;
		}
	}
	if (word & ((1 << bits) - 1))
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
