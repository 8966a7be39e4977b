/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * BREAK=1 of scripts/loads: the data path with three programs that tests/loads/loads.c must find. The
 * kernel refuses the first; it loads the other two, which cost more than the test allows.
 */
#include "wgxdp.bpf.c"

/* Takes so many bytes of stack. The compiler cannot tell that only one is written. */
#define TAKE_STACK(bytes) do { \
	char taken[bytes], *at = taken; \
	\
	asm volatile("" : "+r"(at) :: "memory"); \
	*(volatile char *)at = 1; \
} while (0)

static __attribute__((noinline)) int take_300(struct __sk_buff *ctx)
{
	TAKE_STACK(300);
	return ctx->len;
}

/* 600 bytes in two frames */
SEC("tc")
int wgxdp_break_stack(struct __sk_buff *ctx)
{
	TAKE_STACK(300);
	return take_300(ctx);
}

/* 448 bytes, which the kernel allows */
SEC("tc")
int wgxdp_break_frame(struct __sk_buff *ctx)
{
	TAKE_STACK(440);
	return 0;
}

/* The verifier walks each iteration by itself */
SEC("tc")
int wgxdp_break_loop(struct __sk_buff *ctx)
{
	__u32 sum = ctx->len;

	for (int i = 0; i < 50000; i++)
		asm volatile("%0 += %1" : "+r"(sum) : "r"(i));
	return sum;
}
