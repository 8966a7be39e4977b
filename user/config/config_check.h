/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Checks of single values, and the place of a value in its file. Files of config/ include it, and
 * those of other rooms that check a value of a command line or a topology.
 */
#pragma once
#include "config/config.h"

#define NO_KEY "%s: '%s' is not a WireGuard key (%zu characters): copy all 44 characters that " \
	"`wg pubkey` prints, with the '=' at their end"
#define PORTS_MAX 1024			/* per service */
#define PREFIXES_MAX 8192		/* per list of a service */

struct config_place {
	char path[96];	/* such as /services/1/listen/ports; the file may omit the end of it */
	__be16 port;			/* the port meant, in a list of ports; 0: the whole list */
};

typedef void config_tell(void *data, const struct config_place *place, const char *text);

/* inspect() receives a valid configuration while the places in its file are known. */
struct config_inspector {
	void (*inspect)(void *data, const struct config *c, config_tell *tell, void *to);
	void *data;
};
/* As config_read; what inspect() reports does not change the return value. */
int config_read_and_inspect(const char *file, const struct config_inspector *inspector,
			    struct config **ret);

/* Checks each value on its own, then contradictions if there were no errors so far, `errors`
 * included. Returns the number of all errors. */
unsigned int config_check_each(const struct config *c, unsigned int errors, config_tell *tell,
			       void *data);

/* Returns what is wrong with a prefix, or an address without a length ("is …"); NULL: nothing. */
const char *prefix_wrong(const char *text);
bool is_interface_name(const char *s);	/* the kernel accepts it and a terminal can show it */
bool is_service_name(const char *s);
bool is_peer_name(const char *s);	/* may be the first characters of a key */
/* Parses "51820" or "20000-20010" into the first and the last port. */
int ports_parse(const char *text, unsigned int *ret_first, unsigned int *ret_last);
/* Returns what is wrong with a text that is neither ("is …"), and what to write, such as `like`. */
const char *ports_wrong(const char *text, const char *like);
