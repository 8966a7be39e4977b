/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Files with secrets: read whole, and forgotten as soon as they are not needed. Nothing here tells what stands in them.
 */
#pragma once
#include <stdbool.h>

#define SECRET_WHY_LEN 512

/* A file, or where its name has no slash the credential of systemd's of that name ($CREDENTIALS_DIRECTORY). *ret is for
 * secret_free(), and ret_open: others than owner and group may read it. 0, or -errno, and why in words. */
int secret_read(const char *file, char **ret, bool *ret_open, char why[SECRET_WHY_LEN]);
void secret_free(char *text);

struct tsig_key {
	char name[256], secret[256];	/* the latter in base64 */
};
/* What tsig-keygen, keymgr -t or a line ALGORITHM:NAME:SECRET says; the algorithm is hmac-sha256. NULL, or what is wrong. */
const char *tsig_parse(const char *text, struct tsig_key *ret);
