/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Topologies in memory, for tests of what they become. To be included after cmocka.h.
 */
#ifndef TOPOLOGIES_H
#define TOPOLOGIES_H

#include "told.h"
#include "../user/topology.h"

static inline int no_random(void *to, size_t n)
{
	fail_msg("random numbers are not wanted here");
	return -EIO;
}

static inline struct topology_host *host(const struct topology *t, const char *name)
{
	for (size_t i = 0; i < t->n_hosts; i++)
		if (!strcmp(t->hosts[i].name, name))
			return &t->hosts[i];
	fail_msg("no host %s", name);
	return NULL;
}

static inline void assert_address(const struct address *a, const char *wanted)
{
	char text[ADDRESS_STRLEN];

	assert_string_equal(address_format(a, text), wanted);
}
#define assert_has(t, name, what, wanted) assert_address(&host(t, name)->what, wanted)

#endif
