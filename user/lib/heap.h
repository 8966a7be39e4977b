/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The heap of a command that reads a large configuration once and ends. Not for the daemon, which
 * gives memory back.
 */
#pragma once

/* Call it before reading the file. For a large file the heap comes from the kernel in one piece, in
 * huge pages if there are any, and stays until the end: getting and returning pages took a third of
 * the time of reading 100,000 routes. */
void heap_for_file(const char *file);
