/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Checks JSON of other programs and hosts before libfyaml reads it: any program of this host may
 * put texts into the ruleset that `nft -j` prints, and an API's answers come from other hosts.
 * Debian 12 and 13 have a libfyaml from before its memory-safety fixes of December 2025. Most
 * faults that fuzzers have found since need text that is not UTF-8, that is YAML but not JSON, or
 * that ends in an error.
 */
#pragma once
#include <stddef.h>

#define JSON_DEPTH 64			/* of objects and arrays: nft's and OVH's have at most 20 */

/* Returns NULL if the text is JSON (RFC 8259) in UTF-8 without control characters, half characters
 * or DEL, nested at most JSON_DEPTH deep, and of at most YAML_FILE_LIMIT bytes. Otherwise returns
 * what is wrong, at byte *ret_at (may be NULL). */
const char *json_wrong(const char *text, size_t n, size_t *ret_at);
