/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads what `wg show IF dump` or `wg show all dump` printed on another host: which peer is at
 * which endpoint. It does not store the private key in it. `show flows` uses it.
 */
#pragma once
#include <stdio.h>
#include "lib/addr.h"
#include "lib/wg_key.h"

struct wg_dump_peer {
	struct address endpoint;
	__be16 port;
	struct wg_key key;
	__u64 handshake;		/* the latest one, in seconds since 1970 */
};

struct wg_dump {
	struct wg_dump_peer *peers;	/* those with an endpoint, sorted by it */
	size_t n;
};

/* Reads a file; "-": standard input. 0, or -errno, reported. */
int wg_dump_read(const char *file, struct wg_dump *ret);
/* Reads a stream, which messages call by name. */
int wg_dump_parse(FILE *in, const char *name, struct wg_dump *ret);
void wg_dump_free(struct wg_dump *d);
/* The peer at this endpoint, or NULL. If several were there: the one with the latest handshake. */
const struct wg_dump_peer *wg_dump_find(const struct wg_dump *d, const struct address *endpoint,
					__be16 port);
