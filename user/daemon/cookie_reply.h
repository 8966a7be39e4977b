/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A cookie reply as it goes out on the wire (WireGuard's whitepaper, 5.4.7).
 */
#pragma once
#include <linux/types.h>
#include <stddef.h>
#include "abi.h"
#include "lib/library.h"

/* Ethernet, IPv6, UDP, junk in front (65,535 bytes would be no UDP datagram), the message */
#define COOKIE_FRAME_MAX 2048

/* Opens libsodium, which cookie_reply() calls. 0, or a negative error and `why` says what is wrong. */
int cookie_open(char why[LIBRARY_WHY_LEN]);
/* The state of a secret that is made here and known to nobody. 0 or -errno. */
int cookie_secret(struct cookie_key *ret);
/* The cookie of a client's address and port */
void cookie_of(const struct challenge *c, const struct cookie_key *secret, __u8 ret[MAC_LEN]);
/* The whole frame, with no MAC addresses in it: its length, or -errno. Never longer than what it answers. */
int cookie_reply(const struct challenge *c, const struct guard *g, const struct public_key *key, const struct cookie_key *secret,
		 __u8 frame[COOKIE_FRAME_MAX]);
