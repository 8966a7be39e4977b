/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "lib/log.h"
#include "lib/memory.h"

void *memory_there(void *p)
{
	if (p)
		return p;
	/* log_error() allocates, and exit(3) writes buffers that a child has of its parent */
	dprintf(STDERR_FILENO, "wgxdp: error: there is no memory left\n");
	_exit(EXIT_FAILED);
}

void *xmalloc(size_t size)
{
	return memory_there(malloc(size ?: 1));
}

void *xcalloc(size_t n, size_t size)
{
	return memory_there(calloc(n ?: 1, size));
}

void *xreallocarray(void *old, size_t n, size_t size)
{
	return memory_there(reallocarray(old, n ?: 1, size));
}

void *xmemdup(const void *from, size_t size)
{
	return size ? memcpy(xmalloc(size), from, size) : NULL;
}

char *xstrdup(const char *text)
{
	return memory_there(strdup(text));
}

char *xstrndup(const char *text, size_t n)
{
	return memory_there(strndup(text, n));
}

char *xvasprintf(const char *format, va_list values)
{
	char *text;

	return memory_there(vasprintf(&text, format, values) < 0 ? NULL : text);
}

char *xasprintf(const char *format, ...)
{
	va_list values;
	char *text;

	va_start(values, format);
	text = xvasprintf(format, values);
	va_end(values);
	return text;
}

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
