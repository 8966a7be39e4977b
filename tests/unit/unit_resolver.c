// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The resolver asks for each name again when its TTL ends or a failure's time is over, and chooses the right one of
 * several addresses. This test answers instead of c-ares. An address stays if its family disappears. Also changes of
 * the configuration.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <ares.h>
#include <limits.h>
#include <cmocka.h>
#include "instance/resolver.h"
#include "instance/run_state.h"
#include "capture_stderr.h"
#include "has_text.h"

/* Replaces run_state.c: this test writes nothing */
void run_state_path(char path[RUN_STATE_PATH_LEN], const char *instance, const char *name)
{
	fail();
}

/*
 * ---- replaces c-ares: the linker takes these by --wrap (Makefile). Their channel is a void *, because the type of
 * ares_channel, and where it is const, differs between versions ----
 */

static struct said {			/* a name server's answer about a name */
	const char *name;
	int family, status;
	struct { const char *address; int ttl; } nodes[4];
	int cname_ttl;			/* 0: no CNAME */
} said[4];
static unsigned int asked;		/* questions of the last round */
static bool silent;			/* no question is answered */

static struct question {
	const char *name;
	int family;
	ares_addrinfo_callback callback;
	void *data;
} open_questions[8];
static size_t n_open;

int __wrap_ares_library_init(int flags)
{
	return ARES_SUCCESS;
}

int __wrap_ares_init_options(void **channel, struct ares_options *options, int mask)
{
	*channel = open_questions;
	asked = n_open = 0;
	return ARES_SUCCESS;
}

const char *__wrap_ares_strerror(int status)
{
	return status == ARES_ENODATA ? "no data" : "failed";
}

struct timeval *__wrap_ares_timeout(const void *channel, struct timeval *most, struct timeval *t)
{
	*t = (struct timeval){ .tv_usec = 1000 };
	return t;
}

void __wrap_ares_getaddrinfo(void *channel, const char *name, const char *service, const struct ares_addrinfo_hints *hints,
			     ares_addrinfo_callback callback, void *data)
{
	assert_true(n_open < sizeof(open_questions) / sizeof(open_questions[0]));
	open_questions[n_open++] = (struct question){ name, hints->ai_family, callback, data };
	asked++;
}

static struct ares_addrinfo *info_of(const struct said *s)
{
	struct ares_addrinfo *info = calloc(1, sizeof(*info));
	struct ares_addrinfo_node **at = &info->nodes;

	if (s->cname_ttl) {
		info->cnames = calloc(1, sizeof(*info->cnames));
		info->cnames->ttl = s->cname_ttl;
	}
	for (size_t i = 0; i < sizeof(s->nodes) / sizeof(s->nodes[0]) && s->nodes[i].address; i++) {
		struct sockaddr_in6 *in6 = calloc(1, sizeof(*in6));
		struct sockaddr_in *in = (void *)in6;
		bool v4 = inet_pton(AF_INET, s->nodes[i].address, &in->sin_addr);

		assert_true(v4 || inet_pton(AF_INET6, s->nodes[i].address, &in6->sin6_addr));
		in->sin_family = v4 ? AF_INET : AF_INET6;	/* sin6_family is at the same offset */
		*at = calloc(1, sizeof(**at));
		(*at)->ai_ttl = s->nodes[i].ttl;
		(*at)->ai_family = in->sin_family;
		(*at)->ai_addr = (void *)in6;
		at = &(*at)->ai_next;
	}
	return info;
}

void __wrap_ares_freeaddrinfo(struct ares_addrinfo *info)
{
	while (info->nodes) {
		struct ares_addrinfo_node *next = info->nodes->ai_next;

		free(info->nodes->ai_addr);
		free(info->nodes);
		info->nodes = next;
	}
	free(info->cnames);
	free(info);
}

static void answer(const struct question *q)
{
	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++)
		if (said[i].name && !strcmp(said[i].name, q->name) && said[i].family == q->family) {
			q->callback(q->data, said[i].status, 0, said[i].status ? NULL : info_of(&said[i]));
			return;
		}
	q->callback(q->data, ARES_ENOTFOUND, 0, NULL);
}

