/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * BLAKE2s as OpenSSL computes it. Two tests compare their own with it.
 */
#pragma once
#include <openssl/core_names.h>
#include <openssl/evp.h>

/* out: BLAKE2s-128 of in, under a key of 1 to 32 bytes */
static void openssl_mac(__u8 out[16], const __u8 *key, size_t keylen, const __u8 *in, size_t len)
{
	size_t size = 16, written;
	OSSL_PARAM params[] = { OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &size), OSSL_PARAM_construct_end() };
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "BLAKE2SMAC", NULL);
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);

	assert_int_equal(EVP_MAC_init(ctx, key, keylen, params), 1);
	assert_int_equal(EVP_MAC_update(ctx, in, len), 1);
	assert_int_equal(EVP_MAC_final(ctx, out, &written, 16), 1);
	EVP_MAC_CTX_free(ctx);
	EVP_MAC_free(mac);
}
