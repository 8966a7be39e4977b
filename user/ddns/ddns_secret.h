/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads files with secrets, for the providers of dynamic DNS. Memory that held a secret is
 * overwritten before it is freed, and error texts never contain secrets.
 */
#pragma once
#include <stdbool.h>

#define SECRET_WHY_LEN 512

/* Reads a file with a secret. A name without a slash is that of a systemd credential
 * ($CREDENTIALS_DIRECTORY). *ret: the text, for secret_free(). *ret_open: users other than its
 * owner and group may read it. Returns 0, or -errno with the error in `why`. */
int secret_read(const char *file, char **ret, bool *ret_open, char why[SECRET_WHY_LEN]);
void secret_free(char *text);

struct tsig_key {
	char name[256], secret[256];	/* name of the TSIG key, and its secret in base64 */
};
/* Parses a TSIG key: the output of tsig-keygen or keymgr -t, or a line ALGORITHM:NAME:SECRET. Only
 * hmac-sha256 is allowed. Returns NULL, or what is wrong. */
const char *tsig_parse(const char *text, struct tsig_key *ret);
