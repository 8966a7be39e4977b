/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Opens libraries that only some set-ups need, when they are first needed, by the soname that the
 * linker would have recorded. If the program were linked with them, they and their dependencies
 * would take memory in every wgxdp process. A source file that uses a library lists its functions
 * in FUNCTIONS(X), and calls them through the struct of pointers that this list defines. daemon/,
 * doctor/, exporter/ and net/ include it.
 */
#pragma once
#include <stddef.h>

struct library {
	/* Name of the shared library; NULL: the program was built without it (WITH_…=0 in the
	 * Makefile). */
	const char *soname;
	/* Package that contains the library, on the distribution that built this program; "":
	 * unknown. */
	const char *package;
};

extern const struct library library_mhd, library_sodium, library_crypt;

struct library_function {
	const char *name;
	size_t offset;	/* offset of its pointer in the caller's struct */
};

#define LIBRARY_POINTER(name) typeof(name) *name;
#define LIBRARY_FUNCTION(name_) \
	{ .name = #name_, .offset = offsetof(struct library_functions, name_) },

#define LIBRARY_WHY_LEN 320
/* Opens the library and fills in the n pointers. Returns 0, or -ENOENT after writing to `why` which
 * library is missing, what is wrong, and which package to install. The library stays open, so
 * further calls do nothing. After a failure the next call tries again. Any thread may call it. With
 * n == 0 it only tests whether the library can be opened. */
int library_open(const struct library *l, const struct library_function *list, size_t n,
		 void *pointers, char why[LIBRARY_WHY_LEN]);
#define LIBRARY_OPEN(library, list, pointers, why) \
	library_open(library, list, sizeof(list) / sizeof(*(list)), pointers, why)
