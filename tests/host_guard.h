/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Services with a guard on the host plane: dnat and masquerade, both families, each before BACKENDS hosts; WireGuard's messages, whose
 * mac1 is OpenSSL's BLAKE2s; and what becomes of one.
 */
#ifndef HOST_GUARD_H
#define HOST_GUARD_H

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include "host_clients.h"
#include "host_icmp.h"

#define BACKENDS 3
#define KEYS 64				/* there are; the n-th is the n-th backend's, if there is one */
#define PASSED_UP (-1000)		/* by XDP, which counts nothing */

struct guarded {
	const char *name;
	__u16 id, flags;
	const char *client, *local, *backend;	/* the first one; others are behind it */
	__u16 port;
};

static const struct guarded guarded[] = {
	{ "dnat 4", 0, 0, "192.0.2.9", "203.0.113.1", "192.168.1.10", 51820 },
	{ "dnat 6", 1, 0, "2001:db8:9::9", "2001:db8:1::1", "2001:db8:2::10", 51820 },
	{ "masquerade 44", 2, SERVICE_MASQUERADE, "192.0.2.9", "203.0.113.1", "192.168.1.20", 52000 },
	{ "masquerade 66", 3, SERVICE_MASQUERADE | SERVICE_TO_IPV6, "2001:db8:9::9", "2001:db8:1::1", "2001:db8:2::20", 52000 },
	{ "masquerade 46", 4, SERVICE_MASQUERADE | SERVICE_TO_IPV6, "192.0.2.9", "203.0.113.1", "2001:db8:2::30", 53000 },
};
#define GUARDED (sizeof(guarded) / sizeof(guarded[0]))

struct told {
	__u32 kind, key;		/* enum message; for whom */
	__u32 sender, receiver;
	__u32 len;			/* other than it should be; of data always */
	__u32 junk, header;		/* in front; other than WireGuard's */
	__u32 salt;			/* of all that nobody looks at */
	__u8 bytes[2000];		/* made of it */
};

static const struct guarded *at_service;
static __u32 client_number;		/* who sends, from which port */
static __u16 client_port;
static __u16 shown_port;		/* and as whom the backend saw him last, at `ours` */

/* ---- messages ---- */

static void key_bytes(__u32 n, __u8 key[32])
{
	for (int i = 0; i < 32; i++)
		key[i] = n * 37 + i * 11 + 1;
}

static void openssl_mac1(__u32 n, const __u8 *covered, size_t len, __u8 mac[MAC_LEN])
{
	size_t size = MAC_LEN, written;
	OSSL_PARAM params[] = { OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size), OSSL_PARAM_construct_end() };
	__u8 label[40] = "mac1----", key[32];
	static EVP_MAC_CTX *ctx;
	unsigned int hashed;

	key_bytes(n, label + 8);
	assert_int_equal(EVP_Digest(label, sizeof(label), key, &hashed, EVP_blake2s256(), NULL), 1);
	if (!ctx)
		ctx = EVP_MAC_CTX_new(EVP_MAC_fetch(NULL, "BLAKE2SMAC", NULL));
	assert_int_equal(EVP_MAC_init(ctx, key, sizeof(key), params), 1);
	assert_int_equal(EVP_MAC_update(ctx, covered, len), 1);
	assert_int_equal(EVP_MAC_final(ctx, mac, &written, MAC_LEN), 1);
}

static __u32 message_len(const struct told *m)
{
	static const __u32 lens[] = { DATA_LEN, INITIATION_LEN, RESPONSE_LEN, COOKIE_LEN, DATA_LEN };

	return m->junk + (m->len ?: lens[m->kind < 5 ? m->kind : 4]);
}

static void put_le32(__u8 *to, __u32 x)
{
	x = htole32(x);
	memcpy(to, &x, sizeof(x));
}

/* Its bytes, with a right mac1 */
static void message_make(struct told *m)
{
	__u8 *b = m->bytes + m->junk;
	__u32 seed = m->salt + 99, begins = m->kind == MESSAGE_INITIATION || m->kind == MESSAGE_RESPONSE;

	for (__u32 i = 0; i < sizeof(m->bytes); i++)
		m->bytes[i] = (seed = seed * 1103515245 + 12345) >> 16;
	put_le32(b, m->header ?: m->kind);
	put_le32(b + 4, begins ? m->sender : m->receiver);
	if (m->kind == MESSAGE_RESPONSE)
		put_le32(b + 8, m->receiver);
	if (begins)
		openssl_mac1(m->key, b, m->kind == MESSAGE_INITIATION ? 116 : 60, b + (m->kind == MESSAGE_INITIATION ? 116 : 60));
}

