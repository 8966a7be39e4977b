/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A test of the blind relay tries the same with sites of each pair of families, on each plane.
 */
#ifndef HOST_BLIND_TRY_H
#define HOST_BLIND_TRY_H

#include "host_blind_talk.h"

static int says(__u32 who, __u32 kind, __u32 key, __u32 first, __u32 second)
{
	comes(who, tells(kind, key, first, second));
	return becomes();
}

#define initiates(who, key, sender) says(who, MESSAGE_INITIATION, key, sender, 0)
#define responds(who, key, sender, receiver) says(who, MESSAGE_RESPONSE, key, sender, receiver)
#define sends_cookie(who, receiver) says(who, MESSAGE_COOKIE, 0, receiver, 0)
#define sends_data(who, receiver) says(who, MESSAGE_DATA, 0, receiver, 0)

#define CONFIRMED BLIND_CONFIRMED
#define INITIATED BLIND_INITIATED

static __u32 S, D, other;		/* the sites of the present test */
static __u32 stranger;			/* an unknown address, in S's family */

static int set_up(void **state)
{
	blind_setup();
	plane = PLANE_TC;
	S = SITE_A;
	D = SITE_B;
	other = SITE_C;
	stranger = STRANGER4;
	return 0;
}

static int tear_down(void **state)
{
	bool held = ways_sums_hold();

	world_clear();
	blind_maps();
	return held ? 0 : -1;
}

/* Runs the test for each pair of families on each plane, each time with new state */
static void everywhere(void (*test)(void))
{
	static const __u32 pairs[][3] = { { SITE_A, SITE_B, SITE_C }, { SITE_C, SITE_D, SITE_A }, { SITE_A, SITE_C, SITE_B },
					  { SITE_C, SITE_A, SITE_B } };
	static const enum plane planes[] = { PLANE_XDP, PLANE_TC };

	for (int i = 0; i < 8; i++) {
		set_up(NULL);
		plane = planes[i % 2];
		S = pairs[i / 2][0];
		D = pairs[i / 2][1];
		other = pairs[i / 2][2];
		stranger = family_of(S) == FAMILY_IPV4 ? STRANGER4 : STRANGER6;
		test();
		assert_true(ways_sums_hold());
	}
}

#define EVERYWHERE(name) static void name(void **state) { everywhere(name##_here); }

static inline __u64 in_seconds(__u32 seconds)
{
	return host_jiffies + (__u64)seconds * tick_rate;
}

/* The packet has this result, and nothing is remembered */
#define refuses(call, answer) do { \
	__u64 before_ = remembered(); \
	assert_int_equal(call, answer); \
	assert_int_equal(remembered(), before_); \
} while (0)

static inline void holds(__u32 user, __u32 index, __u32 origin, __u64 until, __u32 flags)
{
	assert_int_equal(value_in(&sessions, user, index), BLIND_VALUE(until, origin, flags));
}

/* S begins */
static inline void shakes(__u32 of_s, __u32 of_d)
{
	assert_int_equal(initiates(S, D, of_s), D);
	assert_int_equal(responds(D, S, of_d, of_s), S);
}

/* A message of our own WireGuard, as blind_egress() remembers it */
static inline void own_gives_out(__u32 index)
{
	struct pkt_state *state = state_find();
	struct blind_work *s = &state->blind;

	s->now = host_jiffies;
	s->key = BLIND_KEY(0, htole32(index));
	s->value = BLIND_VALUE(in_seconds(200), 0, CONFIRMED);
	assert_int_equal(session_store(state), 0);
}

#endif
