/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Memory: allocation that never fails, and the return of memory that an idle process does not need.
 * Most rooms include it.
 */
#pragma once
#include <stdarg.h>
#include <stdlib.h>

/* Like the functions of the C library, but if there is no memory, they end the process with one
 * line and exit status 1. Its supervisor starts a daemon again, and a killed process loses
 * nothing. */
void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
void *xreallocarray(void *old, size_t n, size_t size);
char *xstrdup(const char *text);
void *xmemdup(const void *from, size_t size);
char *xstrndup(const char *text, size_t n);
/* Returns p, which another function allocated, or ends the process in this way if p is NULL. */
void *memory_there(void *p);
/* These return the text, which the caller frees. */
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *xvasprintf(const char *format, va_list values) __attribute__((format(printf, 1, 0)));

/* Returns freed memory to the kernel. musl does this in free(), so the function is empty there. */
void memory_trim(void);

/* Does that, and also returns the pages of the program file with the BPF object, which the kernel
 * reads again when needed. Call it after a task that used much memory. */
void memory_give_back(void);
