/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Builds a cookie reply as it goes out on the wire (WireGuard's whitepaper, 5.4.7). cookie.c and
 * the unit tests include it.
 */
#pragma once
#include <linux/types.h>
#include <stddef.h>
#include "abi.h"
#include "lib/library.h"

/* Longest frame in bytes: Ethernet, IPv6, UDP, junk before the message, and the message. 65,535
 * bytes of junk do not fit, because no UDP datagram has room for them. */
#define COOKIE_FRAME_MAX 2048

/* Opens libsodium, which cookie_reply() calls. Returns 0, or a negative error and the reason in
 * `why`. */
int cookie_open(char why[LIBRARY_WHY_LEN]);
/* Makes a new secret's state. Returns 0 or -errno. */
int cookie_secret(struct cookie_key *ret);
/* Computes the cookie of the client's address and port. */
void cookie_of(const struct challenge *c, const struct cookie_key *secret, __u8 ret[MAC_LEN]);
/* Builds the whole frame without MAC addresses, never longer than the challenged message. Returns
 * the frame's length or -errno. */
int cookie_reply(const struct challenge *c, const struct guard *g, const struct public_key *key,
		 const struct cookie_key *secret, __u8 frame[COOKIE_FRAME_MAX]);
