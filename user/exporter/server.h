/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The HTTP server of the exporter: libmicrohttpd with a thread for each connection. exporter.c
 * includes it.
 */
#pragma once
#include "exporter/web.h"

struct server;

/* Opens libmicrohttpd and makes a server without a socket. Both arguments stay the caller's and
 * must exist as long as the process. Returns NULL after logging why there is none. */
struct server *server_new(const struct web *web, struct web_config *access);
/* Serves a listening socket, and owns it from now on. Returns 0, or -EKEYREJECTED if the key or
 * certificate is not accepted, or -EIO. */
int server_listen(struct server *s, int fd);
/* Returns a descriptor that poll(2) reports as readable when server_tick() is due. */
int server_wakes(const struct server *s);
/* Ends requests that take too long, and frees answers that are too old. Returns in how many ms it
 * is to be called again; -1: when server_wakes() says so. */
int server_tick(struct server *s);
/* holds: lets no thread read the maps, so that the caller may read. Else lets them go on. */
void server_hold(struct server *s, bool holds);
/* Closes the listening sockets and lets present requests end, for at most a second. */
void server_finish(struct server *s);
