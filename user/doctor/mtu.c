/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The search for the longest packet that passes, which mistrusts losses and what routers say; and what WireGuard makes of it.
 */
#include <errno.h>
#include "doctor/mtu.h"

#define PADDING 16			/* of WireGuard's data, but never above its interface's MTU */
#define TRIES_MIN 3
#define TRIES_MAX 12
#define CONFIRM 3			/* times as many tries for the size on which the answer rests */

struct search {
	unsigned int low, high, top;	/* low passes, high does not, or is top + 1 */
	bool high_told;
	bool confirmed;			/* high, by more tries */
	struct mtu_found *found;
};

unsigned int mtu_tries(unsigned int sent, unsigned int answered)
{
	double lost = (sent - answered + 0.5) / (sent + 1.0), all = lost;
	unsigned int n = 1;

	for (; all > 0.001 && n < TRIES_MAX; n++)
		all *= lost;
	return n < TRIES_MIN ? TRIES_MIN : n;
}

/* A router's word is where to look next; whether it is true the next probe shows */
static unsigned int next_size(const struct search *s)
{
	unsigned int said = s->found->said ? s->found->told.mtu : 0;

	if (s->high > s->top)
		return s->top;
	if (said > s->low && said < s->high)
		return said;
	if (said && said == s->low)
		return s->low + 1;
	if (s->low < MTU_IPV6_MIN && s->high > MTU_IPV6_MIN)	/* what most ways carry, whatever is wrong with them */
		return MTU_IPV6_MIN;
	return s->low + (s->high - s->low) / 2;
}

static void take_fate(struct search *s, unsigned int size, enum mtu_fate fate, const struct mtu_told *told)
{
	if (fate == MTU_PASSED) {
		s->low = size;
		if (size == s->high)	/* losses had deceived; so they may have above it */
			s->high = s->top + 1;
		return;
	}
	s->confirmed = size == s->high;
	s->high = size;
	s->high_told = fate == MTU_TOLD;
	if (fate == MTU_TOLD) {
		s->found->said = true;
		s->found->told = *told;
	}
}

int mtu_search(mtu_probe *probe, void *data, unsigned int top, unsigned int tries, struct mtu_found *found)
{
	struct search s = { .low = MTU_SMALL, .high = top + 1, .top = top, .found = found };
	int fate = 0;

	*found = (struct mtu_found){ .passes = MTU_SMALL };
	while (s.low < s.top && fate >= 0) {
		bool last = s.high == s.low + 1 && s.high <= s.top;
		unsigned int size = last ? s.high : next_size(&s);
		struct mtu_told told = { .mtu = 0 };

		if (last && (s.high_told || s.confirmed))
			break;
		fate = probe(data, size, last ? CONFIRM * tries : tries, &told);
		if (fate >= 0)
			take_fate(&s, size, fate, &told);
	}
	found->passes = s.low;
	found->fails = s.high > s.top ? 0 : s.high;
	found->silent = found->fails && !s.high_told && !(found->said && found->told.mtu == s.low);
	return fate < 0 ? fate : 0;
}

/* ---- WireGuard ---- */

unsigned int mtu_overhead(__u8 family)
{
	return (family == FAMILY_IPV6 ? 40 : 20) + 8 + 32;
}

/*
 * Data is padded to a multiple of 16, but not above the MTU of the interface. So where a way takes 1240 bytes in a tunnel, an
 * interface with an MTU of 1420 gets 1232 through, for 1233 become 1248; and yet with an MTU of 1240 all pass. What is longest
 * inside tells the right MTU only up to those 15 bytes; the way between the ends tells all.
 */
struct mtu_tunnel mtu_of_tunnel(unsigned int device, unsigned int overhead, const struct mtu_found *inside,
				const struct mtu_found *outside)
{
	struct mtu_tunnel t = { .mtu = inside->passes, .perhaps = inside->passes };
	unsigned int fits;

	if (inside->fails && inside->silent && !(inside->passes % PADDING))
		t.perhaps = inside->passes + PADDING - 1 < device ? inside->passes + PADDING - 1 : device - 1;
	if (!outside)
		return t;
	fits = outside->passes > overhead ? outside->passes - overhead : 0;
	if (fits < t.mtu && outside->silent)		/* what vanishes there is not what passes inside: other probes, another fate */
		return t;
	if (outside->fails && fits <= t.perhaps) {	/* else the limit is behind what answers there */
		t.pieces = fits < t.mtu;
		t.mtu = t.perhaps = fits;
	}
	return t;
}
