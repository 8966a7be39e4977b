// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The cookie reply has right headers and checksums, and independent code decrypts its contents. OpenSSL's
 * ChaCha20-Poly1305 decrypts them, with HChaCha20 from the draft (tried on its vector first). OpenSSL's BLAKE2s gives
 * the cookie and the key. IPv4 and IPv6, with AmneziaWG's type word and junk. The reply is never longer than its
 * initiation.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <cmocka.h>
#include "daemon/tasks.h"
#include "blake2s.h"
#include "openssl_mac.h"

/* ---- independent implementations ---- */

static __u32 word(const __u8 *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (__u32)p[3] << 24;
}

static __u32 rotate(__u32 x, int n)
{
	return x << n | x >> (32 - n);
}

static void quarter(__u32 *a, __u32 *b, __u32 *c, __u32 *d)
{
	*a += *b, *d = rotate(*d ^ *a, 16);
	*c += *d, *b = rotate(*b ^ *c, 12);
	*a += *b, *d = rotate(*d ^ *a, 8);
	*c += *d, *b = rotate(*b ^ *c, 7);
}

/* draft-irtf-cfrg-xchacha, 2.2 */
static void hchacha20(__u8 out[32], const __u8 key[32], const __u8 in[16])
{
	__u32 s[16] = { 0x61707865, 0x3320646e, 0x79622d32, 0x6b206574 };

	for (int i = 0; i < 8; i++)
		s[4 + i] = word(key + 4 * i);
	for (int i = 0; i < 4; i++)
		s[12 + i] = word(in + 4 * i);
	for (int i = 0; i < 10; i++) {
		for (int j = 0; j < 4; j++)
			quarter(&s[j], &s[4 + j], &s[8 + j], &s[12 + j]);
		for (int j = 0; j < 4; j++)
			quarter(&s[j], &s[4 + (j + 1) % 4], &s[8 + (j + 2) % 4], &s[12 + (j + 3) % 4]);
	}
	for (int i = 0; i < 8; i++)
		for (int j = 0; j < 4; j++)
			out[4 * i + j] = s[i < 4 ? i : 8 + i] >> 8 * j;
}

/* The draft's 2.2.1 */
static void draft_vector(void **state)
{
	static const __u8 in[16] = { 0, 0, 0, 9, 0, 0, 0, 0x4a, 0, 0, 0, 0, 0x31, 0x41, 0x59, 0x27 }, expected[32] = {
		0x82, 0x41, 0x3b, 0x42, 0x27, 0xb2, 0x7b, 0xfe, 0xd3, 0x0e, 0x42, 0x50, 0x8a, 0x87, 0x7d, 0x73,
		0xa0, 0xf9, 0xe4, 0xd5, 0x8a, 0x74, 0xa8, 0x53, 0xc1, 0x2e, 0xc4, 0x13, 0x26, 0xd3, 0xec, 0xdc };
	__u8 key[32], out[32];

	for (int i = 0; i < 32; i++)
		key[i] = i;
	hchacha20(out, key, in);
	assert_memory_equal(out, expected, 32);
}

/* Decrypts; returns whether key and data match */
static bool decrypted(__u8 out[16], const __u8 key[32], const __u8 nonce[24], const __u8 *box, const __u8 aad[16])
{
	__u8 subkey[32], rest[12] = { 0 };
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n;
	bool right;

	hchacha20(subkey, key, nonce);
	memcpy(rest + 4, nonce + 16, 8);
	assert_int_equal(EVP_DecryptInit_ex(ctx, EVP_chacha20_poly1305(), NULL, subkey, rest), 1);
	assert_int_equal(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, 16, (void *)(box + 16)), 1);
	assert_int_equal(EVP_DecryptUpdate(ctx, NULL, &n, aad, 16), 1);
	assert_int_equal(EVP_DecryptUpdate(ctx, out, &n, box, 16), 1);
	right = EVP_DecryptFinal_ex(ctx, out + n, &n) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return right;
}

