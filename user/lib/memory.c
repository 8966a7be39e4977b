/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements memory.h with malloc_trim(3) and madvise(2).
 */
#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>
#include "lib/memory.h"

/* Callback for the first loaded object, the program itself: drops its read-only pages, which the
 * kernel can read again from the file. */
static int forget_program(struct dl_phdr_info *info, size_t size, void *data)
{
	uintptr_t page = sysconf(_SC_PAGESIZE);

	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *h = &info->dlpi_phdr[i];
		uintptr_t from = info->dlpi_addr + h->p_vaddr, to = from + h->p_memsz;

		from &= ~(page - 1);
		if (h->p_type == PT_LOAD && !(h->p_flags & (PF_W | PF_X)))
			madvise((void *)from, to - from, MADV_DONTNEED);
	}
	return 1;
}

void memory_trim(void)
{
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}

void memory_give_back(void)
{
	memory_trim();
	dl_iterate_phdr(forget_program, NULL);
}
