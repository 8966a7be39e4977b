// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * For run_planes.c, by BPF_PROG_TEST_RUN: the kernel's answer to a route lookup. Flags and a struct bpf_fib_lookup
 * follow the Ethernet header, and the program fills in the latter. The verdict is BPF_FIB_LKUP_RET_… or -errno.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

SEC("tc")
int fib_ask(struct __sk_buff *ctx)
{
	struct bpf_fib_lookup fib;
	__u32 flags;
	int rc;

	if (bpf_skb_load_bytes(ctx, 14, &flags, sizeof(flags)) || bpf_skb_load_bytes(ctx, 18, &fib, sizeof(fib)))
		return -1000;
	rc = bpf_fib_lookup(ctx, &fib, sizeof(fib), flags);
	return bpf_skb_store_bytes(ctx, 18, &fib, sizeof(fib), 0) ? -1000 : rc;
}
