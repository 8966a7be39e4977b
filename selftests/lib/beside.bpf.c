/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * XDP programs of another project, which share a device with wgxdp: they count packets and pass them on.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} seen SEC(".maps");

static int count(void)
{
	__u32 zero = 0;
	__u64 *n = bpf_map_lookup_elem(&seen, &zero);

	if (n)
		__sync_fetch_and_add(n, 1);
	return XDP_PASS;
}

SEC("xdp.frags")
int before(struct xdp_md *ctx)
{
	return count();
}

SEC("xdp.frags")
int after(struct xdp_md *ctx)
{
	return count();
}
