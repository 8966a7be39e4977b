/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The internet's checksum (RFC 1071), for packets that user space makes itself.
 */
#pragma once
#include <arpa/inet.h>
#include <linux/types.h>
#include <stddef.h>

/* Of n bytes, after those that make sum (0 at first): not folded yet. Only the last part may have an odd length. */
static inline __u32 checksum_add(__u32 sum, const void *bytes, size_t n)
{
	const __u8 *b = bytes;

	for (size_t i = 0; i + 1 < n; i += 2)
		sum += b[i] << 8 | b[i + 1];
	return n & 1 ? sum + (b[n - 1] << 8) : sum;
}

/* As it stands in a header */
static inline __be16 checksum_fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum += sum >> 16;
	return htons(~sum);
}
