/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * WireGuard's messages for the services in host_guarded.h, with mac1 by OpenSSL's BLAKE2s, and their senders.
 */
#ifndef HOST_GUARD_H
#define HOST_GUARD_H

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include "host_clients.h"
#include "host_icmp.h"
#include "host_guarded.h"

#define PASSED_UP (-1000)		/* by XDP, and not counted */

struct guard_message {
	__u32 kind, key;		/* enum message; the receiver's key */
	__u32 sender, receiver;
	__u32 len;			/* length, if not the right one; always for data */
	__u32 junk, header;		/* junk in front, and a header other than WireGuard's */
	__u32 salt;			/* fills the bytes that are not checked */
	__u8 bytes[2000];		/* the finished message */
};

static const struct guarded *at_service;
static __u32 client_number;		/* the sender, and its port */
static __u16 client_port;
static __u16 shown_port;		/* the port under which the backend saw the client last, at `ours` */

/* ---- messages ---- */

static inline void openssl_mac(const __u8 *key, size_t keylen, const void *covered, size_t len, __u8 mac[MAC_LEN])
{
	size_t size = MAC_LEN, written;
	OSSL_PARAM params[] = { OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size), OSSL_PARAM_construct_end() };
	static EVP_MAC_CTX *ctx;

	if (!ctx)
		ctx = EVP_MAC_CTX_new(EVP_MAC_fetch(NULL, "BLAKE2SMAC", NULL));
	assert_int_equal(EVP_MAC_init(ctx, key, keylen, params), 1);
	assert_int_equal(EVP_MAC_update(ctx, covered, len), 1);
	assert_int_equal(EVP_MAC_final(ctx, mac, &written, MAC_LEN), 1);
}

static void openssl_mac1(__u32 n, const __u8 *covered, size_t len, __u8 mac[MAC_LEN])
{
	__u8 label[40] = "mac1----", key[32];
	unsigned int hashed;

	key_bytes(n, label + 8);
	assert_int_equal(EVP_Digest(label, sizeof(label), key, &hashed, EVP_blake2s256(), NULL), 1);
	openssl_mac(key, sizeof(key), covered, len, mac);
}

static __u32 message_len(const struct guard_message *m)
{
	static const __u32 lens[] = { DATA_LEN, INITIATION_LEN, RESPONSE_LEN, COOKIE_LEN, DATA_LEN };

	return m->junk + (m->len ?: lens[m->kind < 5 ? m->kind : 4]);
}

static void put_le32(__u8 *to, __u32 x)
{
	x = htole32(x);
	memcpy(to, &x, sizeof(x));
}

/* Fills in its bytes, with a right mac1 */
static void message_make(struct guard_message *m)
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

static struct guard_message message(__u32 kind, __u32 sender, __u32 receiver)
{
	static __u32 salt;
	struct guard_message m = { .kind = kind, .sender = sender, .receiver = receiver, .salt = ++salt };

	message_make(&m);
	return m;
}

static struct guard_message initiation_for(__u32 key)
{
	struct guard_message m = message(MESSAGE_INITIATION, 0x1000 + key, 0);

	m.key = key;
	message_make(&m);
	return m;
}

static void guard_setup(__u32 flags, __u32 n_keys)
{
	guarded_setup(flags, n_keys);
	at_service = &guarded[0];
	client_number = 0;
	client_port = 40000;
}

#endif
