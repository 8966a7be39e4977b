/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Distinguishes a query that failed for lack of resources from the answer "no". plan/ and doctor/
 * include it.
 */
#pragma once
#include <errno.h>
#include <stdbool.h>

/* Returns true if a query failed with this -errno for lack of memory or file descriptors. The
 * caller must not take that for the answer "no". */
static inline bool is_resource_error(int r)
{
	return r == -ENOMEM || r == -ENOBUFS || r == -EMFILE || r == -ENFILE;
}
