/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The heap of a command that reads a large configuration once and ends. Not for the daemon, which gives memory back.
 */
#pragma once

/* To be called before file is read. Where it is large, the heap comes from the kernel in one piece and in huge pages, if it has any,
 * and is kept until the end: a third of the time of reading 100,000 routes went into getting and returning pages. */
void heap_for_file(const char *file);
