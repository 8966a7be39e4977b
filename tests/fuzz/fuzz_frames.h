/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The steps of an input of fuzz_pipeline.c, and their frames. They go from a client to a listener, from a backend, from a site
 * to another site. Or a frame is an answer to the last packet, an error about it, a later fragment, the same again, or raw bytes.
 */
#ifndef FUZZ_FRAMES_H
#define FUZZ_FRAMES_H

#include "fuzz_state.h"
#include "host/host_see.h"

#define FRAME_MAX 8000

struct step {				/* the bytes of a RAW step's frame follow */
	__u8 how;			/* 3 bits: enum step_kind; then enum step_bits */
	__u8 whom;			/* number of the listener, backend or pair of sites */
	__u8 who;			/* 5 bits: client; 3: its port */
	__u8 what;			/* 3 bits: enum message_kind; 5: of RAW and others the link, of handshakes the key */
	__u8 index[2];			/* the sender's, and the receiver's */
	__u8 time;			/* 4 bits: what passes before; top bits: backends are replaced, routes changed */
	__u8 ip;			/* enum ip_bits */
	__u8 heads;			/* IPv6: 4 bits for an extension header each; IPv4: words of options. Then: 2 bits of tags */
	__u8 id;			/* a fragment's */
	__u8 ttl;
	__u8 linear, gso;		/* bytes in reach (255: all); payload of a segment in units of 16 (0: no GSO) */
	__u8 len[2];			/* the payload's */
	__u8 at[2], with[2];		/* bytes behind the MACs that are other than they should be; 0: none */
};
enum step_kind { RAW, FRESH, ANSWER, ERROR, LATER, AGAIN, STRANGE, KINDS = 8 };
enum step_bits { ON_TC = 8, OTHER_LINK = 16, UNCOUNTED = 32, SHORT_QUOTE = 64, BY_PORT = 128 };
enum message_kind { PLAIN, INITIATION, RESPONSE, COOKIE, DATA, DATAS, COOKIED, ICMP };
enum ip_bits { SUM_BITS = 3, MORE = 4, DF = 8, PADDED = 16, ODD_LEN = 32, WRONG_LEN = 64, TOS = 128 };

static const struct { const char *text; __u16 port; } clients[] = {
	{ "192.0.2.9", 40000 }, { "192.0.2.10", 40001 }, { "192.0.2.20", 40002 }, { "192.0.2.50", 40005 }, { "192.0.2.60", 40006 },
	{ "192.0.2.12", 40000 }, { "203.0.113.7", 51820 }, { "198.41.0.7", 40007 }, { "192.168.1.55", 40000 }, { "10.9.0.2", 51820 },
	{ "192.0.2.200", 40000 }, { "127.0.0.1", 9 }, { "2001:db8:9::9", 40000 }, { "2001:db8:9:0:bff3:e55e:0:30", 40003 },
	{ "2001:db8:9::40", 40004 }, { "2001:db8:9::77", 40008 }, { "2001:db8:9::b", 40000 }, { "2001:db8:2::55", 40000 },
	{ "2001:db8:9::8001", 40000 }, { "fe80::1", 40000 }, { OVERLAY "a::1", 40000 }, { "2001:db8:8::1", 7 }, { "2001:db8:77::1", 40000 },
	{ "198.51.100.3", 40000 }, { "192.0.2.9", 51900 }, { "2001:db8:a::1", 40000 },
};
static const struct { __u32 link; const char *src, *dst; } pairs[] = {
	{ TA, OVERLAY "a::1", OVERLAY "c::3" }, { TC, OVERLAY "c::3", OVERLAY "a::1" }, { NN, OVERLAY "d::4", OVERLAY "e::5" },
	{ NO, OVERLAY "e::5", OVERLAY "d::4" }, { TA, OVERLAY "b::2", OVERLAY "e::99" }, { NN, OVERLAY "d::4", OVERLAY "c::3" },
	{ TA, OVERLAY "a::1", OVERLAY "b::2" }, { TA, "fd99::a", OVERLAY "c::3" }, { TC, OVERLAY "c::3", "fd99::a" },
	{ TA, OVERLAY "10:2::1", OVERLAY "10:1::1" }, { TC, OVERLAY "10:1::1", OVERLAY "d::4" }, { NN, OVERLAY "d::4", OVERLAY "f::1" },
	{ NW, OVERLAY "d::4", OVERLAY "c::3" }, { NO, OVERLAY "e::5", OVERLAY "1::1" }, { TA, OVERLAY "a::1", "2001:db8:1::1" },
	{ NN, OVERLAY "d::7", "2001:db8:9::9" }, { NN, OVERLAY "d::4", OVERLAY "e::99" }, { NN, OVERLAY "d::4", OVERLAY "d::5" },
};
#define CLIENTS (sizeof(clients) / sizeof(*clients))
#define PAIRS (sizeof(pairs) / sizeof(*pairs))

static struct { struct addr addr; __u8 family; } client_addrs[CLIENTS];
static struct addr pair_addrs[PAIRS][2];
static __u8 mac1_keys[2][32][32];	/* key_bytes() and public_key() of each */
static struct {				/* the last packet */
	bool any;
	__u8 frame[FRAME_MAX + 4 * HOST_ROOM];
	__u32 len, link;
	struct seen seen;
} last;
static __u8 payload[FRAME_MAX];
static __u32 came_len, came_link;

