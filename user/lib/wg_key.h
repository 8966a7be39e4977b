/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Parses, formats and compares WireGuard keys. Every room includes it.
 */
#pragma once
#include <linux/types.h>
#include <stdbool.h>

#define WG_KEY_LEN 32
#define WG_KEY_STRLEN 45		/* bytes of a key in base64, with the NUL */

struct wg_key {				/* all zero: no key */
	__u8 b[WG_KEY_LEN];
};

/* Parses the 44 characters of base64 that `wg` prints. Returns -EINVAL for anything else. */
int wg_key_parse(const char *text, struct wg_key *ret);
const char *wg_key_format(const struct wg_key *key, char buf[WG_KEY_STRLEN]);
bool wg_key_is_none(const struct wg_key *key);
int wg_key_compare(const struct wg_key *a, const struct wg_key *b);	/* compares like memcmp() */
