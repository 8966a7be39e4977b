/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Checks single values, and defines how errors name the place of a value in its file. Files of
 * config/ include it, and files of other rooms that check a value of a command line or a topology.
 */
#pragma once
#include "config/config.h"
#include "lib/addr.h"

#define PORTS_MAX 1024			/* most ports of a service */
#define PREFIXES_MAX 8192		/* most prefixes in a list of a service */

struct config_place {
	/* Path of the wrong value, such as /services/1/listen/ports; the file may lack its end. */
	char path[96];
	/* Port in a list of ports that is invalid; 0: not a single port. */
	__be16 port;
};

/* Returns what is wrong with a text that is no public key of WireGuard, after "'TEXT' ". */
const char *config_key_wrong(const char *text);

typedef void config_tell(void *data, const struct config_place *place, const char *text);

/* A further check of a valid configuration, for example against this host. inspect() reports errors
 * with tell(to, …). They are printed with their line and column, in the order of the file. */
struct config_inspector {
	void (*inspect)(void *data, const struct config *c, config_tell *tell, void *to);
	void *data;
};
/* Does the same as config_read() and then calls the inspector. Errors that the inspector reports do
 * not change the return value. */
int config_read_and_inspect(const char *file, const struct config_inspector *inspector,
			    struct config **ret);

/* Checks each value and, if there was no error, looks for contradictions between values. Reports
 * each error with tell(data, …). errors: how many errors were reported before. Returns that number
 * plus its own errors. */
unsigned int config_check_each(const struct config *c, unsigned int errors, config_tell *tell,
			       void *data);

/* Checks a prefix or an address. Returns what is wrong with the text, in words that follow it ("is
 * …"), or NULL if it is valid. */
const char *prefix_wrong(const char *text);
/* Returns whether the kernel accepts the name and it is printable. */
bool is_interface_name(const char *s);
bool is_service_name(const char *s);
/* Returns whether the text can name a peer: a name, or the first characters of its key. */
bool is_peer_name(const char *s);
/* Parses a port or a range, such as "51820" or "20000-20010", into its first and last port. Returns
 * 0 or -EINVAL. */
int ports_parse(const char *text, unsigned int *ret_first, unsigned int *ret_last);
/* Returns what is wrong with a text that ports_parse() refused, in words that follow it ("is …"),
 * and what to write instead, such as `like`. */
const char *ports_wrong(const char *text, const char *like);

/* Returns what is wrong with the prefix of an overlay, in words that follow the prefix ("is …");
 * NULL: nothing. */
const char *relay_overlay_wrong(const struct prefix *overlay);
/* Returns what is wrong with a peer's prefix in this overlay; NULL: nothing. The words end with
 * "the overlay", and the caller appends the overlay's prefix. */
const char *relay_prefix_wrong(const struct prefix *prefix, const struct prefix *overlay);
