// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The express path sends packets between sites as the pipeline does, counts them for both peers, and leaves
 * everything else to the pipeline. The test runs on the host plane. fate_of() compares each packet that leaves.
 */
#include "host/host_fate.h"

static bool hit;			/* the express path sent the last packet */

static int fate_at(__u32 link, const struct packet6 *p)
{
	__u64 before = express_hits(express_cpu());
	int fate = fate_by(PLANE_XDP, link, p);

	hit = express_hits(express_cpu()) != before;
	return fate;
}

/* The first packet goes through the kernel's neighbour output. The pipeline sends the second, and from then on it is the express path. */
static void teach(__u32 link, const struct packet6 *p)
{
	for (int i = 0; i < 3; i++)
		fate_at(link, p);
	assert_int_equal(fate_at(link, p), SENT);
	assert_true(hit);
}

static void alike(void **state)
{
	struct packet6 p = udp6(N, O, 40000, 58000), q = udp6(O, N, 58000, 40000);
	__u64 from, to;

	teach(NN, &p);
	assert_int_equal(gone_by, NO);
	teach(NO, &q);			/* an answer: its port is not in the policy */
	assert_int_equal(gone_by, NN);
	from = total_of(PEER_N, PEER_RX, true);
	to = total_of(PEER_O, PEER_TX, false);
	for (__u32 n = 16; n < 1300; n += 4) {
		p.n = n;
		packet6_udp(p.data, 40000, 58000, n);
		p.ttl = 2 + n % 254;
		assert_int_equal(fate_at(NN, &p), SENT);
		assert_true(hit);
	}
	assert_int_equal(total_of(PEER_N, PEER_RX, true), from + 321);
	assert_int_equal(total_of(PEER_O, PEER_TX, false), to + 321);
}

/* ---- what the pipeline has to decide: it leaves to tc (UP) whatever may have to be answered by an ICMP error ---- */

#define UNLIKE(becomes, change) do { \
		p = udp6(N, O, 40000, 58000); \
		teach(NN, &p); \
		change; \
		assert_int_equal(fate_at(NN, &p), becomes); \
		assert_false(hit); \
	} while (0)

static void unlike(void **state)
{
	struct packet6 p;

	UNLIKE(UP, packet6_udp(p.data, 40000, 57999, 40));
	UNLIKE(UP, p.src = A);
	UNLIKE(UP, p.src = "2001:db8::1");
	UNLIKE(UP, p.dst = OVERLAY "d::9");
	UNLIKE(UP, p.dst = OVERLAY "1::1");
	UNLIKE(UP, p.dst = OVERLAY "77::1");
	UNLIKE(UP, p.ttl = 1);
	UNLIKE(UP, p.ttl = 0);
	UNLIKE(DROP_invalid, put16(p.data + 4, 41));
	UNLIKE(DROP_invalid, put16(p.data + 4, 7));
	UNLIKE(UP, (p.n = 1361, packet6_udp(p.data, 40000, 58000, p.n)));
	UNLIKE(UP, p.next = IPPROTO_TCP + 100);
}

/* A frame with padding is trimmed; one for another host is not ours */
static void frames(void **state)
{
	struct packet6 p = udp6(N, O, 40000, 58000);
	__u8 frame[256];
	__u32 len;
	__u64 hits;

	teach(NN, &p);
	len = packet6_build(&p, NN, frame);
	hits = express_hits(express_cpu());
	memset(frame + len, 0, 4);
	assert_int_equal(fate_of(PLANE_XDP, NN, frame, len + 4, len + 4), SENT);
	frame[5] ^= 1;
	assert_int_equal(fate_of(PLANE_XDP, NN, frame, len, len), UP);
	frame[5] ^= 1;
	for (__u32 n = 0; n < len; n++)
		assert_int_not_equal(fate_of(PLANE_XDP, NN, frame, n, n), SENT);
	assert_int_equal(express_hits(express_cpu()), hits);
	assert_int_equal(fate_of(PLANE_XDP, NN, frame, len, len), SENT);
	assert_int_equal(express_hits(express_cpu()), hits + 1);
}

/* Only where peers are, and under the address by which it was learned */
static void elsewhere(void **state)
{
	struct packet6 p = udp6(N, O, 40000, 58000);

	teach(NN, &p);
	assert_int_equal(fate_at(NO, &p), UP);
	assert_false(hit);
	assert_int_equal(fate_at(NW, &p), UP);
	assert_false(hit);
}

/* ---- how long ---- */

static void ends(void **state)
{
	struct packet6 p = udp6(N, O, 40000, 58000);

	teach(NN, &p);
	host_jiffies += tick_rate;		/* the next hop's time is over */
	assert_int_equal(fate_at(NN, &p), SENT);
	assert_false(hit);
	teach(NN, &p);
	relay_policy()->ports[58000 / 64] = 0;
	world_control()->generation++;
	assert_int_equal(fate_at(NN, &p), UP);
	relay_policy()->ports[58000 / 64] = ~0ULL;
	teach(NN, &p);
	relay_subnet(0xe, PEER_A);		/* the prefix goes to a site behind a tunnel */
	world_control()->generation++;
	assert_int_equal(fate_at(NN, &p), UP);
}

/* A packet stays in the map allowed as long as the express path sends such packets, so its answers pass */
static void answers_pass(void **state)
{
	struct packet6 p = udp6(N, O, 40000, 58000), q = udp6(O, N, 58000, 40000);

	teach(NN, &p);
	for (int i = 0; i < 3 * ALLOWED_SECONDS; i++) {
		host_jiffies += tick_rate / 2;
		fate_at(NN, &p);
		fate_at(NN, &p);
	}
	fate_at(NO, &q);
	assert_int_equal(fate_at(NO, &q), SENT);
	host_jiffies += (ALLOWED_SECONDS + 1) * tick_rate;
	assert_int_equal(fate_at(NO, &q), UP);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = { T(alike), T(unlike), T(frames), T(elsewhere), T(ends), T(answers_pass) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
