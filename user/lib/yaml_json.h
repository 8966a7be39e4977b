/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Checks JSON from other programs before libfyaml parses it. lib/yaml.c includes it, for
 * the rulesets that doctor/ reads. Such input is not trusted: any program on this host can put text
 * into the ruleset that `nft -j` prints. Debian 12 and 13 have a libfyaml without its memory-safety
 * fixes of December 2025. Most faults that fuzzers have found since then need text that is not
 * UTF-8, that is YAML but not JSON, or that ends in an error.
 */
#pragma once
#include <stddef.h>

/* Deepest nesting of objects and arrays. nft nests at most 20. */
#define JSON_DEPTH 64

/* Returns NULL if the text is acceptable JSON (RFC 8259): UTF-8 without control characters,
 * surrogates or DEL, nested at most JSON_DEPTH deep, and at most YAML_FILE_LIMIT bytes long.
 * Otherwise returns what is wrong, and sets *ret_at to the byte's offset. */
const char *json_wrong(const char *text, size_t n, size_t *ret_at);
