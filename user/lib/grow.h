/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Arrays that grow. append(ptr, n) adds one zeroed element at the end of ptr[0..n-1], increments n,
 * and returns the element, or NULL if there is no memory. Most rooms include it.
 */
#pragma once
#include <stdlib.h>
#include <string.h>

static inline void *grow(void **ptr, size_t *n, size_t size)
{
	/* The capacity doubles, so the array is full if n is 0 or a power of two. */
	if (!(*n & (*n - 1))) {
		void *bigger = reallocarray(*ptr, *n ? *n * 2 : 1, size);

		if (!bigger)
			return NULL;
		*ptr = bigger;
	}
	return memset((char *)*ptr + (*n)++ * size, 0, size);
}
#define append(ptr, n) ((typeof(ptr))grow((void **)&(ptr), &(n), sizeof(*(ptr))))