void __wrap_ares_process_fd(void *channel, ares_socket_t readable, ares_socket_t writable)
{
	while (n_open && !silent)
		answer(&open_questions[--n_open]);
}

void __wrap_ares_destroy(void *channel)
{
	while (n_open) {
		struct question *q = &open_questions[--n_open];

		q->callback(q->data, ARES_EDESTRUCTION, 0, NULL);
	}
}

/* ---- a loop whose time this test moves, and its results ---- */

static uint64_t skipped_ms;

int clock_gettime(clockid_t clock, struct timespec *t)
{
	int rc = syscall(SYS_clock_gettime, clock, t);

	t->tv_sec += skipped_ms / 1000;
	t->tv_nsec += skipped_ms % 1000 * 1000000;
	if (t->tv_nsec >= 1000000000) {
		t->tv_sec++;
		t->tv_nsec -= 1000000000;
	}
	return rc;
}

static uv_loop_t loop;
static struct resolved_backends answers;
static struct resolver *resolver;
static unsigned int rounds;
static bool moved;			/* in the last round */
static int next_ms;			/* time to the next round; -1: none */
static uint64_t done_at;		/* its end, by the loop's clock */

static void on_done(void *data, bool is_moved)
{
	rounds++;
	moved = is_moved;
	done_at = uv_now(&loop);
	uv_stop(&loop);
}

static void want(const char *ipv4, const char *ipv6)
{
	struct service_config service = { .name = "wg-end" };
	struct config c = { .services = &service, .n_services = 1 };

	strcpy(service.backend.ipv4, ipv4);
	strcpy(service.backend.ipv6, ipv6);
	resolved_backends_match(&answers, &c);
	resolver_reconfigure(resolver);
	next_ms = uv_backend_timeout(&loop);
}

/* Runs the next round at its time */
static void run_round(void)
{
	unsigned int before = rounds;

	skipped_ms += next_ms > 0 ? next_ms : 0;
	uv_update_time(&loop);			/* since 1.45 UV_RUN_ONCE first sleeps, by the time that it read last */
	while (rounds == before)
		uv_run(&loop, UV_RUN_ONCE);
	uv_run(&loop, UV_RUN_NOWAIT);		/* handles that the round closed: until then the loop does not block */
	next_ms = uv_backend_timeout(&loop);
	if (next_ms >= 0)
		next_ms += uv_now(&loop) - done_at;
}

static void on_nothing(uv_timer_t *timer)
{
}

static int set_up_all(void **state)
{
	static uv_timer_t timer;
	int rc = uv_loop_init(&loop);

	resolver = resolver_new(&loop, &answers, on_done, NULL);
	uv_timer_init(&loop, &timer);		/* a loop that never ran does not report its next time */
	uv_timer_start(&timer, on_nothing, 0, 0);
	uv_run(&loop, UV_RUN_NOWAIT);
	return rc ?: !resolver;
}

/* Nothing is known about any name */
static int set_up(void **state)
{
	memset(said, 0, sizeof(said));
	silent = false;
	want("", "");
	return 0;
}

static void is_at(__u8 family, const char *text)
{
	const struct resolved_backend *a = resolved_backends_find(&answers, "wg-end", family);
	char now[ADDRESS_STRLEN];

	assert_non_null(a);
	assert_string_equal(a->address.family ? address_format(&a->address, now) : "", text);
}

/* ---- */

