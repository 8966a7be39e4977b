/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Macros that make a function a step of the programs. Every file with steps includes this header.
 * NAME_step() is the function, and NAME(p) calls it. A step returns 0 to continue, a negative
 * reason, or NOT_OURS. There are three kinds of steps:
 *
 *   INLINE_STEP(NAME)         a step that every packet takes. The step is inlined between two
 *                             barriers, at which the compiler writes the state to memory and
 *                             reads it again. So the verifier forgets the values in the state.
 *   CALLED_STEP(WITH, NAME)   a step for few packets, or with much stack. The step is one global
 *                             function for each plane, which the verifier walks once.
 *   STATE_STEP(WITH, NAME)    a step that uses only the state, not the packet. The step is one
 *                             global function for both planes, and its function is NAME_step(s).
 *
 * If the switch WITH is off, the step does nothing, and the verifier removes its code. (Kernels
 * before 6.8 verify a global function even if no code calls it.)
 */
#pragma once

#include "maps.h"

/* Returns this CPU's packet state. Each function calls it, because on Linux 6.1 no map key or value
 * may be in memory that a global function got as an argument. Callers test for NULL and then need
 * barrier_var(): otherwise clang 16 adds a member's offset before the test, which Linux 6.1
 * refuses. */
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
		barrier_var(ctx);	/* otherwise clang drops the unused argument */ \
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
