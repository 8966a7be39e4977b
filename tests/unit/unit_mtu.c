// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The search for the longest packet that passes, on paths that lose, tell, keep quiet and lie; what follows for an interface of WireGuard,
 * which pads, over every limit of a path; and the line MTU = N in wg-quick's file.
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
	unsigned int limit;		/* what passes */
	unsigned int told[2];		/* MTUs of routers before it that tell; 0: none */
	unsigned int lie;		/* what the first says instead */
	unsigned int device, overhead;	/* a tunnel: what is sent is padded, and this longer */
	unsigned int lost;		/* of 100 packets, there and back together */
	unsigned int left;		/* probes until there is no time left; 0: any number */
	unsigned int probes, packets;	/* that were sent */
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

static int probe(void *data, unsigned int size, unsigned int tries, struct mtu_told *told)
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
			if (path.told[router] && length > path.told[router]) {
				*told = (struct mtu_told){ .mtu = router ? path.told[1] : path.lie ?: path.told[0], .by.family = FAMILY_IPV4 };
				told->by.addr.b[15] = router + 1;
				return MTU_TOLD;
			}
		if (length <= path.limit)
			return MTU_PASSED;
	}
	return MTU_VANISHED;
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

static void hears(void **state)
{
	struct mtu_found f = search((struct path){ .limit = 9000, .told = { 1400 } }, 1500, 3);

	assert_int_equal(f.passes, 1400);
	assert_true(f.said && !f.silent);
	assert_int_equal(f.told.mtu, 1400);
	assert_int_equal(path.probes, 3);
	f = search((struct path){ .limit = 9000, .told = { 1400, 1310 } }, 1500, 3);	/* one behind the other */
	assert_int_equal(f.passes, 1310);
	assert_int_equal(f.told.by.addr.b[15], 2);
	assert_false(f.silent);
	f = search((struct path){ .limit = 1300, .told = { 1400 } }, 1500, 3);		/* and then a black hole */
	assert_int_equal(f.passes, 1300);
	assert_true(f.said && f.silent);
	assert_int_equal(f.told.mtu, 1400);
}

/* Whatever a router says, what passes is found by probes */
static void is_lied_to(void **state)
{
	static const unsigned int lies[] = { 1, 67, 68, 69, 500, 1399, 1401, 1450, 1500, 65535 };

	for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		struct mtu_found f = search((struct path){ .limit = 9000, .told = { 1400 }, .lie = lies[i] }, 1500, 3);

		assert_int_equal(f.passes, 1400);
		assert_false(f.silent);
	}
}

/* What is measured of the small packets' losses says how often each size is tried */
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

/* Over each limit: the interface's MTU is right where full packets pass with it, and where with one more they do not */
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
			assert_false(t.pieces);
			t = mtu_of_tunnel(device, overhead, &inside, NULL);
			assert_uint_in_range(right, t.mtu, t.perhaps);
			assert_uint_in_range(t.perhaps - t.mtu, 0, 15);
			assert_int_equal(t.mtu, inside.passes);
		}
}

static void tells_pieces_and_limits_inside(void **state)
{
	struct mtu_found narrow = search((struct path){ .limit = 9000, .told = { 1400 } }, 1480, 3);
	struct mtu_found whole = search((struct path){ .limit = 1420 }, 1420, 3);
	struct mtu_found hole = search((struct path){ .limit = 1000 }, 1480, 3), wide = search((struct path){ .limit = 1500 }, 1480, 3);
	struct mtu_tunnel t = mtu_of_tunnel(1420, 60, &whole, &narrow);
	struct mtu_found inside;

	assert_true(t.pieces);			/* a router cuts, or this host, as it was told to */
	assert_int_equal(t.mtu, 1340);
	t = mtu_of_tunnel(1420, 60, &whole, &hole);
	assert_false(t.pieces);			/* only these probes vanish */
	assert_int_equal(t.mtu, 1420);
	inside = search((struct path){ .limit = 1312 }, 1420, 3);	/* behind the tunnel, or behind who answers for its other end */
	t = mtu_of_tunnel(1420, 60, &inside, &wide);
	assert_int_equal(t.mtu, 1312);
	assert_int_equal(t.perhaps, 1327);
	inside = search((struct path){ .limit = 1313 }, 1420, 3);	/* that is no padding */
	t = mtu_of_tunnel(1420, 60, &inside, &wide);
	assert_int_equal(t.mtu, 1313);
	assert_int_equal(t.perhaps, 1313);
}

/* ---- the line ---- */

static char path_of[] = "/tmp/unit_mtu.XXXXXX";

static void put(const char *text)
{
	FILE *out = fopen(path_of, "w");

	fputs(text, out);
	fclose(out);
}

