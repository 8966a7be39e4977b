/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Checks for fuzz targets: a failed one ends the process.
 */
#ifndef FUZZ_MUST_H
#define FUZZ_MUST_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* For sums over whole tables: they contain no bugs, but would take most of the time */
#define UNWATCHED __attribute__((no_sanitize("address", "undefined", "coverage")))

#define MUST(condition) do { \
	if (!(condition)) { \
		dprintf(2, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
		abort(); \
	} } while (0)

#endif
