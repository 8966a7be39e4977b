/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Opening a library, and finding functions in it.
 */
#include <dlfcn.h>
#include <string.h>
#include "ddns_library.h"

/* dlerror()'s text lives until its next call, and in one thread */
static const char *wrong(void)
{
	return strdup(dlerror() ?: "") ?: "no memory";
}

const char *library_open(const char *soname, const struct library_function *list, size_t n, void *pointers)
{
	void *library = dlopen(soname, RTLD_NOW | RTLD_LOCAL);

	for (size_t i = 0; i < n && library; i++) {
		void *function = dlsym(library, list[i].name);

		if (!function)
			return wrong();
		*(void **)((char *)pointers + list[i].offset) = function;
	}
	return library ? NULL : wrong();
}