static __u16 sum(const __u8 *p, size_t n, __u32 s)
{
	for (size_t i = 0; i < n; i += 2)
		s += p[i] << 8 | (i + 1 < n ? p[i + 1] : 0);
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

/* ---- a challenge ---- */

static const __u8 secret[32] = "a secret of thirty-two bytes ..";
static struct public_key public;
static struct cookie_key state_of_secret;

static struct challenge challenge(bool ipv4)
{
	struct challenge c = { .client_port = htons(51821), .local_port = htons(443), .ifindex = 7, .id = 3, .index = 0x44332211 };

	inet_pton(AF_INET6, ipv4 ? "::ffff:198.51.100.7" : "2001:db8:1::7", c.client.b);
	inet_pton(AF_INET6, ipv4 ? "::ffff:203.0.113.2" : "2001:db8::2", c.local.b);
	for (int i = 0; i < MAC_LEN; i++)
		c.mac1[i] = 0xa0 + i;
	return c;
}

static struct guard guard(const char *junk_type)
{
	struct guard g = { .header = { htole32(1), htole32(2), htole32(3), htole32(4) } };

	if (*junk_type) {
		g.header[2] = htole32(0x12345678);
		g.junk[0] = 40;
		g.junk[2] = 37;
	}
	return g;
}

static int setup(void **state)
{
	char why[LIBRARY_WHY_LEN];

	if (cookie_open(why)) {
		puts(why);
		return -1;
	}
	for (size_t i = 0; i < sizeof(public.b); i++)
		public.b[i] = 3 * i;
	blake2s_key(state_of_secret.h, secret, sizeof(secret), MAC_LEN);
	return 0;
}

/* Opens the message like a client, and returns the cookie */
static void open_message(const __u8 *m, const struct challenge *c, const struct guard *g, __u8 cookie[16])
{
	__u8 label[40] = "cookie--", key[32], wrong[16];
	unsigned int n = 32;

	memcpy(label + 8, public.b, 32);
	assert_int_equal(EVP_Digest(label, sizeof(label), key, &n, EVP_blake2s256(), NULL), 1);
	assert_memory_equal(m, &g->header[2], 4);
	assert_memory_equal(m + 4, &c->index, 4);
	memcpy(wrong, c->mac1, 16);
	wrong[15] ^= 1;
	assert_false(decrypted(cookie, key, m + 8, m + 32, wrong));
	assert_true(decrypted(cookie, key, m + 8, m + 32, c->mac1));
}

static void assert_headers(const __u8 *frame, int n, const struct challenge *c, bool ipv4)
{
	const __u8 *ip = frame + 14, *udp = ip + (ipv4 ? 20 : 40);
	__u16 len = frame + n - udp;

	assert_int_equal(frame[12] << 8 | frame[13], ipv4 ? 0x0800 : 0x86dd);
	assert_int_equal(ip[0] >> 4, ipv4 ? 4 : 6);
	assert_int_equal(ipv4 ? ip[2] << 8 | ip[3] : 40 + (ip[4] << 8 | ip[5]), n - 14);
	assert_int_equal(ipv4 ? ip[8] : ip[7], 64);
	assert_int_equal(ipv4 ? ip[9] : ip[6], 17);
	assert_memory_equal(ipv4 ? ip + 12 : ip + 8, c->local.b + 12 * ipv4, ipv4 ? 4 : 16);
	assert_memory_equal(ipv4 ? ip + 16 : ip + 24, c->client.b + 12 * ipv4, ipv4 ? 4 : 16);
	if (ipv4)
		assert_int_equal(sum(ip, 20, 0), 0xffff);
	assert_memory_equal(udp, &c->local_port, 2);
	assert_memory_equal(udp + 2, &c->client_port, 2);
	assert_int_equal(udp[4] << 8 | udp[5], len);
	assert_int_not_equal(udp[6] | udp[7], 0);
	assert_int_equal(sum(udp, len, sum(ipv4 ? ip + 12 : ip + 8, ipv4 ? 8 : 32, 17 + len)), 0xffff);
}

static void assert_reply(bool ipv4, const char *junk)
{
	struct challenge c = challenge(ipv4);
	struct guard g = guard(junk);
	__u8 frame[COOKIE_FRAME_MAX], input[20], cookie[16], expected[16], other[COOKIE_FRAME_MAX];
	int n = cookie_reply(&c, &g, &public, &state_of_secret, frame), headers = 14 + (ipv4 ? 20 : 40) + 8;

	assert_int_equal(n, headers + g.junk[2] + 64);
	assert_headers(frame, n, &c, ipv4);
	open_message(frame + headers + g.junk[2], &c, &g, cookie);
	memcpy(input, c.client.b, 16);
	memcpy(input + 16, (__u8[]){ 51821 & 0xff, 51821 >> 8, 0, 0 }, 4);
	openssl_mac(expected, secret, 32, input, sizeof(input));
	assert_memory_equal(cookie, expected, 16);
	assert_int_equal(cookie_reply(&c, &g, &public, &state_of_secret, other), n);
	assert_memory_not_equal(frame + headers + g.junk[2] + 8, other + headers + g.junk[2] + 8, 24);	/* another nonce */
	if (g.junk[2])
		assert_memory_not_equal(frame + headers, other + headers, g.junk[2]);
}

static void replies(void **state)
{
	for (int ipv4 = 0; ipv4 < 2; ipv4++) {
		assert_reply(ipv4, "");
		assert_reply(ipv4, "junk");
	}
}

/* Checksums of many packets, also those that would be 0 */
static void sums(void **state)
{
	struct challenge c = challenge(false);
	struct guard g = guard("");
	__u8 frame[COOKIE_FRAME_MAX];

	for (int i = 0; i < 200000; i++) {
		c.index = i;
		assert_headers(frame, cookie_reply(&c, &g, &public, &state_of_secret, frame), &c, false);
	}
}

static void never_longer(void **state)
{
	struct challenge c = challenge(true);
	struct guard g = guard("");
	__u8 frame[COOKIE_FRAME_MAX];

	g.junk[2] = INITIATION_LEN - COOKIE_LEN;
	assert_true(cookie_reply(&c, &g, &public, &state_of_secret, frame) > 0);
	g.junk[2]++;
	assert_true(cookie_reply(&c, &g, &public, &state_of_secret, frame) < 0);
	g.junk[0] = g.junk[2] = 1280;
	assert_true(cookie_reply(&c, &g, &public, &state_of_secret, frame) > 0);
	g.junk[0] = g.junk[2] = 65535;
	assert_true(cookie_reply(&c, &g, &public, &state_of_secret, frame) < 0);
}

/* AmneziaWG 2.0: the reply has any header of the range */
static void header_range(void **state)
{
	struct challenge c = challenge(true);
	struct guard g = guard("");
	__u8 frame[COOKIE_FRAME_MAX];
	__u32 header, seen = 0;

	g.header[2] = htole32(0xfffffffe);
	g.span[2] = 1;
	for (int i = 0; i < 64; i++) {
		assert_true(cookie_reply(&c, &g, &public, &state_of_secret, frame) > 0);
		memcpy(&header, frame + 42, sizeof(header));
		assert_uint_in_range(le32toh(header), 0xfffffffe, 0xffffffff);
		seen |= 1 << (le32toh(header) & 1);
	}
	assert_int_equal(seen, 3);
	g.header[2] = htole32(1);
	g.span[2] = 0xfffffffe;
	assert_true(cookie_reply(&c, &g, &public, &state_of_secret, frame) > 0);
}

static void secrets_differ(void **state)
{
	struct challenge c = challenge(true);
	struct cookie_key a, b;
	__u8 one[16], other[16];

	cookie_secret(&a);
	cookie_secret(&b);
	cookie_of(&c, &a, one);
	cookie_of(&c, &b, other);
	assert_memory_not_equal(one, other, 16);
	c.client_port++;
	cookie_of(&c, &a, other);
	assert_memory_not_equal(one, other, 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(draft_vector), cmocka_unit_test(replies), cmocka_unit_test(sums), cmocka_unit_test(never_longer), cmocka_unit_test(header_range),
		cmocka_unit_test(secrets_differ),
	};

#ifndef WITH_SODIUM
	puts("needs libsodium, which this program is built without");
	return 77;
#endif
	return cmocka_run_group_tests(tests, setup, NULL);
}
