/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Computes and compares mac1 and mac2 of WireGuard messages (whitepaper, section 5.4.4). check.h,
 * cookie.h and the blind relay include it.
 */
#pragma once

#include "guard/time.h"

/* Offset of mac1 in an initiation, and so the number of bytes that mac1 covers. */
#define INITIATION_MAC1 116
#define RESPONSE_MAC1 60
#define WORDS(n) ((n) / sizeof(__u32))

/* Loads n words of the message into a block for BLAKE2s, and fills its rest with zeros. */
INLINE void block_words(__u32 m[16], const __u8 *from, __u32 n)
{
#pragma clang loop unroll(full)
	for (__u32 i = 0; i < 16; i++)
		m[i] = i < n ? from_le32(load_word(__u32, from + 4 * i)) : 0;
}

/* Sets the initial hash state for a 16-byte key and a MAC of 16 bytes. */
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

/* Compares the computed MAC with that of the message. Returns 0 if they are equal. */
INLINE __u32 mac_compare(const __u32 h[8], const __u8 *mac)
{
	return (h[0] ^ from_le32(load_word(__u32, mac))) |
	       (h[1] ^ from_le32(load_word(__u32, mac + 4))) |
	       (h[2] ^ from_le32(load_word(__u32, mac + 8))) |
	       (h[3] ^ from_le32(load_word(__u32, mac + 12)));
}

/* Loads the message's blocks, which are then hashed for each key. Returns false if this CPU's
 * budget of compressions is used up. */
INLINE bool mac1_begin(struct guard_work *s)
{
	struct addr source = guard_source(&s->client.addr);
	__u32 first = s->kind == MESSAGE_INITIATION ? 64 : RESPONSE_MAC1;

	s->hash = source_hash(&source);
	if (!guard_may_spend(s))
		return false;
	s->tried = 0;
	block_words(s->work[0].m, s->message, WORDS(first));
	block_words(s->work[1].m, s->message + 64, WORDS(INITIATION_MAC1 - 64));
	return true;
}

/* Returns whether mac1 was made with a key. `state`: the hash state after that key's block. */
INLINE bool mac1_fits(struct guard_work *s, const __u32 state[8])
{
	struct blake2s_work *w = s->work;
	__u32 differs;

	memcpy(w->h, state, sizeof(w->h));
	if (s->kind == MESSAGE_INITIATION) {
		blake2s_compress(&w[0], BLAKE2S_BLOCK + 64, 0);
		memcpy(w[1].h, w[0].h, sizeof(w->h));
		blake2s_compress(&w[1], BLAKE2S_BLOCK + INITIATION_MAC1, 1);
		differs = mac_compare(w[1].h, s->message + INITIATION_MAC1);
	} else {
		blake2s_compress(&w[0], BLAKE2S_BLOCK + RESPONSE_MAC1, 1);
		differs = mac_compare(w[0].h, s->message + RESPONSE_MAC1);
		/* Without this, clang merges the two comparisons, with offsets in registers. */
		barrier_var(differs);
	}
	return !differs;
}

/* Charges the hashing for s->tried keys to this CPU's budget. */
INLINE void mac1_end(struct guard_work *s)
{
	guard_spent(s, s->tried * (s->kind == MESSAGE_INITIATION ? 2 : 1));
}
