/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Builds a cookie reply as it goes out on the wire (WireGuard's whitepaper, 5.4.7). cookie.c and
 * the unit tests include it.
 */
#pragma once
#include <linux/types.h>
#include "abi.h"
#include "lib/library.h"

/* Longest frame in bytes: Ethernet, IPv6, UDP, junk and message. A configuration allows more junk
 * than fits here, up to 65,535 bytes, but no UDP datagram has room for that much. */
#define COOKIE_FRAME_MAX 2048

/* Opens libsodium, which cookie_reply() calls. Returns 0, or a negative error after writing the
 * reason to `why`. */
int cookie_open(char why[LIBRARY_WHY_LEN]);
/* Makes a new random secret, from which cookie_of() computes cookies. */
void cookie_secret(struct cookie_key *ret);
/* Computes the cookie for the address and port of the client that sent the challenged message. */
void cookie_of(const struct challenge *c, const struct cookie_key *secret, __u8 ret[MAC_LEN]);
/* Builds the frame of a cookie reply, without MAC addresses and never longer than the challenged
 * message. Returns its length or -errno. */
int cookie_reply(const struct challenge *c, const struct guard *g, const struct public_key *key,
		 const struct cookie_key *secret, __u8 frame[COOKIE_FRAME_MAX]);