static void ttl(void **state)
{
	static const struct { int ttl[2], cname, seconds; } cases[] = {
		{ { 300, 300 }, 0, 300 }, { { 300, 200 }, 0, 200 }, { { 200, 300 }, 0, 200 }, { { 300, 300 }, 100, 100 },
		{ { 1, 300 }, 0, 1 }, { { 0, 300 }, 0, 30 }, { { -1, -1 }, 0, 30 }, { { 300, 300 }, -1, 30 },
		{ { 3000, 3000 }, 0, 3000 }, { { 3001, INT_MAX }, 0, 3000 }, { { INT_MAX, INT_MAX }, INT_MAX, 3000 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		want("", "");
		said[0] = (struct said){ .name = "wg-end", .family = AF_INET, .cname_ttl = cases[i].cname, .nodes = {
			{ "192.168.1.10", cases[i].ttl[0] }, { "192.168.1.11", cases[i].ttl[1] }, { "2001:db8::10", 5 } } };
		want("wg-end", "");
		run_round();
		is_at(FAMILY_IPV4, "192.168.1.10");
		if (next_ms != cases[i].seconds * 1000)
			fail_msg("TTLs %d and %d, of a CNAME %d: asked again after %d ms", cases[i].ttl[0], cases[i].ttl[1],
				 cases[i].cname, next_ms);
	}
}

static void keeps_its_address(void **state)
{
	said[0] = (struct said){ .name = "wg-end", .family = AF_INET, .nodes = { { "192.168.1.10", 60 }, { "192.168.1.11", 60 } } };
	want("wg-end", "");
	run_round();
	assert_true(moved);
	is_at(FAMILY_IPV4, "192.168.1.10");
	said[0] = (struct said){ .name = "wg-end", .family = AF_INET, .nodes = { { "192.168.1.12", 60 }, { "192.168.1.10", 60 } } };
	run_round();
	assert_false(moved);
	is_at(FAMILY_IPV4, "192.168.1.10");
	said[0] = (struct said){ .name = "wg-end", .family = AF_INET, .nodes = { { "192.168.1.12", 60 }, { "192.168.1.11", 60 } } };
	run_round();
	assert_true(moved);
	is_at(FAMILY_IPV4, "192.168.1.12");
}

/* After 1, 2, 4 … 60 s, while the address stays; an answer ends this */
static void failures(void **state)
{
	static const int seconds[] = { 1, 2, 4, 8, 16, 32, 60, 60 };

	said[0] = (struct said){ .name = "wg-end", .family = AF_INET, .nodes = { { "192.168.1.10", 60 } } };
	want("wg-end", "");
	run_round();
	said[0].status = ARES_ESERVFAIL;
	for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
		run_round();
		assert_false(moved);
		assert_int_equal(next_ms, seconds[i] * 1000);
		is_at(FAMILY_IPV4, "192.168.1.10");
	}
	resolver_retry_soon(resolver);
	assert_uint_in_range(uv_backend_timeout(&loop), 0, 1000);
	next_ms = 1000;
	said[0].status = ARES_SUCCESS;
	run_round();
	assert_int_equal(next_ms, 60000);
	said[0].status = ARES_ESERVFAIL;
	run_round();
	assert_int_equal(next_ms, 1000);
}

/* An address that no host can have is no answer, and no reason to forget one */
static void not_of_hosts(void **state)
{
	static const char *const bad[] = { "0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255" };
	static const char *const bad6[] = { "::", "::1", "fe80::1", "ff02::1", "::ffff:192.168.1.11" };
	struct captured t;

	said[0] = (struct said){ .name = "wg-end", .family = AF_INET, .nodes = { { "192.168.1.10", 60 } } };
	said[1] = (struct said){ .name = "wg-end", .family = AF_INET6, .nodes = { { "2001:db8::10", 60 } } };
	want("wg-end", "wg-end");
	run_round();
	for (size_t i = 0; i < sizeof(bad6) / sizeof(bad6[0]); i++) {
		said[0].nodes[0].address = bad[i % (sizeof(bad) / sizeof(bad[0]))];
		said[1].nodes[0].address = bad6[i];
		capture_stderr(&t);
		run_round();
		release_stderr(&t);
		if (!i) {				/* the warning names them */
			has(t.text, "wg-end: no IPv4 address was found (the answer is 0.0.0.0, which wgxdp cannot use)");
			has(t.text, "the answer is ::, which wgxdp cannot use");
		}
		assert_false(moved);
		is_at(FAMILY_IPV4, "192.168.1.10");
		is_at(FAMILY_IPV6, "2001:db8::10");
	}
	said[0].nodes[1].address = "192.168.1.11";	/* behind an impossible one */
	run_round();
	is_at(FAMILY_IPV4, "192.168.1.11");
	said[0].nodes[1].address = NULL;		/* also if there was none before */
	want("", "");
	want("wg-end", "");
	capture_stderr(&t);
	run_round();
	release_stderr(&t);
	has(t.text, "wg-end: no IPv4 address was found (the answer is 0.0.0.0, which wgxdp cannot use)");
}

