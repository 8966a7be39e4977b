/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Patterns for struct yaml_key: what `wgxdp schema` says about texts that a function of their own
 * reads. A pattern matches every text that the function accepts, and few others. Files of config/
 * and gen/ include it.
 */
#pragma once

#define PATTERN_OCTET "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
#define PATTERN_IPV4 "(" PATTERN_OCTET "[.]){3}" PATTERN_OCTET
#define PATTERN_IPV6 "[0-9A-Fa-f]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*"
#define PATTERN_ADDRESS PATTERN_IPV4 "|" PATTERN_IPV6
#define PATTERN_PREFIX4 PATTERN_IPV4 "(/([12]?[0-9]|3[0-2]))?"
#define PATTERN_PREFIX6 PATTERN_IPV6 "(/(12[0-8]|1[01][0-9]|[1-9]?[0-9]))?"
#define PATTERN_PREFIX PATTERN_PREFIX4 "|" PATTERN_PREFIX6
#define PATTERN_LABEL "[0-9A-Za-z]([0-9A-Za-z-]{0,61}[0-9A-Za-z])?"
/* The last label of a name has a character that is not a digit. */
#define PATTERN_DOMAIN "(" PATTERN_LABEL "[.])*" \
	"[0-9]*([A-Za-z]([0-9A-Za-z-]*[0-9A-Za-z])?|[0-9]-[0-9A-Za-z-]*[0-9A-Za-z])[.]?"
/* An address, or a name with '_' too. */
#define PATTERN_HOST PATTERN_ADDRESS "|([0-9A-Za-z_]([0-9A-Za-z_-]{0,61}[0-9A-Za-z_])?[.])*" \
	"[0-9]*([A-Za-z_]([0-9A-Za-z_-]*[0-9A-Za-z_])?|[0-9]-[0-9A-Za-z_-]*[0-9A-Za-z_])[.]?"
#define PATTERN_ENDPOINT "(" PATTERN_IPV4 "|\\[" PATTERN_IPV6 "\\]):[1-9][0-9]{0,4}"
/* The last character of a key has only four bits of it. */
#define PATTERN_KEY "[0-9A-Za-z+/]{42}[048AEIMQUYcgkosw]="
#define PATTERN_INTERFACE "[!-.0-9;-~]{1,15}"
#define PATTERN_SERVICE "[0-9A-Za-z][0-9A-Za-z_.-]*"
#define PATTERN_PEER "[0-9A-Za-z+/][0-9A-Za-z_.+/-]*"
/* A number, or a range of numbers. */
#define PATTERN_RANGE "0*[1-9][0-9]{0,9}(-0*[1-9][0-9]{0,9})?"
#define PATTERN_PATH "/.*"

/* Members of a row for a port, and for a port or range. */
#define IS_PORT .least = 1, .most = 65535
#define IS_PORTS IS_PORT, .pattern = "[1-9][0-9]{0,4}(-[1-9][0-9]{0,4})?"
