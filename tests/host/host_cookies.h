/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The cookies of the challenge, made by OpenSSL from the secrets that a daemon would draw.
 */
#ifndef HOST_COOKIES_H
#define HOST_COOKIES_H

#include "host_handshakes.h"

/* Makes all services demand cookies above this rate, a limit as in struct guard. The daemon runs for so many seconds */
static inline struct cookies *cookies_begin(struct guard *g, __u64 each, __u64 burst, __u32 seconds)
{
	__u32 zero = 0;
	struct cookies *c = bpf_map_lookup_elem(&cookies, &zero);
	__u8 secret[32];

	for (int n = 0; n < 2; n++) {
		key_bytes(100 + n, secret);
		blake2s_key(c->secret[n].h, secret, sizeof(secret), MAC_LEN);
	}
	c->alive = host_jiffies + seconds * tick_rate;
	g->flags |= GUARD_CHALLENGE;
	g->challenge_each = each;
	g->challenge_burst = burst;
	return c;
}

/* An initiation with the cookie that the client gets from the n-th secret */
static inline struct guard_message with_cookie(__u32 n)
{
	struct guard_message m = initiation_for(0);
	__u8 input[COOKIE_INPUT] = { 0 }, secret[32], cookie[MAC_LEN];
	struct addr a = client_addr();

	key_bytes(100 + n, secret);
	memcpy(input, &a, 16);
	put_le32(input + 16, client_port);
	openssl_mac(secret, sizeof(secret), input, sizeof(input), cookie);
	openssl_mac(cookie, sizeof(cookie), m.bytes, 132, m.bytes + 132);
	return m;
}

#endif
