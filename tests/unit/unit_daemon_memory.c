// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * When memory runs out, an endpoint that is given up ends its lookup, and a knock's program that cannot be started
 * leaves nothing open.
 */
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>
#include <cmocka.h>
#include "daemon/endpoints.h"
#include "daemon/knock.h"
#include "net/lookup.h"

/* Number of allocations until one fails; 0: none fails. */
static int until_failure;
static int lookups;			/* number of running lookups */

void *__real_calloc(size_t n, size_t size);
void *__real_reallocarray(void *p, size_t n, size_t size);

static bool fails(void)
{
	return until_failure && !--until_failure;
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
	return fails() ? NULL : __real_reallocarray(p, n, size);
}

int lookup_start(uv_loop_t *loop, const char *name, lookup_done *done, void *data, struct lookup **ret)
{
	*ret = (struct lookup *)&lookups;
	lookups++;
	return 0;
}

void lookup_cancel(struct lookup *l)
{
	lookups--;
}

static void close_handle(uv_handle_t *handle, void *data)
{
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

static void end_loop(uv_loop_t *loop)
{
	uv_walk(loop, close_handle, NULL);
	uv_run(loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(loop), 0);
}

/* An endpoint that lists have no room for, while the lookup of its name runs */
static void endpoint_without_room(void **state)
{
	struct peer_endpoint_config list[] = { { .interface = "none", .host = "vpn.example.net", .by = PROOF_ECHO } };
	struct config c = { .endpoints = list, .n_endpoints = 1 }, none = { 0 };
	struct endpoints *s;
	uv_loop_t loop;

	uv_loop_init(&loop);
	s = endpoints_new(&loop, "test");
	endpoints_reconfigure(s, &c);
	while (!lookups)
		uv_run(&loop, UV_RUN_ONCE);
	until_failure = 1;
	endpoints_reconfigure(s, &c);
	assert_int_equal(until_failure, 0);
	assert_int_equal(lookups, 0);
	endpoints_reconfigure(s, &none);
	end_loop(&loop);
	free(s);
}

/* A knock, while each of its allocations fails in turn */
static void knock(void **state)
{
	struct ddns_text words[] = { { "/bin/true" }, { "word" } };
	struct learn_config c = { .command = words, .n_command = 2 };
	bool failed = true;
	uv_loop_t loop;

	strcpy(c.user, getpwuid(geteuid())->pw_name);
	for (int n = 1; failed; n++) {
		uv_loop_init(&loop);
		until_failure = n;
		knock_run(&loop, &c);
		failed = !until_failure;
		until_failure = 0;
		uv_run(&loop, UV_RUN_DEFAULT);
		end_loop(&loop);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(endpoint_without_room), cmocka_unit_test(knock) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
