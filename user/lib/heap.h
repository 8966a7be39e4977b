/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Sets up the heap for a command that reads a large configuration once and then ends. cmd/ includes
 * it. The daemon must not use it, because it returns memory to the kernel.
 */
#pragma once

/* Prepares the heap for reading this file; call it first. For a large file it gets the memory from
 * the kernel in one piece, in huge pages if possible, and keeps it until the process ends. Getting
 * and returning single pages took a third of the time to read 100,000 routes. */
void heap_for_file(const char *file);
