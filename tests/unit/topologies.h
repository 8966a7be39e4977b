/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Topologies in memory, for tests of what they become. To be included after cmocka.h.
 */
#ifndef TOPOLOGIES_H
#define TOPOLOGIES_H

#include "capture_stderr.h"
#include "gen/topology.h"

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
static inline void assert_prefix(const struct prefix *p, const char *wanted)
{
	char text[ADDRESS_STRLEN];

	assert_string_equal(prefix_format(p, text), wanted);
}

static inline char *text_of(const struct topology_state *s)
{
	char *text;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	topology_state_write(s, out);
	fclose(out);
	return text;
}

/* Runs it once; the run must succeed, and keep a readable state */
static inline struct topology *assigned(const char *text, struct topology_state *s)
{
	struct topology_state again = {};
	struct topology *t;
	char *kept;

	assert_int_equal(topology_parse(text, "t.yaml", &t), 0);
	assert_int_equal(topology_assign(t, s), 0);
	kept = text_of(s);
	assert_int_equal(topology_state_parse(kept, "kept", &again), 0);
	topology_state_free(&again);
	free(kept);
	return t;
}

#define assert_has(t, name, what, wanted) assert_address(&host(t, name)->what, wanted)

#endif
