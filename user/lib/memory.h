/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What a daemon that has done its work need not hold in memory.
 */
#pragma once

/* Gives freed memory back to the kernel. musl does that when it is freed. */
void memory_trim(void);

/* Gives freed memory back, and the pages of the program file, the BPF object among them, which are read from there again when they
 * are wanted. After whatever takes much memory. */
void memory_give_back(void);
