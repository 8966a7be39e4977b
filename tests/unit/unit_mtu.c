// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The search for a path's MTU finds the longest packet that passes, also on paths that lose packets, send errors,
 * stay silent or lie. Also the MTU of a WireGuard interface, which pads, over every limit of a path.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "doctor/mtu.h"

/* ---- a path ---- */

static struct path {
	unsigned int limit;		/* the longest packet that passes */
	unsigned int error[2];		/* MTUs of routers before the limit that send errors; 0: none */
	unsigned int lie;		/* the limit that the first router reports instead */
	unsigned int device, overhead;	/* a tunnel: packets are padded, and this much longer */
	unsigned int lost;		/* lost packets out of 100, in both directions together */
	unsigned int left;		/* probes until the time is over; 0: any number */
	unsigned int probes, packets;	/* how many were sent */
	unsigned int random;
} path;

static bool is_lost(void)
{
	path.random = path.random * 1103515245 + 12345;
	return (path.random >> 16) % 100 < path.lost;
}

static unsigned int on_the_wire(unsigned int size)
{
	unsigned int padded = (size + 15) / 16 * 16;

	if (!path.device)
		return size;
	return (padded < path.device ? padded : path.device) + path.overhead;
}

static int probe(void *data, unsigned int size, unsigned int tries, struct mtu_error *error)
{
	unsigned int length = on_the_wire(size);

	assert_ptr_equal(data, &path);
	assert_uint_in_range(size, MTU_SMALL + 1, MTU_MAX);
	assert_uint_in_range(++path.probes, 1, 64);
	if (path.left && !--path.left)
		return -ETIME;
	for (unsigned int i = 0; i < tries; i++) {
		path.packets++;
		if (is_lost())
			continue;
		for (int router = 0; router < 2; router++)
			if (path.error[router] && length > path.error[router]) {
				*error = (struct mtu_error){ .mtu = router ? path.error[1] : path.lie ?: path.error[0], .by.family = FAMILY_IPV4 };
				error->by.addr.b[15] = router + 1;
				return MTU_REPORTED;
			}
		if (length <= path.limit)
			return MTU_PASSED;
	}
	return MTU_LOST;
}

static struct mtu_found search(struct path p, unsigned int top, unsigned int tries)
{
	struct mtu_found found;

	p.random = p.random ?: 1;
	path = p;
	assert_int_equal(mtu_search(probe, &path, top, tries, &found), 0);
	return found;
}

static void finds(void **state)
{
	struct mtu_found f = search((struct path){ .limit = 1500 }, 1500, 3);

	assert_int_equal(f.passes, 1500);
	assert_int_equal(f.fails, 0);
	assert_false(f.silent || f.said);
	assert_int_equal(path.probes, 1);
	for (unsigned int limit = MTU_SMALL; limit < 1500; limit++) {
		f = search((struct path){ .limit = limit }, 1500, 3);
		assert_int_equal(f.passes, limit);
		assert_int_equal(f.fails, limit + 1);
		assert_true(f.silent && !f.said);
		assert_uint_in_range(path.probes, 1, 14);
	}
	f = search((struct path){ .limit = 9000 }, MTU_SMALL, 3);
	assert_int_equal(f.passes, MTU_SMALL);
	assert_int_equal(f.fails, 0);
}

static void believes_errors(void **state)
{
	struct mtu_found f = search((struct path){ .limit = 9000, .error = { 1400 } }, 1500, 3);

	assert_int_equal(f.passes, 1400);
	assert_true(f.said && !f.silent);
	assert_int_equal(f.error.mtu, 1400);
	assert_int_equal(path.probes, 3);
	f = search((struct path){ .limit = 9000, .error = { 1400, 1310 } }, 1500, 3);	/* one after the other */
	assert_int_equal(f.passes, 1310);
	assert_int_equal(f.error.by.addr.b[15], 2);
	assert_false(f.silent);
	f = search((struct path){ .limit = 1300, .error = { 1400 } }, 1500, 3);		/* and then a black hole */
	assert_int_equal(f.passes, 1300);
	assert_true(f.said && f.silent);
	assert_int_equal(f.error.mtu, 1400);
}

/* Probes find the limit, whatever a router reports */
static void is_lied_to(void **state)
{
	static const unsigned int lies[] = { 1, 67, 68, 69, 500, 1399, 1401, 1450, 1500, 65535 };

	for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		struct mtu_found f = search((struct path){ .limit = 9000, .error = { 1400 }, .lie = lies[i] }, 1500, 3);

		assert_int_equal(f.passes, 1400);
		assert_false(f.silent);
	}
}

