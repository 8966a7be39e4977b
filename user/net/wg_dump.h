/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads which peer has which endpoint from the output of `wg show IF dump` or `wg show all dump`,
 * which may come from another host. It does not store the private key. `show flows` uses it.
 */
#pragma once
#include <stdio.h>
#include "lib/addr.h"
#include "lib/wg_key.h"

struct wg_dump_peer {
	struct address endpoint;
	__be16 port;
	struct wg_key key;
	__u64 handshake;	/* latest handshake, in seconds since 1970; 0: none */
};

struct wg_dump {
	struct wg_dump_peer *peers;	/* those with an endpoint, sorted by endpoint */
	size_t n;
};

/* Reads a file ("-": standard input). Returns 0, or -errno after printing an error. */
int wg_dump_read(const char *file, struct wg_dump *ret);
/* Reads a stream. Error messages call it `name`. */
int wg_dump_parse(FILE *in, const char *name, struct wg_dump *ret);
void wg_dump_free(struct wg_dump *d);
/* Returns the peer with this endpoint, of several the one with the latest handshake; NULL: none. */
const struct wg_dump_peer *wg_dump_find(const struct wg_dump *d, const struct address *endpoint,
					__be16 port);
