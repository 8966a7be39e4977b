// SPDX-License-Identifier: GPL-2.0-or-later
/* For unit_blake2s.c: returns the number of the key, from 1 to n, that an initiation's mac1 was made for, or 0. The
 * frame is the message alone. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "blake2s.h"

char LICENSE[] SEC("license") = "GPL";

struct state {
	__u32 h[8];
};

struct area {
	struct blake2s_work work[2];	/* each with its block of the message */
	__u32 mac1[4];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct area);
} areas SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct state);
} keys SEC(".maps");

__u32 n_keys, found;

static int try_key(__u32 i, void *ctx)
{
	__u32 zero = 0, *got;
	struct area *a = bpf_map_lookup_elem(&areas, &zero);
	struct state *key = bpf_map_lookup_elem(&keys, &i);

	if (!a || !key)
		return 1;
	__builtin_memcpy(a->work[0].h, key->h, sizeof(key->h));
	blake2s_compress(&a->work[0], 128, 0);
	__builtin_memcpy(a->work[1].h, a->work[0].h, sizeof(key->h));
	blake2s_compress(&a->work[1], 180, 1);
	got = a->work[1].h;
	if ((got[0] ^ a->mac1[0]) | (got[1] ^ a->mac1[1]) | (got[2] ^ a->mac1[2]) | (got[3] ^ a->mac1[3]))
		return 0;
	found = i + 1;
	return 1;
}

SEC("xdp")
int mac1(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 zero = 0;
	struct area *a = bpf_map_lookup_elem(&areas, &zero);

	if (!a || data + 132 > end)
		return 0;
	found = 0;
	__builtin_memcpy(a->work[0].m, data, 64);
	__builtin_memcpy(a->work[1].m, data + 64, 52);
	a->work[1].m[13] = a->work[1].m[14] = a->work[1].m[15] = 0;
	__builtin_memcpy(a->mac1, data + 116, 16);
	bpf_loop(n_keys, try_key, NULL, 0);
	return found;
}
