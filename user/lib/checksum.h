/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Computes the internet checksum (RFC 1071) of packets that user space builds. net/ includes it.
 */
#pragma once
#include <arpa/inet.h>
#include <linux/types.h>
#include <stddef.h>

/* Adds n bytes to a sum, which starts at 0 and is not folded. Only the last of several pieces may
 * have an odd length. */
static inline __u32 checksum_add(__u32 sum, const void *bytes, size_t n)
{
	const __u8 *b = bytes;

	for (size_t i = 0; i + 1 < n; i += 2)
		sum += b[i] << 8 | b[i + 1];
	return n & 1 ? sum + (b[n - 1] << 8) : sum;
}

/* Folds the sum to 16 bits and returns its complement in network order, ready for a header. */
static inline __be16 checksum_fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum += sum >> 16;
	return htons(~sum);
}
