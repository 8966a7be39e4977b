/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One random change of a frame, by mutate.h's; and WireGuard messages, with a right mac1 for somebody.
 */
#ifndef MUTATE_CHANGE_H
#define MUTATE_CHANGE_H

#include "blake2s.h"
#include "mutate.h"

static __u8 wg_keys[64][32];		/* public ones */
static __u32 n_wg_keys;

static inline void put_mac1(__u8 *message, __u32 n)
{
	__u8 key[32];

	blake2s_label(key, "mac1----", wg_keys[any(n_wg_keys)]);
	blake2s(message + n - 32, 16, key, sizeof(key), message, n - 32);
}

/* Completes handshake messages, with a mac1 for some key */
static inline void mend_wireguard(struct frame *f)
{
	struct parts p;
	__u32 n;

	if (!n_wg_keys || !parts_of(f, &p) || !p.l4 || p.protocol != IPPROTO_UDP || p.fragment)
		return;
	n = f->len - p.l4 - 8;
	if ((n == 148 && f->b[p.l4 + 8] == 1) || (n == 92 && f->b[p.l4 + 8] == 2))
		put_mac1(f->b + p.l4 + 8, n);
}

static inline void change_wireguard(struct frame *f, const struct parts *p)
{
	static const __u16 lengths[] = { 0, 4, 8, 16, 31, 32, 33, 48, 64, 92, 148, 149, 160 };
	__u8 *message = f->b + p->l4 + 8;

	if (p->protocol != IPPROTO_UDP || p->l4 + 8 + 8 > f->len)
		return;
	switch (any(5)) {
	case 0:
		message[0] = 1 + any(5);
		break;
	case 1:
		message[any(4)] = any(256);
		break;
	case 2:
		message[4 + any(4)] ^= 1 << any(8);
		break;
	case 3:
		resize(f, p->l4 + 8 + lengths[any(sizeof(lengths) / 2)]);
		break;
	default:
		message[0] = 1 + any(2);
		resize(f, p->l4 + 8 + (message[0] == 1 ? 148 : 92));
	}
}

static inline void change_addresses(struct frame *f, const struct parts *p, const struct frame *other)
{
	__u32 n = p->ipv4 ? 4 : 16, src = ETH_HLEN + (p->ipv4 ? 12 : 8);
	struct parts o;

	if (!any(4)) {
		f->b[src + any(2 * n)] ^= 1 << any(8);
		return;
	}
	if (!parts_of(other, &o) || o.ipv4 != p->ipv4)
		return;
	memcpy(f->b + src + n * any(2), other->b + src + n * any(2), n);
}

static inline void change_ports(struct frame *f, const struct parts *p, const struct frame *other)
{
	struct parts o;

	if (!p->l4)
		return;
	if (!any(4) || !parts_of(other, &o) || !o.l4)
		f->b[p->l4 + any(4)] = any(256);
	else
		memcpy(f->b + p->l4 + 2 * any(2), other->b + o.l4 + 2 * any(2), 2);
}

static inline void change_upper(struct frame *f, const struct parts *p)
{
	__u8 *l4 = f->b + p->l4;

	switch (p->l4 ? any(4) : 4) {
	case 0:
		put_be16(l4 + 4, near(be16_at(l4 + 4)));
		break;
	case 1:
		put_be16(l4 + 6, any(2) ? 0 : be16_at(l4 + 6) + 1 - any(3));
		break;
	case 2:
		change_wireguard(f, p);
		break;
	case 3:
		l4[any(8)] = any(256);
		break;
	}
}

static inline void change_ip(struct frame *f, const struct parts *p)
{
	static const __u8 ttls[] = { 0, 1, 2, 3, 64, 255 };
	static const __u16 offsets[] = { 0, 0x2000, 0x4000, 0x8000, 1, 3, 0x2001, 0x20b9, 0x1fff, 0xb9 };
	static const __u8 protocols[] = { 1, 4, 6, 17, 17, 44, 47, 50, 58, 59, 132, 136 };
	__u8 *ip = f->b + ETH_HLEN;

	switch (any(7)) {
	case 0:
		ip[p->ipv4 ? 8 : 7] = ttls[any(sizeof(ttls))];
		break;
	case 1:
		ip[1] = any(256);
		break;
	case 2:
		if (p->ipv4)
			put_be16(ip + 6, any(3) ? offsets[any(10)] : any(0x10000));
		else
			ip[any(4)] ^= 1 << any(8);
		break;
	case 3:
		put_be16(ip + (p->ipv4 ? 2 : 4), near(be16_at(ip + (p->ipv4 ? 2 : 4))));
		break;
	case 4:
		ip[p->ipv4 ? 9 : 6] = protocols[any(sizeof(protocols))];
		break;
	case 5:
		if (p->ipv4)
			put_be16(ip + 4, any(3));
		else
			ip[0] = any(256);
		break;
	default:
		p->ipv4 ? insert_options(f) : insert_extension(f);
	}
}

static inline void change(struct frame *f, const struct frame *other)
{
	struct parts p;
	bool known = parts_of(f, &p);

	switch (any(known ? 16 : 4)) {
	case 0:
		f->b[any(f->len)] ^= 1 << any(8);
		break;
	case 1:
		f->b[any(f->len < 100 ? f->len : 100)] = any(256);
		break;
	case 2:
		resize(f, ETH_HLEN + any(f->len > 1600 ? 1600 : f->len));
		break;
	case 3:
		if (any(3))
			resize(f, f->len + any(64));
		else if (any(2))
			insert_tag(f);
		else
			memcpy(f->b, other->b, 6);
		break;
	case 4:
	case 5:
		change_addresses(f, &p, other);
		break;
	case 6:
		change_ports(f, &p, other);
		break;
	case 7:
		resize(f, ETH_HLEN + 60 + any(any(2) ? 1600 : 2900));
		mend(f);
		break;
	case 8:
	case 9:
	case 10:
		change_upper(f, &p);
		break;
	default:
		change_ip(f, &p);
	}
}

#endif
