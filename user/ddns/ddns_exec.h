/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Runs the programs that read and write DNS records. Each provider is such a program: that of the
 * administrator (`exec`), or a helper of wgxdp (scripts/ddns/). cmd/, doctor/ and ddns.c include
 * it.
 */
#pragma once
#include <limits.h>
#include "ddns/ddns.h"
#include "lib/paths.h"

#define DDNS_WHY_LEN (PATH_MAX + 256)
#define SECRET_PATH_LEN 384

struct ddns_program {
	char **words;	/* the path and the first arguments, with room for the set's words */
	size_t n;
	bool is_helper; /* it also reads records, and its output has errors and warnings */
	bool secret_open;	/* users other than its owner and group may read the secret */
	/* storage for some of `words` */
	char path[PATH_MAX], secret[SECRET_PATH_LEN], state[VAR_STATE_PATH_LEN], port[8];
};

/* Finds the provider's program, and its file with the key or credentials. Returns 0, or -errno with
 * the error in `why`. The caller frees ret->words in every case. */
int ddns_find_program(const struct ddns_config *c, const char *instance, struct ddns_program *ret,
		      char why[DDNS_WHY_LEN]);
/* Reads the present records of each set. */
void ddns_read(struct ddns_run *run, struct ddns_program *p);
/* For each set with .write that has not failed: replaces its records by one with .wanted. */
void ddns_write(struct ddns_run *run, struct ddns_program *p);
/* Checks that a run could use the provider's key or credentials. Returns 0, or -errno with the
 * error in `why`. The provider exec needs none (0), and a systemd credential that only the daemon
 * has is not checked (0). */
int ddns_check(const struct ddns_config *c, char why[DDNS_WHY_LEN]);
/* Converts a shell file of settings to a configuration with one section ddns, which takes its
 * credentials from the same file. The file is never run. Returns 0, or -errno after printing an
 * error. */
int ddns_import(const char *file, struct config **ret);