static struct told message(__u32 kind, __u32 sender, __u32 receiver)
{
	static __u32 salt;
	struct told m = { .kind = kind, .sender = sender, .receiver = receiver, .salt = ++salt };

	message_make(&m);
	return m;
}

static struct told initiation_for(__u32 key)
{
	struct told m = message(MESSAGE_INITIATION, 0x1000 + key, 0);

	m.key = key;
	message_make(&m);
	return m;
}

/* ---- the world ---- */

static struct guard *guard_at(__u32 id)
{
	return bpf_map_lookup_elem(&guards, &id);
}

static inline struct health *health_at(__u32 id, __u32 backend)
{
	__u32 place = id * GUARD_BACKENDS_MAX + backend;

	return bpf_map_lookup_elem(&health, &place);
}

static struct addr nth_backend(const struct guarded *g, __u32 n)
{
	struct addr a = world_addr(g->backend);

	a.b[15] += n;
	return a;
}

/* Rows from first on: n keys of the m-th and those behind it, each its backend's if there are several */
static void keys_written(__u32 first, __u32 m, __u32 n, bool backends)
{
	for (__u32 i = 0; i < n; i++) {
		struct guard_key row = { .backend = backends ? m + i : 0 };
		__u8 label[40] = "mac1----", key[32];
		__u32 place = first + i;

		key_bytes(m + i, label + 8);
		blake2s(key, 32, NULL, 0, label, sizeof(label));
		blake2s_key(row.mac1, key, 32, MAC_LEN);
		bpf_map_update_elem(&guard_keys, &place, &row, BPF_ANY);
	}
}

/* All services ask for this; their limits are out of the way */
static void guards_ask(__u32 flags, __u32 n_keys)
{
	keys_written(16, 0, n_keys, flags & GUARD_BACKENDS);
	for (__u32 id = 0; id < GUARDED; id++) {
		struct guard *g = guard_at(id);

		*g = (struct guard){ .flags = GUARD_ON | flags, .keys = guard_keys_word(16, n_keys) };
		for (__u32 i = 0; i < MESSAGES; i++)
			g->header[i] = htole32(i + 1);
		g->source_each = g->service_each = 1;
		g->source_burst = g->service_burst = 1ULL << 40;
	}
}

static void guards_listen(void)
{
	world_n_entries = 0;
	for (size_t i = 0; i < GUARDED; i++)
		for (__u32 n = 0; n < BACKENDS; n++) {
			const struct guarded *g = &guarded[i];
			size_t place = world_n_entries;
			char backend[64];

			inet_ntop(strchr(g->backend, ':') ? AF_INET6 : AF_INET,
				  &nth_backend(g, n).b[strchr(g->backend, ':') ? 0 : 12], backend, sizeof(backend));
			world_listen(g->id, W0, g->local, g->port, backend, 51820, 2 + 2 * (i * BACKENDS + n),
				     g->flags | n << SERVICE_BACKEND_SHIFT);
			world_entries[place].key.word += table_backend(n);
			if (g->flags & SERVICE_MASQUERADE)
				world_entries[place + 1].service.flags = SERVICE_MASQUERADE | SERVICE_FLOWS | n << SERVICE_BACKEND_SHIFT;
		}
	world_commit();
}

static void guards_reset(void)
{
	struct { struct host_map *map; __u32 max; } maps[] = {
		{ &guards, WORLD_SERVICES }, { &guard_keys, 512 }, { &guard_state, WORLD_SERVICES }, { &guard_budget, 1 },
		{ &guard_sources, 2048 }, { &guard_scratch, 1 }, { &answered, 64 }, { &indices, 64 }, { &replays, 4096 },
		{ &handshakes, 256 }, { &health, WORLD_SERVICES * GUARD_BACKENDS_MAX }, { &failed, FAILED_PLACES }, { &challenged, 16 },
		{ &cookies, 1 },
	};

	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++)
		host_map_reset(maps[i].map, maps[i].max);
}

static void guard_setup(__u32 flags, __u32 n_keys)
{
	flows_setup();
	guards_reset();
	guards_listen();
	guards_ask(flags, n_keys);
	world_guards = true;
	host_map_reset(&event_watch, 1);
	at_service = &guarded[0];
	client_number = 0;
	client_port = 40000;
}

#endif
