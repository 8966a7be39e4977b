/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Libraries that only DynDNS (or `top`) needs are opened when it does: linked, they and what they need would be 3 MB of every process of
 * wgxdp's, the daemon above all. A provider has a list FUNCTIONS(X) and calls its functions through the struct that is made of it.
 */
#pragma once
#include <stddef.h>

struct library_function {
	const char *name;
	size_t offset;			/* of the pointer to it */
};

/* Opens it, for good, and fills the pointers. NULL, or what is wrong, which lives on. */
const char *library_open(const char *soname, const struct library_function *list, size_t n, void *pointers);

#define LIBRARY_POINTER(name) typeof(name) *name;
#define LIBRARY_FUNCTION(name_) { .name = #name_, .offset = offsetof(struct library, name_) },