static const char *got(void)
{
	static char text[4096];
	FILE *in = fopen(path_of, "r");

	text[fread(text, 1, sizeof(text) - 1, in)] = '\0';
	fclose(in);
	return text;
}

static void writes_the_line(void **state)
{
	static const struct {
		const char *before, *after;
		unsigned int was;
	} files[] = {
		{ "[Interface]\nMTU = 1420\n", "[Interface]\nMTU = 1300\n", 1420 },
		{ "[Interface]\nMTU = 1420", "[Interface]\nMTU = 1300", 1420 },
		{ "# MTU = 1\r\n [interface] # x\r\n\tmtu=  68  # ours\r\n[Peer]\r\nMTU = 7\r\n",
		  "# MTU = 1\r\n [interface] # x\r\n\tmtu=  1300  # ours\r\n[Peer]\r\nMTU = 7\r\n", 68 },
		{ "[Interface]\nAddress = fd00::1/64\n", "[Interface]\nMTU = 1300\nAddress = fd00::1/64\n", 0 },
		{ "[Peer]\n[Interface]", "[Peer]\n[Interface]\nMTU = 1300\n", 0 },
		{ "[Interface]\r\n[Peer]\r\n", "[Interface]\r\nMTU = 1300\r\n[Peer]\r\n", 0 },
		{ "[Interface]\n#MTU = 1420\n", "[Interface]\nMTU = 1300\n#MTU = 1420\n", 0 },
		{ "[Peer]\nMTU=4\n[Interface]\nMTU=65535\n[Interface]\n", "[Peer]\nMTU=4\n[Interface]\nMTU=1300\n[Interface]\n", 65535 },
	};
	unsigned int was;
	struct stat st;

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		put(files[i].before);
		chmod(path_of, 0640);
		assert_int_equal(mtu_line_set(path_of, 1300, &was), 0);
		assert_string_equal(got(), files[i].after);
		assert_int_equal(was, files[i].was);
		assert_int_equal(stat(path_of, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0640);
		assert_int_equal(mtu_line_set(path_of, 1300, &was), 0);	/* again: not touched */
		assert_int_equal(was, 1300);
		assert_string_equal(got(), files[i].after);
	}
}

static void leaves_what_is_wrong(void **state)
{
	static const char *const files[] = {
		"", "MTU = 1420\n", "[Peer]\nMTU = 1420\n", "[Interface]\nMTU = 1420\nMTU = 1420\n", "[Interface]\nMTU = \n", "[Interface]\nMTU\n",
		"[Interface]\nMTU = auto\n", "[Interface]\nMTU = 67\n", "[Interface]\nMTU = 65536\n", "[Interface]\nMTU = 99999999999\n",
		"[Interface]\nMTU = -1420\n", "[Interface]\nAddress = 10.0.0.1/24\nAddress = 10.0.0.2/32, fd00::1/64\nMTU = 1420\n",
	};
	unsigned int was = 7;
	struct stat before, after;

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		put(files[i]);
		stat(path_of, &before);
		if (i < sizeof(files) / sizeof(*files) - 1)
			assert_int_equal(mtu_line_check(path_of), -EINVAL);
		assert_int_not_equal(mtu_line_set(path_of, 1240, &was), 0);
		stat(path_of, &after);
		assert_int_equal(after.st_ino, before.st_ino);
		assert_string_equal(got(), files[i]);
		assert_int_equal(was, 7);
	}
	assert_int_equal(mtu_line_set("/tmp", 1400, &was), -EINVAL);
	assert_int_equal(mtu_line_set("/tmp/unit_mtu/none", 1400, &was), -ENOENT);
}

static void keeps_a_link(void **state)
{
	char link[sizeof(path_of) + 8];
	unsigned int was;
	struct stat st;

	put("[Interface]\nMTU = 1420\n");
	snprintf(link, sizeof(link), "%s.link", path_of);
	assert_int_equal(symlink(path_of, link), 0);
	assert_int_equal(mtu_line_set(link, 1380, &was), 0);
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_string_equal(got(), "[Interface]\nMTU = 1380\n");
	unlink(link);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds), cmocka_unit_test(hears), cmocka_unit_test(is_lied_to), cmocka_unit_test(mistrusts_losses),
		cmocka_unit_test(runs_out_of_time), cmocka_unit_test(names_the_mtu_of_a_tunnel), cmocka_unit_test(tells_pieces_and_limits_inside),
		cmocka_unit_test(writes_the_line), cmocka_unit_test(leaves_what_is_wrong), cmocka_unit_test(keeps_a_link),
	};
	int fd = mkstemp(path_of), failed;

	close(fd);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path_of);
	return failed;
}
