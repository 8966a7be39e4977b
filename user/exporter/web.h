/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The exporter's answers to HTTP requests, independent of the server (server.c): metrics, the
 * status page, and under /api/v1/ what `wgxdp show --json` prints. The files of this room and the
 * fuzz tests include it.
 */
#pragma once
#include <linux/types.h>
#include "config/config.h"
#include "lib/addr.h"

/* ---- the file of web-config ----
 * TLS and passwords, in the format that Prometheus' exporters share. */

#define WEB_SOURCES 64

struct web_user {
	char name[64];
	char hash[64];			/* hash of the password, by bcrypt */
	char *accepted;			/* password that was right; NULL: none yet */
};

struct web_config {
	char *certificate, *key;	/* in PEM; NULL: no TLS */
	struct web_user *users;
	size_t n_users;			/* 0: no password is needed */
	/* The sources whose passwords were checked last, each with the time in ms from which its
	 * next one may be checked. A new source takes the place of the one with the least time. */
	struct web_source {
		struct address from;
		__u64 next_check;
	} sources[WEB_SOURCES];
};

enum web_admission { WEB_ADMITTED, WEB_UNKNOWN, WEB_BUSY };

/* Reads the file, and the files of the certificate and key. Returns 0, or -errno after printing an
 * error. */
int web_config_read(const char *file, struct web_config *ret);
void web_config_free(struct web_config *c);
/* Checks the header Authorization of a request; NULL: it has none. from: the client; family 0: of a
 * Unix socket. now: the time in ms. bcrypt takes a tenth of a second, so it checks one password in
 * a second for each IPv4 address and each /64 of IPv6. An accepted password passes without bcrypt.
 * WEB_BUSY: the client may try again in a second. Several threads may call it. */
enum web_admission web_config_admit(struct web_config *c, const char *authorization,
				    const struct address *from, __u64 now);

/* Most flows on a page; the command `wgxdp show flows` prints any number. */
#define WEB_FLOWS_MAX 1000

struct web {
	const char *instance;
	enum page_for page;
	const struct ddns_text *names;	/* names of this host that a Host header may have */
	size_t n_names;
};

struct web_request {
	/* Method and path of the request, and its Host header; host NULL: none. */
	const char *method, *path, *host;
	bool local;			/* the client is on this host */
	enum web_admission admission;	/* whether the request has the password that it needs */
};

struct web_answer {
	unsigned int status;
	const char *type, *policy; /* media type; value of the header Content-Security-Policy */
	char *text;			/* body, which the caller frees unless it is constant */
	size_t size;
	bool constant;
};

/* Returns whether the answer reads the maps or, as the status does, the configuration. This takes
 * long if they are large. */
bool web_takes_long(const struct web *w, const struct web_request *r);
void web_answer(const struct web *w, const struct web_request *r, struct web_answer *ret);

/* ---- the server ----
 * libmicrohttpd with a thread for each connection. */

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
