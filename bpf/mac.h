/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * mac1 and mac2 of WireGuard's messages (whitepaper, 5.4.4): blocks of bytes as BLAKE2s takes them, and what comes out of it. Part
 * of guard_check.h.
 */
#ifndef WGXDP_MAC_H
#define WGXDP_MAC_H

#include "pkt.h"

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define from_le32(word) (word)
#else
#define from_le32(word) __builtin_bswap32(word)
#endif

#define INITIATION_MAC1 116		/* where it stands, and what it covers */
#define RESPONSE_MAC1 60
#define WORDS(n) ((n) / sizeof(__u32))

/* n words of a message's block, the rest 0 */
INLINE void block_words(__u32 m[16], const __u8 *from, __u32 n)
{
#pragma clang loop unroll(full)
	for (__u32 i = 0; i < 16; i++)
		m[i] = i < n ? from_le32(load_word(__u32, from + 4 * i)) : 0;
}

/* The state before the block of a key of 16 bytes, for 16 */
INLINE void cookie_mac_begin(__u32 h[8])
{
	h[0] = BLAKE2S_IV0 ^ 0x01010000 ^ MAC_LEN << 8 ^ MAC_LEN;
	h[1] = BLAKE2S_IV1;
	h[2] = BLAKE2S_IV2;
	h[3] = BLAKE2S_IV3;
	h[4] = BLAKE2S_IV4;
	h[5] = BLAKE2S_IV5;
	h[6] = BLAKE2S_IV6;
	h[7] = BLAKE2S_IV7;
}

/* 0: they are the same */
INLINE __u32 mac_compare(const __u32 h[8], const __u8 *mac)
{
	return (h[0] ^ from_le32(load_word(__u32, mac))) | (h[1] ^ from_le32(load_word(__u32, mac + 4))) |
	       (h[2] ^ from_le32(load_word(__u32, mac + 8))) | (h[3] ^ from_le32(load_word(__u32, mac + 12)));
}

#endif
