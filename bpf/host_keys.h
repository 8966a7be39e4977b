/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * How keys of the host plane's tables are compared: by a sum before the bytes, for ASan's memcmp() is slow; in a trie by their
 * first bits.
 */
#ifndef WGXDP_HOST_KEYS_H
#define WGXDP_HOST_KEYS_H

#include <linux/types.h>
#include <stdbool.h>
#include <string.h>

static inline __u32 host_key_sum(const void *key, __u32 size)
{
	__u32 sum = 0, word, i;

	for (i = 0; i + sizeof(word) <= size; i += sizeof(word)) {
		memcpy(&word, (const char *)key + i, sizeof(word));
		sum = sum * 31 + word;
	}
	for (; i < size; i++)
		sum = sum * 31 + ((const __u8 *)key)[i];
	return sum;
}

static inline __u32 host_bits_equal(const __u8 *a, const __u8 *b, __u32 max)
{
	__u32 n = 0;

	while (n < max && !((a[n / 8] ^ b[n / 8]) >> (7 - n % 8) & 1))
		n++;
	return n;
}

static inline bool host_trie_covers(const void *entry, const void *key)
{
	__u32 len, wanted;

	memcpy(&len, entry, sizeof(len));
	memcpy(&wanted, key, sizeof(wanted));
	return len <= wanted && host_bits_equal((const __u8 *)entry + 4, (const __u8 *)key + 4, len) == len;
}

#endif
