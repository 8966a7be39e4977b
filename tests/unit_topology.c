/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Topologies: what they become, and who keeps what from run to run.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "topologies.h"

static void two_sites(void **state)
{
	struct topology_state s = { .random = no_random };
	struct topology *t;

	assert_int_equal(topology_read("docs/examples/two-sites.yaml", &t), 0);
	assert_int_equal(topology_assign(t, &s), 0);
	assert_int_equal(t->n_sites, 2);
	assert_int_equal(t->n_hosts, 8);
	assert_has(t, "relay", tunnel, "fd12:3456:7899::1");
	assert_has(t, "edge-a1", tunnel, "fd12:3456:7899::1:a");
	assert_has(t, "edge-a2", tunnel, "fd12:3456:7899::1:a");
	assert_has(t, "edge-a1", lan6, "fd12:3456:789a:a::1");
	assert_has(t, "edge-a2", lan6, "fd12:3456:789a:a::2");
	assert_has(t, "server-a2", lan6, "fd12:3456:789a:a::11");
	assert_has(t, "server-a2", mesh, "fd99:e2e::a:11");
	assert_has(t, "server-b1", mesh, "fd99:e2e::b:10");
	assert_int_equal(host(t, "relay")->port, htons(51820));
	assert_int_equal(t->mesh_port, htons(58001));
	assert_int_equal(t->n_dns, 2);
	topology_free(t);
	topology_state_free(&s);
}

static void examples(void **state)
{
	glob_t files;

	assert_int_equal(glob("docs/examples/*.yaml", 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		struct topology_state s = {};
		struct topology *t;

		assert_int_equal(topology_read(files.gl_pathv[i], &t), 0);
		assert_int_equal(topology_assign(t, &s), 0);
		topology_free(t);
		topology_state_free(&s);
	}
	globfree(&files);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_sites),
		cmocka_unit_test(examples),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
