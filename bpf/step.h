/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * How a step becomes a part of the programs. A step NAME is written as NAME_step(), and called as
 * NAME(p). It answers 0 to go on, a negative reason, or NOT_OURS. There are three kinds:
 *
 *   INLINE_STEP(NAME)         hot: inlined, between barriers. The compiler writes the state back
 *                             and reads it again, so the verifier forgets what it knew.
 *   CALLED_STEP(WITH, NAME)   rare, or large on the stack: a global function for each plane, which
 *                             the verifier walks once, whoever calls it.
 *   STATE_STEP(WITH, NAME)    likewise, but one function for both planes: it needs no packet, and
 *                             gets the state: NAME_step(s).
 *
 * Where the switch WITH is off, the program holds nothing of the step: kernels before 6.8 verify
 * also global functions that nobody calls.
 */
#pragma once

#include "maps.h"

/* Each function looks the state up, for 6.1 takes no key of a map from an argument. A barrier_var()
 * behind the test for NULL keeps clang 16 from adding an offset before it, which 6.1 refuses. */
INLINE struct pkt_state *state_find(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&states, &zero);
}

#ifdef WGXDP_HOST

#define STEP_ON_HOST(with, name, type) \
	INLINE int name(struct type *at) \
	{ \
		return (with) ? name##_step(at) : NOT_OURS; \
	}
#define INLINE_STEP(name) STEP_ON_HOST(true, name, pkt)
#define CALLED_STEP(with, name) STEP_ON_HOST(with, name, pkt)
#define STATE_STEP(with, name) STEP_ON_HOST(with, name, pkt_state)

#else

#define INLINE_STEP(name) \
	INLINE int name(struct pkt *p) \
	{ \
		int rc; \
		\
		barrier(); \
		rc = name##_step(p); \
		barrier_var(rc); \
		barrier(); \
		return rc; \
	}
#define CALLED_STEP_OF(with, name, plane_, suffix, ctx_type) \
	__attribute__((noinline)) int name##suffix(struct ctx_type *ctx) \
	{ \
		struct pkt p = { .ctx = ctx, .plane = plane_, .s = state_find() }; \
		\
		barrier_var(ctx);	/* clang would drop an argument that nothing uses */ \
		if (!p.s || !(with)) \
			return NOT_OURS; \
		barrier_var(p.s); \
		return name##_step(&p); \
	}
#define CALLED_STEP(with, name) \
	CALLED_STEP_OF(with, name, PLANE_XDP, _xdp, xdp_md) \
	CALLED_STEP_OF(with, name, PLANE_TC, _tc, __sk_buff) \
	INLINE int name(struct pkt *p) \
	{ \
		return p->plane == PLANE_XDP ? name##_xdp(p->ctx) : name##_tc(p->ctx); \
	}
#define STATE_STEP(with, name) \
	__attribute__((noinline)) int name##_called(void) \
	{ \
		struct pkt_state *s = state_find(); \
		\
		if (!s || !(with)) \
			return NOT_OURS; \
		barrier_var(s); \
		return name##_step(s); \
	} \
	INLINE int name(struct pkt_state *s) \
	{ \
		return name##_called(); \
	}

#endif
