/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Returns memory that an idle process does not need. daemon/ and exporter/ include it.
 */
#pragma once

/* Returns freed memory to the kernel. musl does this in free(), so the function is empty there. */
void memory_trim(void);

/* Does that, and also returns the pages of the program file with the BPF object, which the kernel
 * reads again when needed. Call it after a task that used much memory. */
void memory_give_back(void);
