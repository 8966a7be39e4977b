/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The hash BLAKE2s (RFC 7693), which the BPF programs and user space include. WireGuard's mac1 and
 * mac2 are keyed BLAKE2s with 16 bytes of output (whitepaper, section 5.4.4). User space hashes the
 * key block once, in blake2s_key(). The programs compress only the blocks of the message.
 *
 * The code is fully unrolled, because a loop over the message schedule takes 5 to 10 % longer. The
 * working vector v is in memory that the caller provides, not on the stack: the verifier allows 512
 * bytes for all frames of a call chain. `volatile` keeps clang from copying v to the stack. Only
 * the second row of v is in registers, because each next operation waits for it.
 */
#ifndef WGXDP_BLAKE2S_H
#define WGXDP_BLAKE2S_H

#include <linux/types.h>

#define BLAKE2S_BLOCK 64
#define BLAKE2S_IV0 0x6a09e667
#define BLAKE2S_IV1 0xbb67ae85
#define BLAKE2S_IV2 0x3c6ef372
#define BLAKE2S_IV3 0xa54ff53a
#define BLAKE2S_IV4 0x510e527f
#define BLAKE2S_IV5 0x9b05688c
#define BLAKE2S_IV6 0x1f83d9ab
#define BLAKE2S_IV7 0x5be0cd19

/* Memory for one compression; in BPF a map value. A message of two blocks needs two of these, with
 * .m filled in both. */
struct blake2s_work {
	__u32 v[16];			/* working vector; first, for short offsets */
	/* Message block, as words in host order; it is not changed. */
	__u32 m[16];
	__u32 h[8];			/* hash state, input and output */
};

/* In BPF each operation is inline assembly: compiled from C, a fifth of the instructions would be
 * register copies. */
#ifdef __bpf__
#define BLAKE2S_ADD(x, y) asm("%0 += %1" : "+w"(x) : "w"(y))
#define BLAKE2S_XOR(x, y) asm("%0 ^= %1" : "+w"(x) : "w"(y))
#define BLAKE2S_ROR(x, n) do { \
	__u32 low_ = x; \
	asm("%0 >>= %1" : "+w"(low_) : "i"(n)); \
	asm("%0 <<= %1" : "+w"(x) : "i"(32 - (n))); \
	asm("%0 |= %1" : "+w"(x) : "w"(low_)); \
} while (0)
#else
#define BLAKE2S_ADD(x, y) ((x) += (y))
#define BLAKE2S_XOR(x, y) ((x) ^= (y))
#define BLAKE2S_ROR(x, n) ((x) = (x) >> (n) | (x) << (32 - (n)))
#endif

