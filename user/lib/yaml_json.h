/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * JSON of other programs and hosts is checked before libfyaml reads it: `nft -j` tells texts that any program of this host may have put
 * into a ruleset, an API's answers come from elsewhere. Debian 12 and 13 have libfyaml older than its memory-safety fixes of December 2025,
 * and most faults that fuzzers found since need text that is not UTF-8, or that is YAML but not JSON, or that ends in an error.
 */
#pragma once
#include <stddef.h>

#define JSON_DEPTH 64			/* of objects and arrays: nft's and OVH's have 20 at most */

/* NULL: text is JSON (RFC 8259), in UTF-8, with no control character, half of a character or DEL, nested JSON_DEPTH deep at most, and of
 * at most YAML_FILE_LIMIT bytes. Otherwise what is wrong, at byte *ret_at (or NULL). */
const char *json_wrong(const char *text, size_t n, size_t *ret_at);
