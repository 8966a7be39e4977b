/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include "libraries.h"
#include "lib/library.h"

/* The generated libraries.h defines the names of the libraries that the program was built with. */
#ifndef MHD_SONAME
#define MHD_SONAME NULL
#define MHD_PACKAGE "libmicrohttpd"
#endif
#ifndef SODIUM_SONAME
#define SODIUM_SONAME NULL
#define SODIUM_PACKAGE "libsodium"
#endif
#ifndef CRYPT_SONAME
#define CRYPT_SONAME NULL
#define CRYPT_PACKAGE "libcrypt"
#endif

const struct library library_mhd = { MHD_SONAME, MHD_PACKAGE };
const struct library library_sodium = { SODIUM_SONAME, SODIUM_PACKAGE };
const struct library library_crypt = { CRYPT_SONAME, CRYPT_PACKAGE };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Writes why the library could not be used. The text of dlerror() repeats the library's name, in
 * musl after some words (`musl`): both are skipped. */
static void explain_failure(const struct library *l, char why[LIBRARY_WHY_LEN])
{
	static const char musl[] = "Error loading shared library ";
	const char *said = dlerror() ?: "unknown error";
	size_t n = strlen(l->soname);

	if (!strncmp(said, musl, sizeof(musl) - 1))
		said += sizeof(musl) - 1;
	if (!strncmp(said, l->soname, n) && said[n] == ':')
		said += n + 1 + strspn(said + n + 1, " ");
	snprintf(why, LIBRARY_WHY_LEN, "%s: %s: install %s%s", l->soname, said,
		 *l->package ? "the package " : "the package that contains it", l->package);
}

static void **pointer_of(void *pointers, const struct library_function *f)
{
	return (void **)((char *)pointers + f->offset);
}

/* Fills in the pointers in order. The last one comes last: library_open() takes it as the sign that
 * all are set. */
static int fill_pointers(const struct library *l, const struct library_function *list, size_t n,
			 void *pointers, char why[LIBRARY_WHY_LEN])
{
	void *handle;

	if (!l->soname) {
		snprintf(why, LIBRARY_WHY_LEN, "this program was built without %s", l->package);
		return -ENOENT;
	}
	handle = dlopen(l->soname, RTLD_NOW | RTLD_LOCAL);
	for (size_t i = 0; handle && i < n; i++) {
		void *function = dlsym(handle, list[i].name);

		if (function)
			*pointer_of(pointers, &list[i]) = function;
		else
			handle = NULL;
	}
	if (handle)
		return 0;
	explain_failure(l, why);
	return -ENOENT;
}

int library_open(const struct library *l, const struct library_function *list, size_t n,
		 void *pointers, char why[LIBRARY_WHY_LEN])
{
	int rc = 0;

	pthread_mutex_lock(&lock);
	if (!n || !*pointer_of(pointers, &list[n - 1]))
		rc = fill_pointers(l, list, n, pointers, why);
	pthread_mutex_unlock(&lock);
	return rc;
}
