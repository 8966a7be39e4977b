/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Libraries that only some set-ups use. The program opens them at their first use, by the soname
 * that linking would have recorded: linked, they and their dependencies would occupy memory in
 * every wgxdp process. A user of a library has a list FUNCTIONS(X) and calls its functions through
 * the struct that the list makes.
 */
#pragma once
#include <stddef.h>

struct library {
	/* NULL: the program was built without it (WITH_…=0 in the Makefile) */
	const char *soname;
	/* its name on the distribution that built the program; "": unknown */
	const char *package;
};

extern const struct library library_mhd, library_sodium, library_ldns, library_curl, library_crypto,
	library_qrencode, library_ncurses;

struct library_function {
	const char *name;
	size_t offset;			/* of its pointer */
};

#define LIBRARY_POINTER(name) typeof(name) *name;
#define LIBRARY_FUNCTION(name_) \
	{ .name = #name_, .offset = offsetof(struct library_functions, name_) },

#define LIBRARY_WHY_LEN 320
/* Opens the library for good and fills the n pointers; a second call changes nothing. Returns 0, or
 * -ENOENT with `why`: the library, what is wrong with it, and the package to install. A later call
 * tries again. Any thread may call it. n == 0 only tests whether the library opens. */
int library_open(const struct library *l, const struct library_function *list, size_t n,
		 void *pointers, char why[LIBRARY_WHY_LEN]);
#define LIBRARY_OPEN(library, list, pointers, why) \
	library_open(library, list, sizeof(list) / sizeof(*(list)), pointers, why)
