/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Makes answers to a sent frame, and ICMP errors that quote it. Part of run_planes.c.
 */
#ifndef MUTATE_TALK_H
#define MUTATE_TALK_H

#include "mutate.h"

static inline void swap_bytes(__u8 *a, __u8 *b, __u32 n)
{
	for (__u32 i = 0; i < n; i++) {
		__u8 byte = a[i];

		a[i] = b[i];
		b[i] = byte;
	}
}

/* Swaps the addresses, from receiver to sender; the caller knows the link */
static inline void turn_around(struct frame *f)
{
	struct parts p;

	swap_bytes(f->b, f->b + 6, 6);
	if (!parts_of(f, &p))
		return;
	f->b[ETH_HLEN + (p.ipv4 ? 8 : 7)] = 64;
	swap_bytes(f->b + ETH_HLEN + (p.ipv4 ? 12 : 8), f->b + ETH_HLEN + (p.ipv4 ? 16 : 24), p.ipv4 ? 4 : 16);
	if (p.l4 && !p.fragment)
		swap_bytes(f->b + p.l4, f->b + p.l4 + 2, 2);
}

/* An error about the sent frame, from its receiver or a router behind */
static inline void complain(struct frame *f)
{
	static const __u8 kinds4[][2] = { { 3, 3 }, { 3, 1 }, { 3, 4 }, { 11, 0 }, { 11, 1 }, { 12, 0 }, { 3, 13 } };
	static const __u8 kinds6[][2] = { { 1, 4 }, { 1, 0 }, { 2, 0 }, { 3, 0 }, { 3, 1 }, { 4, 0 }, { 4, 1 } };
	struct frame about = *f;
	struct parts p;
	__u32 head, quoted = f->len - ETH_HLEN, kind = any(7);
	__u8 *icmp;

	if (!parts_of(f, &p))
		return;
	turn_around(f);
	head = ETH_HLEN + (p.ipv4 ? 20 : 40);
	quoted = any(3) ? quoted : 28 + any(quoted);
	quoted = quoted > about.len - ETH_HLEN ? about.len - ETH_HLEN : quoted > 1232 ? 1232 : quoted;
	icmp = f->b + head;
	memcpy(icmp, p.ipv4 ? kinds4[kind] : kinds6[kind], 2);
	memset(icmp + 2, 0, 6);
	if (kind == 2)
		put_be16(icmp + 6, any(2) ? 1280 + any(200) : any(0x10000));
	memcpy(icmp + 8, about.b + ETH_HLEN, quoted);
	f->len = head + 8 + quoted;
	f->b[ETH_HLEN] = p.ipv4 ? 0x45 : 0x60;
	if (p.ipv4)
		put_be16(f->b + ETH_HLEN + 6, 0);
	f->b[ETH_HLEN + (p.ipv4 ? 9 : 6)] = p.ipv4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	mend(f);
}

#endif
