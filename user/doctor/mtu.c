/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Searches for the longest packet that passes. It trusts neither single losses nor the MTU that a
 * router announces.
 */
#include "doctor/mtu.h"

#define PADDING 16 /* WireGuard pads data to multiples of this, in bytes, but not beyond its MTU */
#define TRIES_MIN 3
#define TRIES_MAX 12
#define CONFIRM 3		/* times the usual tries, for the size that decides */

struct search {
	unsigned int low, high, top; /* low: was answered; high: was not, or top + 1 */
	bool high_reported;
	bool confirmed;			/* at `high`, CONFIRM times the usual tries were lost */
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

/* Returns the next size to try: preferably the MTU that a router announced, to see whether it is
 * right. */
static unsigned int next_size(const struct search *s)
{
	unsigned int said = s->found->said ? s->found->error.mtu : 0;

	if (s->high > s->top)
		return s->top;
	if (said > s->low && said < s->high)
		return said;
	if (said && said == s->low)
		return s->low + 1;
	if (s->low < MTU_IPV6_MIN && s->high > MTU_IPV6_MIN)	/* most paths carry MTU_IPV6_MIN */
		return MTU_IPV6_MIN;
	return s->low + (s->high - s->low) / 2;
}

static void apply_result(struct search *s, unsigned int size, enum mtu_result result,
			 const struct mtu_error *error)
{
	if (result == MTU_PASSED) {
		s->low = size;
		/* The earlier loss of this size was chance, as may be those of larger sizes. */
		if (size == s->high)
			s->high = s->top + 1;
		return;
	}
	s->confirmed = size == s->high;
	s->high = size;
	s->high_reported = result == MTU_REPORTED;
	if (result == MTU_REPORTED) {
		s->found->said = true;
		s->found->error = *error;
	}
}

int mtu_search(mtu_probe *probe, void *data, unsigned int top, unsigned int tries,
	       struct mtu_found *found)
{
	struct search s = { .low = MTU_SMALL, .high = top + 1, .top = top, .found = found };
	int result = 0;

	*found = (struct mtu_found){ .passes = MTU_SMALL };
	while (s.low < s.top && result >= 0) {
		bool last = s.high == s.low + 1 && s.high <= s.top;
		unsigned int size = last ? s.high : next_size(&s);
		struct mtu_error error = { .mtu = 0 };

		if (last && (s.high_reported || s.confirmed))
			break;
		result = probe(data, size, last ? CONFIRM * tries : tries, &error);
		if (result >= 0)
			apply_result(&s, size, result, &error);
	}
	found->passes = s.low;
	found->fails = s.high > s.top ? 0 : s.high;
	found->silent = found->fails && !s.high_reported &&
			!(found->said && found->error.mtu == s.low);
	return result < 0 ? result : 0;
}

/* ---- WireGuard ---- */

unsigned int mtu_overhead(__u8 family)
{
	return (family == FAMILY_IPV6 ? 40 : 20) + 8 + 32;
}

/*
 * WireGuard pads data to a multiple of 16, but not above the MTU of its interface. If a path
 * carries 1240 bytes in a tunnel, an interface with an MTU of 1420 sends 1232 through it, because
 * 1233 become 1248; but with an MTU of 1240 all pass. So the longest packet inside gives the MTU
 * only up to 15 bytes; the path between the ends gives it exactly.
 */
struct mtu_tunnel mtu_of_tunnel(unsigned int device, unsigned int overhead,
				const struct mtu_found *inside, const struct mtu_found *outside)
{
	struct mtu_tunnel t = { .mtu = inside->passes, .perhaps = inside->passes };
	unsigned int fits;

	if (inside->fails && inside->silent && !(inside->passes % PADDING))
		t.perhaps = inside->passes + PADDING - 1 < device ? inside->passes + PADDING - 1 :
			    device - 1;
	if (!outside)
		return t;
	fits = outside->passes > overhead ? outside->passes - overhead : 0;
	/* The path drops probes between the ends, but not WireGuard's packets. */
	if (fits < t.mtu && outside->silent)
		return t;
	if (outside->fails && fits <= t.perhaps) { /* otherwise the limit is behind that host */
		t.fragmented = fits < t.mtu;
		t.mtu = t.perhaps = fits;
	}
	return t;
}
