/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Tells a failed query from a negative answer.
 */
#pragma once
#include <errno.h>
#include <stdbool.h>

/* Whether the query failed for lack of memory or descriptors; that is not a "no". */
static inline bool unasked(int r)
{
	return r == -ENOMEM || r == -ENOBUFS || r == -EMFILE || r == -ENFILE;
}
