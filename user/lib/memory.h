/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Returns memory that an idle daemon does not need. The daemon includes it.
 */
#pragma once

/* Returns freed memory to the kernel. musl does this in free(), so the function is empty there. */
void memory_trim(void);

/* Returns freed memory and the pages of the program file, which include the BPF object. The kernel
 * reads such a page again from the file when it is needed. Call it after anything that uses much
 * memory. */
void memory_give_back(void);
