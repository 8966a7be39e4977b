/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The file of `exporter: { web-config: FILE }`: TLS and passwords, in the format that Prometheus'
 * exporters share. The files of this room include it.
 */
#pragma once
#include <linux/types.h>
#include "lib/addr.h"

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
