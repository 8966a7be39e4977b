/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Frames changed at random, but knowing what they are: headers' fields, options, extension headers, tags, fragments, lengths; and made
 * right again, so that what was changed is what is looked at. Part of run_planes.c. mutate_change.h chooses one change, mutate_talk.h has what others say.
 */
#ifndef MUTATE_H
#define MUTATE_H

#include <linux/if_ether.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <linux/types.h>

#define FRAME_MAX 3000

struct frame {
	__u32 ifindex, len;
	__u16 gso_segs, gso_size;
	__u8 b[FRAME_MAX];
};

struct parts {				/* offsets of the headers */
	bool ipv4, fragment;
	__u32 l4;			/* 0: not known */
	__u8 protocol;
};

static __u64 random_state;

static inline __u32 any(__u32 n)	/* below n */
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return n ? (random_state >> 16) % n : 0;
}

static inline __u16 be16_at(const __u8 *b)
{
	return b[0] << 8 | b[1];
}

static inline void put_be16(__u8 *b, __u16 n)
{
	b[0] = n >> 8;
	b[1] = n;
}

static inline bool parts_of(const struct frame *f, struct parts *ret)
{
	const __u8 *ip = f->b + ETH_HLEN;
	__u16 type = be16_at(f->b + 12);

	*ret = (struct parts){ .ipv4 = type == ETH_P_IP };
	if ((type != ETH_P_IP && type != ETH_P_IPV6) || f->len < ETH_HLEN + (ret->ipv4 ? 20u : 40u))
		return false;
	ret->l4 = ETH_HLEN + (ret->ipv4 ? (ip[0] & 15) * 4 : 40);
	ret->protocol = ip[ret->ipv4 ? 9 : 6];
	ret->fragment = ret->ipv4 && be16_at(ip + 6) & 0x3fff;
	while (!ret->ipv4 && (ret->protocol == 0 || ret->protocol == 43 || ret->protocol == 44 || ret->protocol == 60) && ret->l4 + 8 <= f->len) {
		const __u8 *h = f->b + ret->l4;

		ret->fragment |= ret->protocol == 44 && be16_at(h + 2) & 0xfff9;
		ret->l4 += ret->protocol == 44 ? 8 : 8 + h[1] * 8;
		ret->protocol = h[0];
	}
	if (ret->l4 + 8 > f->len)
		ret->l4 = 0;
	return true;
}

static inline __u32 sum_of(const __u8 *b, __u32 n, __u32 sum)
{
	for (__u32 i = 0; i < n; i++)
		sum += i & 1 ? b[i] : b[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static inline void sum_ipv4(__u8 *ip)
{
	put_be16(ip + 10, 0);
	put_be16(ip + 10, ~sum_of(ip, (ip[0] & 15) * 4, 0));
}

/* Sets the checksum behind the IP header */
static inline void sum_upper(struct frame *f, const struct parts *p)
{
	__u8 *l4 = f->b + p->l4, *ip = f->b + ETH_HLEN;
	__u32 n = f->len - p->l4, at = p->protocol == IPPROTO_UDP ? 6 : 2, sum = n + p->protocol;
	bool pseudo = p->protocol != IPPROTO_ICMP;

	if (p->fragment || (p->protocol != IPPROTO_UDP && p->protocol != IPPROTO_ICMP && p->protocol != IPPROTO_ICMPV6))
		return;
	put_be16(l4 + at, 0);
	sum = pseudo ? sum_of(ip + (p->ipv4 ? 12 : 8), p->ipv4 ? 8 : 32, sum) : 0;
	sum = (__u16)~sum_of(l4, n, sum);
	put_be16(l4 + at, sum ?: 0xffff);
}

/* Sets right lengths and checksums */
static inline void mend(struct frame *f)
{
	__u8 *ip = f->b + ETH_HLEN;
	struct parts p;

	if (!parts_of(f, &p))
		return;
	put_be16(ip + (p.ipv4 ? 2 : 4), f->len - ETH_HLEN - (p.ipv4 ? 0 : 40));
	if (p.l4 && p.protocol == IPPROTO_UDP && !p.fragment)
		put_be16(f->b + p.l4 + 4, f->len - p.l4);
	if (p.ipv4 && ETH_HLEN + (ip[0] & 15) * 4u <= f->len && (ip[0] & 15) >= 5)
		sum_ipv4(ip);
	if (p.l4)
		sum_upper(f, &p);
}

/* Makes room for n bytes */
static inline bool insert(struct frame *f, __u32 at, __u32 n)
{
	if (f->len + n > FRAME_MAX || at > f->len)
		return false;
	memmove(f->b + at + n, f->b + at, f->len - at);
	memset(f->b + at, 0, n);
	f->len += n;
	return true;
}

static inline void insert_options(struct frame *f)
{
	static const __u8 kinds[] = { 1, 1, 0, 7, 68, 131, 137, 148 };
	__u32 words = 1 + any(4), at = ETH_HLEN + (f->b[ETH_HLEN] & 15) * 4;

	if ((f->b[ETH_HLEN] & 15) + words > 15 || !insert(f, at, words * 4))
		return;
	f->b[ETH_HLEN] += words;
	memset(f->b + at, 1, words * 4);
	f->b[at] = kinds[any(sizeof(kinds))];
	f->b[at + 1] = any(4) ? words * 4 : any(256);
}

static inline void insert_extension(struct frame *f)
{
	static const __u8 kinds[] = { 0, 43, 44, 44, 60, 60, 51, 135 };
	__u32 eights = 1 + any(3);
	__u8 kind = kinds[any(sizeof(kinds))], *h = f->b + ETH_HLEN + 40;

	eights = kind == 44 ? 1 : eights;
	if (!insert(f, ETH_HLEN + 40, eights * 8))
		return;
	h[0] = f->b[ETH_HLEN + 6];
	f->b[ETH_HLEN + 6] = kind;
	if (kind == 44) {
		put_be16(h + 2, any(3) ? any(2) : any(0x10000));
		h[7] = any(4);
		return;
	}
	h[1] = any(16) ? eights - 1 : any(256);
	if (kind == 43) {
		h[2] = any(3);
		h[3] = any(2);
	} else {
		h[2] = any(8) ? 1 : any(256);
		h[3] = any(8) ? eights * 8 - 4 : any(256);
	}
}

static inline void insert_tag(struct frame *f)
{
	if (!insert(f, 12, 4))
		return;
	put_be16(f->b + 12, any(3) ? 0x8100 : 0x88a8);
	put_be16(f->b + 14, any(4) ? 7 : any(0x10000));
}

static inline void resize(struct frame *f, __u32 len)
{
	if (len > FRAME_MAX)
		return;
	if (len > f->len)
		memset(f->b + f->len, any(256), len - f->len);
	f->len = len;
}

static inline __u16 near(__u16 n)
{
	return any(4) ? n + any(17) - 8 : any(0x10000);
}

#endif