static void frames_begin(void)
{
	for (size_t i = 0; i < CLIENTS; i++) {
		client_addrs[i].addr = world_addr(clients[i].text);
		client_addrs[i].family = world_family(clients[i].text);
	}
	for (size_t i = 0; i < PAIRS; i++) {
		pair_addrs[i][0] = world_addr(pairs[i].src);
		pair_addrs[i][1] = world_addr(pairs[i].dst);
	}
	for (__u32 n = 0; n < 64; n++) {
		__u8 label[40] = "mac1----";

		(n & 1 ? public_key : key_bytes)(n / 2, label + 8);
		blake2s(mac1_keys[n & 1][n / 2], 32, NULL, 0, label, sizeof(label));
	}
}

/* ---- payload ---- */

/* As the client, with the cookie that it got */
static void put_mac2(__u8 *m)
{
	__u8 input[COOKIE_INPUT], cookie[16];

	memcpy(input, &in.src, 16);
	put_le32(input + 16, in.sport);
	blake2s(cookie, 16, cookie_secret, 32, input, sizeof(input));
	blake2s(m + 132, 16, cookie, 16, m, 132);
}

static __u32 message_put(const struct step *s, __u32 kind, __u8 *m)
{
	static const __u32 lens[] = { INITIATION_LEN, RESPONSE_LEN, COOKIE_LEN };
	const struct guard *g = guard_at(0);
	bool blind = present == &worlds[BLIND];
	__u32 junk = blind ? 0 : g->junk[kind - 1], key = s->what >> 3, covered = kind == MESSAGE_INITIATION ? 116 : 60;

	m += junk;
	put_le32(m, blind || !g->flags ? kind : le32toh(g->header[kind - 1]));
	put_le32(m + 4, (kind == MESSAGE_INITIATION || kind == MESSAGE_RESPONSE ? s->index[0] : s->index[1]) * 0x01000193U);
	if (kind == MESSAGE_RESPONSE)
		put_le32(m + 8, s->index[1] * 0x01000193U);
	if (kind == MESSAGE_INITIATION || kind == MESSAGE_RESPONSE)
		blake2s(m + covered, 16, mac1_keys[blind][key], 32, m, covered);
	if (s->what % 8 == COOKIED)
		put_mac2(m);
	return junk + (kind == MESSAGE_DATA ? DATA_LEN + s->len[1] % 4 * 16 : lens[kind - 1]);
}

/* Its length */
static __u32 payload_put(const struct step *s)
{
	__u32 kind = s->what % 8, n = get16(s->len) % (FRAME_MAX - 1500), each;

	memset(payload, s->id, n < 1400 ? 1400 : n);
	if (kind == PLAIN || kind == ICMP)
		return n;
	if (kind != DATAS)
		return message_put(s, kind == COOKIED ? MESSAGE_INITIATION : kind, payload);
	each = message_put(s, MESSAGE_DATA, payload);
	for (__u32 i = 1; i < 4; i++)
		memcpy(payload + i * each, payload, each);
	return 3 * each + (s->len[0] & 1 ? each : s->len[0] % each);
}

/* ---- IP ---- */

static void ip_heads(const struct step *s)
{
	static const __u8 types[] = { 0, 60, 43, IPPROTO_FRAGMENT };
	__u8 *next = &in.first, *h = in.extra;

	memset(in.extra, 0, 48);
	if (in.family == FAMILY_IPV4) {
		in.n_extra = s->heads % 16 < 11 ? s->heads % 16 * 4 : 0;
		memset(in.extra, s->heads & 1 ? 1 : 0x94, in.n_extra);
		for (__u32 i = 0; !(s->heads & 1) && i < in.n_extra; i += 4)
			in.extra[i + 1] = 4, in.extra[i] = i & 4 ? 7 : 0x94;
		in.frag_off = (s->ip & MORE ? 0x2000 : 0) | (s->ip & DF ? 0x4000 : 0);
		return;
	}
	for (int i = 0; i < 4; i++) {
		if (!(s->heads >> i & 1) && !(i == 3 && s->ip & MORE))
			continue;
		*next = types[i];
		h[1] = i == 1;
		h[3] = i == 3 ? !!(s->ip & MORE) : 0;
		h[7] = s->id;
		next = h;
		h += i == 1 ? 16 : 8;
	}
	*next = IPPROTO_UDP;
	in.n_extra = h - in.extra;
}

/* A client's original to an entry of the table, a backend's reply, or a pair's; the link */
static __u32 ip_ends(const struct step *s)
{
	__u32 n = s->whom % (world_n_entries + PAIRS), kind, i = s->who % 32 % CLIENTS, link;
	const struct table_entry *e;

	if (n >= world_n_entries) {
		n -= world_n_entries;
		in.family = FAMILY_IPV6;
		in.src = pair_addrs[n][0];
		in.dst = pair_addrs[n][1];
		in.sport = 40000 + (s->who & 1);
		in.dport = s->who & 2 ? 51820 : 58000 + (s->who >> 2);
		return pairs[n].link;
	}
	e = &world_entries[n];
	kind = e->key.word & 0xff;
	in.family = e->key.word >> 8 & 0xff;
	while (client_addrs[i].family != in.family && in.family)
		i = (i + 1) % CLIENTS;
	link = e->key.word >> 32;
	in.src = client_addrs[i].addr;
	in.sport = clients[i].port + (s->who >> 5 & 3);
	in.dst = e->key.addr;
	in.dport = ntohs(e->key.word >> 16);
	if (kind != KEY_REPLY)
		return kind == KEY_VLAN ? W0 : link;
	in.dst = in.src;
	in.dport = in.sport;
	in.src = e->key.addr;
	in.sport = ntohs(e->key.word >> 16);
	for (i = 0; i < host_n_routes && !host_covers(&host_routes[i].dst, &host_routes[i].mask, &in.src); i++)
		;
	return i < host_n_routes ? host_routes[i].ifindex : L0;
}

#endif
