// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * BLAKE2s and WireGuard's mac1 agree with RFC 7693's vectors (appendices B and E), and with OpenSSL's BLAKE2SMAC for
 * every length up to 200. Also the data path's program, run by this kernel (BPF_PROG_TEST_RUN, root): it finds which
 * of 1, 8 and 64 keys an initiation was made for. BLAKE2S_TIME=1 prints how long that takes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <cmocka.h>
#include "blake2s.h"
#include "openssl_mac.h"
#include "tests/blake2s.skel.h"

static void numbers(__u8 *to, __u32 n, __u32 seed)	/* as in the RFC's self-test: Fibonacci's */
{
	__u32 a = 0xdead4bad * seed, b = 1;

	for (__u32 i = 0; i < n; i++) {
		__u32 sum = a + b;

		a = b;
		b = sum;
		to[i] = sum >> 24;
	}
}

static void abc(void **state)
{
	static const __u8 expected[32] = {
		0x50, 0x8c, 0x5e, 0x8c, 0x32, 0x7c, 0x14, 0xe2, 0xe1, 0xa7, 0x2b, 0xa3, 0x4e, 0xeb, 0x45, 0x2f,
		0x37, 0x45, 0x8b, 0x20, 0x9e, 0xd6, 0x3a, 0x29, 0x4d, 0x99, 0x9b, 0x4c, 0x86, 0x67, 0x59, 0x82 };
	__u8 out[32];

	blake2s(out, 32, NULL, 0, "abc", 3);
	assert_memory_equal(out, expected, 32);
}

static void appendix_e(void **state)
{
	static const __u8 expected[32] = {
		0x6a, 0x41, 0x1f, 0x08, 0xce, 0x25, 0xad, 0xcd, 0xfb, 0x02, 0xab, 0xa6, 0x41, 0x45, 0x1c, 0xec,
		0x53, 0xc5, 0x98, 0xb2, 0x4f, 0x4f, 0xc7, 0x87, 0xfb, 0xdc, 0x88, 0x79, 0x7f, 0x4c, 0x1d, 0xfe };
	static const __u32 outs[] = { 16, 20, 28, 32 }, ins[] = { 0, 3, 64, 65, 255, 1024 };
	__u8 all[4 * 6 * 2 * 32], in[1024], key[32], hash[32];
	__u32 n = 0;

	for (int i = 0; i < 4; i++)
		for (int j = 0; j < 6; j++) {
			numbers(in, ins[j], ins[j]);
			blake2s(all + n, outs[i], NULL, 0, in, ins[j]);
			n += outs[i];
			numbers(key, outs[i], outs[i]);
			blake2s(all + n, outs[i], key, outs[i], in, ins[j]);
			n += outs[i];
		}
	blake2s(hash, 32, NULL, 0, all, n);
	assert_memory_equal(hash, expected, 32);
}

static void as_openssl(void **state)
{
	__u8 key[32], in[200], out[16], expected[16];

	numbers(key, 32, 5);
	numbers(in, 200, 7);
	for (__u32 keylen = 16; keylen <= 32; keylen += 16)
		for (__u32 len = 0; len <= 200; len++) {
			blake2s(out, 16, key, keylen, in, len);
			openssl_mac(expected, key, keylen, in, len);
			assert_memory_equal(out, expected, 16);
		}
}

static void mac1_key(__u8 key[32], __u32 n)
{
	__u8 label[40] = "mac1----";

	numbers(label + 8, 32, n + 1);	/* the responder's public key */
	blake2s(key, 32, NULL, 0, label, 40);
}

/* Like the data path: the key's state, then one or two blocks */
static void mac1(void **state)
{
	__u8 key[32], label[40] = "mac1----", hash[32], in[116], expected[16];
	struct blake2s_work w;

	numbers(label + 8, 32, 4);
	assert_int_equal(EVP_Digest(label, 40, hash, NULL, EVP_blake2s256(), NULL), 1);
	mac1_key(key, 3);
	assert_memory_equal(key, hash, 32);
	numbers(in, 116, 9);
	blake2s_key(w.h, key, 32, 16);
	blake2s_block(&w, in, 64, 128, 0);
	blake2s_block(&w, in + 64, 52, 180, 1);
	openssl_mac(expected, hash, 32, in, 116);	/* an initiation */
	assert_memory_equal(w.h, expected, 16);
	blake2s_key(w.h, key, 32, 16);
	blake2s_block(&w, in, 60, 124, 1);
	openssl_mac(expected, hash, 32, in, 60);	/* a response */
	assert_memory_equal(w.h, expected, 16);
}

/* ---- the data path's ---- */

static __u32 run(struct blake2s *b, __u8 *message, __u32 repeat, __u32 *ns)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = message, .data_size_in = 148, .repeat = repeat);

	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(b->progs.mac1), &opts), 0);
	if (opts.duration < *ns)
		*ns = opts.duration;
	return opts.retval;
}

static void in_kernel(void **state)
{
	static const __u32 counts[] = { 1, 8, 64 };
	struct blake2s *b = blake2s__open();
	__u8 key[32], message[148];
	__u32 h[8], ns = -1;

	assert_non_null(b);
	assert_int_equal(blake2s__load(b), 0);
	for (__u32 i = 0; i < 64; i++) {
		mac1_key(key, i);
		blake2s_key(h, key, 32, 16);
		assert_int_equal(bpf_map_update_elem(bpf_map__fd(b->maps.keys), &i, h, 0), 0);
	}
	numbers(message, 148, 11);
	for (int i = 0; i < 3; i++) {
		b->bss->n_keys = counts[i];
		for (__u32 k = 0; k < 65; k++) {	/* the 65th key is not in the list */
			mac1_key(key, k);
			openssl_mac(message + 116, key, 32, message, 116);
			assert_int_equal(run(b, message, 1, &ns), k < counts[i] ? k + 1 : 0);
			message[116 + k % 16] ^= 1;
			assert_int_equal(run(b, message, 1, &ns), 0);
		}
		ns = -1;
		for (int k = 0; getenv("BLAKE2S_TIME") && k < 100; k++)
			run(b, message, 2000 / counts[i], &ns);
		if (getenv("BLAKE2S_TIME"))
			printf("%u keys: %u ns\n", counts[i], ns);
	}
	blake2s__destroy(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(abc), cmocka_unit_test(appendix_e), cmocka_unit_test(as_openssl), cmocka_unit_test(mac1),
		cmocka_unit_test(in_kernel),
	};

	if (geteuid()) {
		printf("needs root\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
