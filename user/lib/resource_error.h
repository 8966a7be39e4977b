/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Tells a query that failed from a negative answer. plan/ and doctor/ include it.
 */
#pragma once
#include <errno.h>
#include <stdbool.h>

/* Whether a query failed (-errno) for lack of memory or descriptors; that is not a "no". */
static inline bool is_resource_error(int r)
{
	return r == -ENOMEM || r == -ENOBUFS || r == -EMFILE || r == -ENFILE;
}
