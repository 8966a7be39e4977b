/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Memory that an idle daemon need not hold.
 */
#pragma once

/* Gives freed memory back to the kernel. musl does so on free(). */
void memory_trim(void);

/* Gives back freed memory and the pages of the program file, the BPF object among them: the kernel
 * reads them from there when they are used. Call it after anything that takes much memory. */
void memory_give_back(void);