/* The operands from memory are added first, and b last, because b is computed last. */
#define BLAKE2S_G(a, b, c, d, x, y) do { \
	__u32 a_ = v[a], c_ = v[c], d_ = v[d]; \
	BLAKE2S_ADD(a_, m[x]); BLAKE2S_ADD(a_, v##b); \
	BLAKE2S_XOR(d_, a_); BLAKE2S_ROR(d_, 16); \
	BLAKE2S_ADD(c_, d_); \
	BLAKE2S_XOR(v##b, c_); BLAKE2S_ROR(v##b, 12); \
	BLAKE2S_ADD(a_, m[y]); BLAKE2S_ADD(a_, v##b); \
	BLAKE2S_XOR(d_, a_); BLAKE2S_ROR(d_, 8); \
	BLAKE2S_ADD(c_, d_); \
	BLAKE2S_XOR(v##b, c_); BLAKE2S_ROR(v##b, 7); \
	v[a] = a_; v[c] = c_; v[d] = d_; \
} while (0)

#define BLAKE2S_ROUND(s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13, s14, s15) do { \
	BLAKE2S_G(0, 4, 8, 12, s0, s1); \
	BLAKE2S_G(1, 5, 9, 13, s2, s3); \
	BLAKE2S_G(2, 6, 10, 14, s4, s5); \
	BLAKE2S_G(3, 7, 11, 15, s6, s7); \
	BLAKE2S_G(0, 5, 10, 15, s8, s9); \
	BLAKE2S_G(1, 6, 11, 12, s10, s11); \
	BLAKE2S_G(2, 7, 8, 13, s12, s13); \
	BLAKE2S_G(3, 4, 9, 14, s14, s15); \
} while (0)

/* Compresses one block. t: bytes hashed so far, with this block and the key's. last: exactly 1 for
 * the last block, else 0: it is a mask, because with a branch the verifier would walk the code
 * twice. In BPF a global function, to be verified only once. */
#ifdef __bpf__
__attribute__((noinline)) int
#else
static inline int
#endif
blake2s_compress(struct blake2s_work *w, __u32 t, __u32 last)
{
	volatile __u32 *v, *m;
	__u32 v4, v5, v6, v7;

	if (!w)				/* never true; the verifier requires the check */
		return 0;
	v = w->v;
	m = w->m;
	v[0] = w->h[0], v[1] = w->h[1], v[2] = w->h[2], v[3] = w->h[3];
	v4 = w->h[4], v5 = w->h[5], v6 = w->h[6], v7 = w->h[7];
	v[8] = BLAKE2S_IV0, v[9] = BLAKE2S_IV1, v[10] = BLAKE2S_IV2, v[11] = BLAKE2S_IV3;
	v[12] = BLAKE2S_IV4 ^ t, v[13] = BLAKE2S_IV5;
	v[14] = BLAKE2S_IV6 ^ -last, v[15] = BLAKE2S_IV7;
	BLAKE2S_ROUND(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	BLAKE2S_ROUND(14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3);
	BLAKE2S_ROUND(11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4);
	BLAKE2S_ROUND(7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8);
	BLAKE2S_ROUND(9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13);
	BLAKE2S_ROUND(2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9);
	BLAKE2S_ROUND(12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11);
	BLAKE2S_ROUND(13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10);
	BLAKE2S_ROUND(6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5);
	BLAKE2S_ROUND(10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0);
	w->h[0] ^= v[0] ^ v[8], w->h[1] ^= v[1] ^ v[9];
	w->h[2] ^= v[2] ^ v[10], w->h[3] ^= v[3] ^ v[11];
	w->h[4] ^= v4 ^ v[12], w->h[5] ^= v5 ^ v[13], w->h[6] ^= v6 ^ v[14], w->h[7] ^= v7 ^ v[15];
	return 0;
}

#ifndef __bpf__
#include <endian.h>
#include <string.h>

/* Compresses len bytes as one block, which is padded with zeros. len is at most 64. */
static inline void blake2s_block(struct blake2s_work *w, const void *in, __u32 len, __u32 t,
				 __u32 last)
{
	memset(w->m, 0, sizeof(w->m));
	if (len)
		memcpy(w->m, in, len);
	for (int i = 0; i < 16; i++)
		w->m[i] = le32toh(w->m[i]);
	blake2s_compress(w, t, last);
}

static inline void blake2s_begin(__u32 h[8], __u32 keylen, __u32 outlen)
{
	static const __u32 iv[8] = { BLAKE2S_IV0, BLAKE2S_IV1, BLAKE2S_IV2, BLAKE2S_IV3,
				     BLAKE2S_IV4, BLAKE2S_IV5, BLAKE2S_IV6, BLAKE2S_IV7 };

	memcpy(h, iv, sizeof(iv));
	h[0] ^= 0x01010000 ^ keylen << 8 ^ outlen;
}

/* Writes to h the hash state after the block of a key of 1 to 32 bytes. The message that follows
 * must not be empty. */
static inline void blake2s_key(__u32 h[8], const __u8 *key, __u32 keylen, __u32 outlen)
{
	struct blake2s_work w;

	blake2s_begin(w.h, keylen, outlen);
	blake2s_block(&w, key, keylen, BLAKE2S_BLOCK, 0);
	memcpy(h, w.h, sizeof(w.h));
}

/* Hashes a message in one call. keylen 0: no key; outlen: 1 to 32 bytes. */
static inline void blake2s(__u8 *out, __u32 outlen, const __u8 *key, __u32 keylen, const void *in,
			   __u32 inlen)
{
	struct blake2s_work w;
	__u32 t = 0, n;

	blake2s_begin(w.h, keylen, outlen);
	if (keylen) {
		t = BLAKE2S_BLOCK;
		blake2s_block(&w, key, keylen, t, !inlen);
	}
	for (; inlen || !t; in += n, inlen -= n) {
		n = inlen < BLAKE2S_BLOCK ? inlen : BLAKE2S_BLOCK;
		t += n;
		blake2s_block(&w, in, n, t, n == inlen);
		if (!t)			/* no key and an empty message */
			break;
	}
	for (int i = 0; i < 8; i++)
		w.h[i] = htole32(w.h[i]);
	memcpy(out, w.h, outlen);
}

/* Derives from a responder's public key the key of mac1 (label "mac1----") or of cookie replies
 * (label "cookie--"): whitepaper, sections 5.4.4 and 5.4.7. */
static inline void blake2s_label(__u8 key[32], const char *label, const __u8 public[32])
{
	__u8 in[8 + 32];

	memcpy(in, label, 8);
	memcpy(in + 8, public, 32);
	blake2s(key, 32, NULL, 0, in, sizeof(in));
}

/* Writes to h the hash state after the key block of mac1. */
static inline void blake2s_mac1(__u32 h[8], const __u8 public[32])
{
	__u8 key[32];

	blake2s_label(key, "mac1----", public);
	blake2s_key(h, key, sizeof(key), 16);
}
#endif

#endif