/* A name loses its addresses of one family: the last answer of that family stays, and the other family is followed */
static void family_disappears(void **state)
{
	said[0] = (struct said){ .name = "wg-end", .family = AF_INET, .nodes = { { "192.168.1.10", 30 } } };
	said[1] = (struct said){ .name = "wg-end", .family = AF_INET6, .nodes = { { "2001:db8::10", 30 } } };
	want("wg-end", "wg-end");
	run_round();
	assert_int_equal(asked, 2);
	said[0].nodes[0].address = "192.168.1.11";
	said[1].status = ARES_ENODATA;
	run_round();
	assert_int_equal(asked, 2);
	assert_true(moved);
	is_at(FAMILY_IPV4, "192.168.1.11");
	is_at(FAMILY_IPV6, "2001:db8::10");
	run_round();
	assert_int_equal(asked, 1);			/* the failed one, after a second */
	said[1] = (struct said){ .name = "wg-end", .family = AF_INET6, .nodes = { { "2001:db8::11", 30 } } };
	run_round();
	is_at(FAMILY_IPV6, "2001:db8::11");
	want("wg-end", "");				/* also without the configuration */
	run_round();
	assert_int_equal(asked, 1);
	assert_null(resolved_backends_find(&answers, "wg-end", FAMILY_IPV6));
	is_at(FAMILY_IPV4, "192.168.1.11");
}

/* The configuration changes while a question is open, whose answer is then ignored */
static void changes_meanwhile(void **state)
{
	unsigned int before;

	said[0] = (struct said){ .name = "wg-end", .family = AF_INET, .nodes = { { "192.168.1.10", 60 } } };
	said[1] = (struct said){ .name = "other", .family = AF_INET, .nodes = { { "192.168.1.11", 60 } } };
	silent = true;
	want("other", "");
	while (!n_open)
		uv_run(&loop, UV_RUN_ONCE);
	want("wg-end", "");
	silent = false;
	before = rounds;
	while (rounds < before + 2)			/* at once, one after the other */
		run_round();
	assert_int_equal(rounds, before + 2);
	assert_true(moved);
	assert_null(resolved_backends_find(&answers, "other", FAMILY_IPV4));
	is_at(FAMILY_IPV4, "192.168.1.10");
}

/* Like commands: within their time limit, and if requested only for names without an answer */
static void once(void **state)
{
	struct resolved_backends all = { 0 };
	time_t started;

	said[0] = (struct said){ .name = "wg-end", .family = AF_INET, .nodes = { { "192.168.1.10", 60 } } };
	want("wg-end", "2001:db8::10");
	all = answers;
	answers = (struct resolved_backends){ 0 };
	silent = true;
	assert_false(resolver_once(&all, true, 50));
	assert_false(all.list[0].address.family);
	silent = false;
	started = time(NULL);
	assert_true(resolver_once(&all, true, 30000));
	assert_true(all.list[0].address.family);
	assert_false(resolver_once(&all, false, 30000));
	said[0].nodes[0].address = "192.168.1.11";
	assert_false(resolver_once(&all, true, 30000));	/* has one */
	assert_true(resolver_once(&all, false, 30000));
	assert_int_equal(all.list[0].address.addr.b[15], 11);
	assert_uint_in_range(time(NULL) - started, 0, 20);
	answers = all;
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(ttl), TEST(keeps_its_address), TEST(failures), TEST(not_of_hosts), TEST(family_disappears),
		TEST(changes_meanwhile), TEST(once),
	};

	return cmocka_run_group_tests(tests, set_up_all, NULL);
}