/* The losses of small packets decide how often each size is tried */
static void mistrusts_losses(void **state)
{
	unsigned int wrong = 0, packets = 0;

	assert_int_equal(mtu_tries(8, 8), 3);
	assert_int_equal(mtu_tries(16, 8), 10);
	assert_int_equal(mtu_tries(10, 1), 12);
	for (unsigned int random = 1; random <= 1000; random++) {
		unsigned int limit = 1000 + random % 480, sent = 0, answered = 0;
		struct mtu_found f;

		path = (struct path){ .lost = 20, .random = random * 7919 };
		for (; sent < 16 && answered < 8; sent++)
			answered += !is_lost();
		f = search((struct path){ .limit = limit, .lost = 20, .random = path.random }, 1500, mtu_tries(sent, answered));
		wrong += f.passes != limit || f.fails != limit + 1 || !f.silent;
		packets += path.packets;
	}
	assert_uint_in_range(wrong, 0, 2);
	assert_uint_in_range(packets / 1000, 20, 120);
}

static void runs_out_of_time(void **state)
{
	struct mtu_found f;

	path = (struct path){ .limit = 1300, .left = 4, .random = 1 };
	assert_int_equal(mtu_search(probe, &path, 1500, 3, &f), -ETIME);
	assert_int_equal(f.passes, 1280);
	assert_int_equal(f.fails, 1390);
}

/* ---- a tunnel ---- */

/* For each limit, the named MTU is right if full packets pass with it, and not with one byte more */
static void names_the_mtu_of_a_tunnel(void **state)
{
	static const unsigned int devices[] = { 1280, 1412, 1420, 1439 }, overheads[] = { 60, 80 };

	assert_int_equal(mtu_overhead(FAMILY_IPV4), 60);
	assert_int_equal(mtu_overhead(FAMILY_IPV6), 80);
	for (size_t i = 0; i < 4 * 2; i++)
		for (unsigned int device = devices[i / 2], overhead = overheads[i % 2], limit = 200; limit <= 1540; limit++) {
			unsigned int right = limit - overhead < device ? limit - overhead : device;
			struct path tunnel = { .limit = limit, .device = device, .overhead = overhead };
			struct mtu_found inside = search(tunnel, device, 3), outside = search((struct path){ .limit = limit }, device + overhead, 3);
			struct mtu_tunnel t = mtu_of_tunnel(device, overhead, &inside, &outside);

			assert_int_equal(t.mtu, right);
			assert_int_equal(t.perhaps, right);
			assert_false(t.fragmented);
			t = mtu_of_tunnel(device, overhead, &inside, NULL);
			assert_uint_in_range(right, t.mtu, t.perhaps);
			assert_uint_in_range(t.perhaps - t.mtu, 0, 15);
			assert_int_equal(t.mtu, inside.passes);
		}
}

static void reports_fragments_and_limits_inside(void **state)
{
	struct mtu_found narrow = search((struct path){ .limit = 9000, .error = { 1400 } }, 1480, 3);
	struct mtu_found whole = search((struct path){ .limit = 1420 }, 1420, 3);
	struct mtu_found hole = search((struct path){ .limit = 1000 }, 1480, 3), wide = search((struct path){ .limit = 1500 }, 1480, 3);
	struct mtu_tunnel t = mtu_of_tunnel(1420, 60, &whole, &narrow);
	struct mtu_found inside;

	assert_true(t.fragmented);			/* a router fragments, or this host, as requested */
	assert_int_equal(t.mtu, 1340);
	t = mtu_of_tunnel(1420, 60, &whole, &hole);
	assert_false(t.fragmented);			/* only these probes disappear */
	assert_int_equal(t.mtu, 1420);
	inside = search((struct path){ .limit = 1312 }, 1420, 3);	/* behind the tunnel, or behind the host at its other end */
	t = mtu_of_tunnel(1420, 60, &inside, &wide);
	assert_int_equal(t.mtu, 1312);
	assert_int_equal(t.perhaps, 1327);
	inside = search((struct path){ .limit = 1313 }, 1420, 3);	/* this is no padding */
	t = mtu_of_tunnel(1420, 60, &inside, &wide);
	assert_int_equal(t.mtu, 1313);
	assert_int_equal(t.perhaps, 1313);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds), cmocka_unit_test(believes_errors), cmocka_unit_test(is_lied_to), cmocka_unit_test(mistrusts_losses),
		cmocka_unit_test(runs_out_of_time), cmocka_unit_test(names_the_mtu_of_a_tunnel), cmocka_unit_test(reports_fragments_and_limits_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
