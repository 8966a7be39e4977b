/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Arrays that grow. append(ptr, n) adds one zeroed element at the end of ptr[0..n-1], increments n,
 * and returns the element. Most rooms include it.
 */
#pragma once
#include <string.h>
#include "lib/memory.h"

/* array: the address of the pointer to the first element, which has `size` bytes. */
static inline void *grow(void *array, size_t *n, size_t size)
{
	void **ptr = array;

	/* The capacity doubles, so the array is full if n is 0 or a power of two. */
	if (!(*n & (*n - 1)))
		*ptr = xreallocarray(*ptr, *n ? *n * 2 : 1, size);
	return memset((char *)*ptr + (*n)++ * size, 0, size);
}
#define append(ptr, n) ((typeof(ptr))grow(&(ptr), &(n), sizeof(*(ptr))))
