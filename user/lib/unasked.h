/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once
#include <errno.h>
#include <stdbool.h>

/* Of -errno: the question could not be put, for want of memory or files, which says nothing of what the answer is */
static inline bool unasked(int r)
{
	return r == -ENOMEM || r == -ENOBUFS || r == -EMFILE || r == -ENFILE;
}
