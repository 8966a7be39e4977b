/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What is wrong with a value, and where that value stands in a file. Only the files of config.h include it.
 */
#pragma once
#include "config/config.h"

#define NO_KEY "%s: '%s' is no key of WireGuard's: 44 characters, as `wg pubkey` tells it"
#define PORTS_MAX 1024			/* of a service */
#define PREFIXES_MAX 8192		/* of a service's list */

struct config_place {
	char path[96];			/* as /services/1/listen/ports; what a file may leave out may end it */
	__be16 port;			/* in a list of ports the one that is meant; 0: the list */
};

typedef void config_tell(void *data, const struct config_place *place, const char *text);

/* Sees a valid configuration while the places in its file are known */
struct config_look {
	void (*look)(void *data, const struct config *c, config_tell *tell, void *to);
	void *data;
};
/* As config_read; whatever look finds, the answer is 0 */
int config_read_and_look(const char *file, const struct config_look *look, struct config **ret);

/* Every value on its own, and, where nothing is wrong so far (errors 0), what contradicts. The number of all errors. */
unsigned int config_check_each(const struct config *c, unsigned int errors, config_tell *tell, void *data);

/* The same of a prefix, or an address alone */
const char *prefix_wrong(const char *text);
bool is_interface_name(const char *s);	/* what the kernel takes and a terminal shows */
bool is_service_name(const char *s);
bool is_peer_name(const char *s);	/* it may be the first characters of a key */
/* "51820" or "20000-20010": first and last port */
int ports_parse(const char *text, unsigned int *ret_first, unsigned int *ret_last);
