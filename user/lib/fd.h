/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Closes a file descriptor that may not be there. Most rooms include it.
 */
#pragma once
#include <unistd.h>

/* Closes an fd. A negative one stands for none. */
static inline void fd_close(int fd)
{
	if (fd >= 0)
		close(fd);
}
