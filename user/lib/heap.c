// SPDX-License-Identifier: GPL-2.0-or-later
/* Implements heap.h: memory for a command that reads a large configuration. */
#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include "lib/heap.h"
#include "lib/memory.h"

#ifdef __GLIBC__
#define LARGE_FILE (1 << 20)
/* Bytes of heap for each byte of a configuration file: its nodes and structures, twice, because the
 * running configuration is read too. */
#define HEAP_PER_BYTE 16
#define HEAP_MAX (256 << 20)
#define HUGE_PAGE (2 << 20)

void heap_for_file(const char *file)
{
	struct stat st;
	uintptr_t from;
	size_t size;
	void *all;

	if (stat(file, &st) || st.st_size < LARGE_FILE)
		return;
	size = st.st_size < HEAP_MAX / HEAP_PER_BYTE ? st.st_size * HEAP_PER_BYTE : HEAP_MAX;
	mallopt(M_MMAP_MAX, 0);
	mallopt(M_TRIM_THRESHOLD, HEAP_MAX * 2);
	all = xmalloc(size);
	from = ((uintptr_t)all + HUGE_PAGE - 1) & -(uintptr_t)HUGE_PAGE;
	if (size > 2 * HUGE_PAGE)
		madvise((void *)from, (size - 2 * HUGE_PAGE) & -(size_t)HUGE_PAGE, MADV_HUGEPAGE);
	free(all);
}
#else
/* With musl this does nothing, because its malloc() cannot be tuned. */
void heap_for_file(const char *file)
{
}
#endif
