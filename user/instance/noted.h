/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Numbers by name that the daemon notes in /run for the metrics, which commands print too. They
 * outlive the daemon, and `down` removes them. The daemon and show/ include it.
 */
#pragma once
#include <linux/types.h>
#include <stddef.h>
#include "net/wireguard.h"

#define NOTED_FILES { "ddns", "endpoints" }

struct note {
	char name[256];			/* without white space */
	__s64 value;
};

struct noted {
	const char *instance, *file;
	struct note *list;
	size_t n;
};

/* Reads a file, one of NOTED_FILES; nothing if there is none */
void noted_read(struct noted *n, const char *instance, const char *file);
/* 0: never noted */
__s64 noted_value(const struct noted *n, const char *name);
void noted_set(struct noted *n, const char *name, __s64 value);
/* Replaces the file. Errors are not reported: the next call writes everything again. */
void noted_write(const struct noted *n);
void noted_free(struct noted *n);
/* The name under which a peer's changes are noted in the file "endpoints" */
#define ENDPOINT_NOTE_LEN (IFNAMSIZ + WG_KEY_STRLEN)
const char *endpoint_note(const char *interface, const struct wg_key *peer,
			  char ret[ENDPOINT_NOTE_LEN]);
