/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What `wg show IF dump`, or `wg show all dump`, says on another host: which peer is at which endpoint. The private key in it is
 * not kept.
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
	struct wg_dump_peer *peers;	/* those with an endpoint, by it */
	size_t n;
};

/* FILE, "-": standard input. 0, or -errno, told. */
int wg_dump_read(const char *file, struct wg_dump *ret);
/* From a stream, by that name in messages */
int wg_dump_parse(FILE *in, const char *name, struct wg_dump *ret);
void wg_dump_free(struct wg_dump *d);
/* The peer there, or NULL; where several were, the one whose handshake is the latest */
const struct wg_dump_peer *wg_dump_find(const struct wg_dump *d, const struct address *endpoint, __be16 port);
