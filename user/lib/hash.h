/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The FNV-1a hash, with 64 bits. It shows whether something that wgxdp wrote or loaded is still the
 * same. It does not protect against an attacker who chooses the bytes. gen, instance, plan and
 * dataplane include it.
 */
#pragma once
#include <linux/types.h>
#include <stddef.h>

#define HASH_START 0xcbf29ce484222325ULL
#define HASH_PRIME 0x100000001b3ULL

/* Returns the hash h, continued with n bytes. Begin with HASH_START. */
static inline __u64 hash_bytes(__u64 h, const void *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		h = (h ^ ((const unsigned char *)bytes)[i]) * HASH_PRIME;
	return h;
}
