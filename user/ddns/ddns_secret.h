/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads files with secrets, for the providers. Memory with a secret is wiped before it is freed,
 * and no error text contains one.
 */
#pragma once
#include <stdbool.h>

#define SECRET_WHY_LEN 512

/* Reads a file, or, if its name has no slash, systemd's credential of that name
 * ($CREDENTIALS_DIRECTORY). *ret is for secret_free(). *ret_open: others than owner and group may
 * read it. 0, or -errno and the error in why. */
int secret_read(const char *file, char **ret, bool *ret_open, char why[SECRET_WHY_LEN]);
void secret_free(char *text);

struct tsig_key {
	char name[256], secret[256];	/* the secret in base64 */
};
/* Parses the output of tsig-keygen or keymgr -t, or a line ALGORITHM:NAME:SECRET; the algorithm
 * must be hmac-sha256. Returns NULL or the error. */
const char *tsig_parse(const char *text, struct tsig_key *ret);
