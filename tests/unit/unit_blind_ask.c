/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The daemon asks a site of the blind relay whether it has moved, and sends the candidate address a copy, only when
 * it should (user/daemon/blind_ask.c). There are no maps and no WireGuard, and a tick takes no time. The site A has
 * number 1.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "daemon/blind_sites.h"
#include "dataplane/control.h"

#define ROOM 3

static const struct address home = { .addr = { { .b = { [10] = 0xff, 0xff, 10, 7, 1, 2 } } }, .family = FAMILY_IPV4 };
static const struct address candidate = { .addr = { { .b = { [10] = 0xff, 0xff, 198, 51, 100, 66 } } }, .family = FAMILY_IPV4 };

static struct config config = { .blind = { .device = "wg-none" } };
static struct sites *sites;
static struct wg_peer peer;
static size_t n_peers;			/* peers that WireGuard has: 0 or 1 */
static uint64_t after_ms;		/* delay of the timer, or -1: it does not run */
static uv_timer_cb callback;
static struct challenges *challenges;
static char did[64];			/* events in each tick: r for a reading, Q for a question, C for one with a copy */

void control_routing_changed(const char *instance, bool routes)
{
}

int __wrap_wg_read(const char *device, struct wg_device *ret)
{
	ret->peers = &peer;
	ret->n_peers = n_peers;
	strcat(did, "r");
	return 0;
}

void __wrap_wg_free(struct wg_device *d)
{
}

__u32 __wrap_sites_number(const struct sites *s, const struct wg_key *key, bool gone)
{
	return 1;
}

bool __wrap_sites_has_session(const struct sites *s, const struct wg_peer *p)
{
	return p->handshake;
}

void __wrap_sites_ask(const struct sites *s, const struct wg_peer *p, __u32 number)
{
	assert_int_equal(number, 1);
	strcat(did, s->mapped[1].asked ? "C" : "Q");
	s->mapped[1].asked = 0;		/* as the data path does when the question leaves */
}

int __wrap_uv_timer_start(uv_timer_t *timer, uv_timer_cb cb, uint64_t first, uint64_t repeat)
{
	callback = cb;
	after_ms = first;
	return 0;
}

int __wrap_uv_timer_stop(uv_timer_t *timer)
{
	after_ms = -1;
	return 0;
}

static int setup(void **state)
{
	sites = calloc(1, sizeof(*sites));
	sites->config = &config;
	sites->room = ROOM;
	sites->mapped = calloc(ROOM, sizeof(*sites->mapped));
	sites->mapped[1].candidate = candidate.addr;
	sites->mapped[1].candidate_port = htons(1024);
	peer = (struct wg_peer){ .endpoint = home, .endpoint_port = htons(51820), .handshake = 1, .rx_bytes = 1000 };
	n_peers = 1;
	after_ms = -1;
	challenges = challenges_new(uv_default_loop(), sites);
	*did = '\0';
	return 0;
}

static void end_timer(uv_handle_t *handle, void *unused)
{
	uv_close(handle, NULL);
}

static int teardown(void **state)
{
	uv_walk(uv_default_loop(), end_timer, NULL);	/* otherwise the loop would still list timers that are freed below */
	uv_run(uv_default_loop(), UV_RUN_DEFAULT);
	free(challenges);
	free(sites->mapped);
	free(sites);
	return 0;
}

/* So many ticks pass. A dot ends each. */
static void ticks(int n)
{
	static uv_timer_t timer;

	timer.data = challenges;
	while (n--) {
		bool runs = after_ms != (uint64_t)-1;

		after_ms = -1;
		if (runs)
			callback(&timer);
		strcat(did, ".");
	}
}

/* A site that answers after so many ticks is asked; `told` says what happens in each tick. */
static void answers_after(int n, const char *told)
{
	*did = '\0';
	challenges_begin(challenges, 1);
	ticks(n);
	peer.rx_bytes += 128;
	ticks(26 - n);
	if (strncmp(did, told, strlen(told)) || strspn(did + strlen(told), ".") != strlen(did) - strlen(told))
		fail_msg("%s, expected %s", did, told);
	assert_int_equal(sites->mapped[1].asked, 0);
}

static void fast_site(void **state)
{
	answers_after(1, "rQ.r");
	answers_after(2, "rQ.rQ.r");
	answers_after(1, "rQ..r");	/* the longest time counts: two ticks */
}

/* A slow site loses one copy, and then none. */
static void slow_site(void **state)
{
	answers_after(6, "rQ.rQ.rC..r....r");
	answers_after(6, "rQ........r");
	answers_after(9, "rQ........rQ........r");
	answers_after(7, "rQ..........r");	/* ten ticks, which is the most */
	answers_after(21, "rQ..........rQ..........rC..r....");
	answers_after(24, "rQ..........rQ..........rC..r....");
}

static void silent_site(void **state)
{
	answers_after(26, "rQ.rQ.rC..r....r........r......r...");
}

/* The question waits for a handshake, in which the site answers, so a copy would reach a stranger. */
static void no_session(void **state)
{
	peer.handshake = 0;
	answers_after(26, "rQ.rQ.rQ..r....r........r......r...");
	answers_after(6, "rQ.rQ.rQ..r....r");
	answers_after(6, "rQ.rQ.rQ..r....r");	/* the time of a handshake says nothing */
}

/* The answer to a copy says nothing about the time that the site needs. */
static void moved_site(void **state)
{
	peer.endpoint = candidate;
	peer.endpoint_port = htons(1024);
	answers_after(4, "rQ.rQ.rC..r");
	answers_after(26, "rQ.rQ.rC..r....r........r......r...");
}

/* While a copy is to come, another challenge changes nothing. After it, the site is asked again. */
static void another_challenge(void **state)
{
	challenges_begin(challenges, 1);
	ticks(1);
	challenges_begin(challenges, 1);
	ticks(2);
	assert_string_equal(did, "rQ.rQ.rC.");
	challenges_begin(challenges, 1);
	ticks(3);
	assert_string_equal(did, "rQ.rQ.rC.rQ.rQ.rC.");
}

static void peer_is_gone(void **state)
{
	challenges_begin(challenges, 1);
	ticks(1);
	n_peers = 0;
	ticks(3);
	assert_string_equal(did, "rQ.r...");
}

static void stops(void **state)
{
	challenges_begin(challenges, 1);
	ticks(1);
	challenges_stop(challenges);
	ticks(2);
	assert_string_equal(did, "rQ...");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(fast_site, setup, teardown),
		cmocka_unit_test_setup_teardown(slow_site, setup, teardown),
		cmocka_unit_test_setup_teardown(silent_site, setup, teardown),
		cmocka_unit_test_setup_teardown(no_session, setup, teardown),
		cmocka_unit_test_setup_teardown(moved_site, setup, teardown),
		cmocka_unit_test_setup_teardown(another_challenge, setup, teardown),
		cmocka_unit_test_setup_teardown(peer_is_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(stops, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
