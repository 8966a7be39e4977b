/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * struct pkt, the handle of a packet that every step gets, and at(), through which steps access its
 * bytes. Every file of bpf/ includes this header. at() checks the bounds on each access, so a plane
 * may move the packet at any time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#ifdef WGXDP_HOST
#include <arpa/inet.h>
#include <string.h>
#endif
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#ifdef WGXDP_HOST
#define INLINE static inline
/* Marks a variable that all objects of a test program share. No global variable or function of
 * user/ may have the same name, because the linker would take that one without a word. */
#define HOST_SHARED __attribute__((weak))
#define bpf_htons htons
#define bpf_ntohs ntohs
#define bpf_htonl htonl
#define bpf_ntohl ntohl
#define bpf_cpu_to_be64 htobe64
#define bpf_be64_to_cpu be64toh
#define barrier()
#define barrier_var(x)
#else
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#define INLINE static __always_inline
#define memcpy __builtin_memcpy
#endif
#include "abi.h"
#include "state.h"

/* Branch hints: clang places the code of unlikely branches out of the way, so usual packets run
 * straight through. libbpf's bpf_helpers.h defines these macros from 1.7 on. */
#ifndef likely
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#endif

/* Result of a step for a packet that belongs to no service or peer. wgxdp passes this packet up,
 * and does not count it. All other negative results are reasons. */
#define NOT_OURS (-REASON_MAX)

struct link;
/* The packet that a program handles. The members of struct pkt stay in registers; data for later
 * steps is in struct pkt_state. */
struct pkt {
	void *ctx;
	/* The plane is a constant in each program, so clang drops the code of the other planes. */
	enum plane plane;
	enum express_uses uses;		/* a constant too; only in the express path (express/) */
	struct pkt_state *s;
	const struct link *link;	/* link of the packet; set only during enter() */
	const struct peer *peer;	/* receiving peer; set only during site_resolve() */
};

/* ---- aligned access to header fields ---- */

/* Access a word of a packet by a single instruction. The kernel's structs declare less alignment
 * than there is, so that clang would access a plain member byte by byte. */
#ifdef WGXDP_HOST
#define load_word(type, from) ({ type word_; memcpy(&word_, from, sizeof(word_)); word_; })
#define store_word(type, to, word) ({ type word_ = (word); memcpy(to, &word_, sizeof(word_)); })
#else
#define load_word(type, from) ({ const void *from_ = (from); *(const type *)from_; })
#define store_word(type, to, word) ({ void *to_ = (to); *(type *)to_ = (word); })
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ADDR_MAPPED 0xffff0000ULL
#define ADDR_IPV4_SHIFT 32
#define from_le32(word) (word)
#else
#define ADDR_MAPPED 0xffff00000000ULL
#define ADDR_IPV4_SHIFT 0
#define from_le32(word) __builtin_bswap32(word)
#endif

/* Convert between an IPv4 address and struct addr, which holds it as ::ffff:a.b.c.d. */
INLINE struct addr addr_from4(__be32 a)
{
	return (struct addr){ .q = { 0, ADDR_MAPPED | (__u64)a << ADDR_IPV4_SHIFT } };
}

INLINE __be32 addr_to4(struct addr a)
{
	return a.q[1] >> ADDR_IPV4_SHIFT;
}

INLINE struct addr addr_load(const void *from)
{
	return (struct addr){ .q = { load_word(__u64, from), load_word(__u64, from + 8) } };
}

INLINE void addr_store(void *to, struct addr a)
{
	store_word(__u64, to, a.q[0]);
	store_word(__u64, to + 8, a.q[1]);
}

INLINE bool addr_same(const struct addr *a, const struct addr *b)
{
	return a->q[0] == b->q[0] && a->q[1] == b->q[1];
}

/* Writes the destination and source MAC addresses from a FIB result. */
INLINE void eth_write(struct ethhdr *eth, const struct bpf_fib_lookup *fib)
{
	store_word(__u32, eth->h_dest, load_word(__u32, fib->dmac));
	store_word(__u16, eth->h_dest + 4, load_word(__u16, fib->dmac + 4));
	store_word(__u32, eth->h_source, load_word(__u32, fib->smac));
	store_word(__u16, eth->h_source + 4, load_word(__u16, fib->smac + 4));
}

/* ---- access to the bytes of a packet ---- */

#define OFFSETS 0xfff			/* a mask above the offset of any header */
#ifdef WGXDP_HOST
INLINE void *at(const struct pkt *p, __u32 off, __u32 size);	/* host/host_steps.h defines it */
#else
/* Loads a packet pointer from the context, at each use again: a helper that moves the packet makes
 * earlier pointers invalid. */
#define ctx_ptr(ctx, field) ({ \
	void *ptr_; \
	asm volatile("%0 = *(u32 *)(%1 + %2)" \
		     : "=r"(ptr_) : "r"(ctx), "i"(offsetof(typeof(*(ctx)), field))); \
	ptr_; })

/* Returns header if `size` bytes there end before `end`, or NULL. */
INLINE void *within(void *header, void *end, __u32 size)
{
	/* Without this, clang computes the address twice, and the verifier does not see that both
	 * are equal. */
	barrier_var(header);
	if (unlikely(header + size > end))
		return NULL;
	/* Without this, clang merges the two results, and each caller tests for NULL again. */
	barrier_var(header);
	if (!header)
		__builtin_unreachable();
	return header;
}

/* Returns a pointer to `size` bytes at offset `off`, or NULL if they are not all in the packet's
 * linear part. */
INLINE void *at(const struct pkt *p, __u32 off, __u32 size)
{
	bool xdp = p->plane == PLANE_XDP;
	void *header = xdp ? ctx_ptr((struct xdp_md *)p->ctx, data) :
			     ctx_ptr((struct __sk_buff *)p->ctx, data);
	void *end = xdp ? ctx_ptr((struct xdp_md *)p->ctx, data_end) :
			  ctx_ptr((struct __sk_buff *)p->ctx, data_end);

	return within(header + (off & OFFSETS), end, size);
}
#endif

/* Bounds a length to 1..most for the verifier, before it is passed to a helper. n must be at least
 * 1; most is a power of 2. The verifier of Linux 6.1 learns nothing from a comparison with 0. */
INLINE __u32 bounded(__u32 n, __u32 most)
{
	barrier_var(n);
	return ((n - 1) & (most - 1)) + 1;
}

/* ---- pending reasons: faults that count only if the packet is ours ---- */

/* Records a fault. resolve() returns it if the packet belongs to a service; of several faults, the
 * one that is first in reasons.def. */
INLINE void pkt_set_pending(struct pkt *p, enum reason reason)
{
	if (!p->s->pending_reason || reason < p->s->pending_reason)
		p->s->pending_reason = reason;
}

/* ---- fragments ---- */

/* Packs where a fragment is for s->fragment; 0: a whole packet. Lower half: its offset in bytes,
 * plus 1 if more fragments follow (1: the first). Upper half: from the IP header to the payload. */
INLINE __u32 fragment_word(__u32 offset, __u32 start)
{
	return offset ? start << 16 | offset : 0;
}

INLINE __u32 fragment_offset(const struct pkt *p)
{
	return p->s->fragment & 0xffff;
}

INLINE __u32 fragment_start(const struct pkt *p)
{
	return p->s->fragment >> 16;
}

/* Returns true for a later fragment, which has no UDP header. */
INLINE bool is_later(const struct pkt *p)
{
	return unlikely(fragment_offset(p) > 1);
}
