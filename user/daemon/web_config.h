/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The file of `exporter: { web-config: FILE }`: TLS and passwords, in the format that Prometheus'
 * exporters share. exporter.c includes it.
 */
#pragma once
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

struct web_user {
	char name[64];
	char hash[64];			/* hash of the password, by bcrypt */
	char *accepted;			/* password that was right; NULL: none yet */
};

struct web_config {
	char *certificate, *key;	/* in PEM; NULL: no TLS */
	struct web_user *users;
	size_t n_users;			/* 0: no password is needed */
	__u64 next_check;		/* time in ms at which the next password may be checked */
};

enum web_admission { WEB_ADMITTED, WEB_UNKNOWN, WEB_BUSY };

/* Reads the file, and the files of the certificate and key. Returns 0, or -errno after printing an
 * error. */
int web_config_read(const char *file, struct web_config *ret);
void web_config_free(struct web_config *c);
/* Returns whether both ask for the same certificate, key, users and passwords. */
bool web_config_equal(const struct web_config *a, const struct web_config *b);
/* Checks the header Authorization of a request; NULL: it has none. now: the time in ms. bcrypt
 * takes a tenth of a second, so it checks one password in a second. An accepted password passes
 * without bcrypt. WEB_BUSY: the client may try again in a second. */
enum web_admission web_config_admit(struct web_config *c, const char *authorization, __u64 now);
