/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements the part of dataplane.h that attaches to the kernel's tracepoints for packets that
 * drivers did not send.
 */
#include <errno.h>
#include <string.h>
#include "dataplane/dataplane.h"
#include "dataplane/kernel_btf.h"
#include "lib/log.h"
#include "wgxdp.skel.h"

/* Passes the offsets of the members of struct net_device to the raw tracepoint programs. */
static void set_offsets(struct wgxdp *s)
{
	enum { IFINDEX, NET, NS, INUM, COUNT };
	struct member_place at[COUNT] = {
		[IFINDEX] = { "net_device", "ifindex" },
		[NET] = { "net_device", "nd_net" },
		[NS] = { "net", "ns" },
		[INUM] = { "ns_common", "inum" },
	};

	btf_find(KERNEL_BTF, at, COUNT);
	s->rodata->device_ifindex = at[IFINDEX].offset > 0 ? at[IFINDEX].offset : 0;
	if (at[NET].offset > 0 && at[NS].offset >= 0 && at[INUM].offset >= 0) {
		s->rodata->device_net = at[NET].offset;
		s->rodata->net_inum = at[NS].offset + at[INUM].offset;
	}
}

void dataplane_choose_tracepoints(struct wgxdp *s)
{
	bool raw;

	set_offsets(s);
	raw = s->rodata->device_ifindex;
	bpf_program__set_autoload(s->progs.wgxdp_devmap_raw, raw);
	bpf_program__set_autoload(s->progs.wgxdp_redirect_raw, raw);
	bpf_program__set_autoload(s->progs.wgxdp_devmap_xmit, !raw);
	bpf_program__set_autoload(s->progs.wgxdp_redirect_err, !raw);
}

void dataplane_count_unsent(struct dataplane *dp, const char *suffix)
{
	struct wgxdp *s = dp->skeleton;
	const struct {
		struct bpf_program *raw, *other;
		const char *name, *pin;
	} tracepoints[] = {
		{ s->progs.wgxdp_devmap_raw, s->progs.wgxdp_devmap_xmit, "xdp_devmap_xmit",
		  "attach/tp-devmap_xmit" },
		{ s->progs.wgxdp_redirect_raw, s->progs.wgxdp_redirect_err, "xdp_redirect_err",
		  "attach/tp-redirect_err" },
	};

	for (int i = 0; i < 2; i++) {
		bool raw = s->rodata->device_ifindex;
		struct bpf_link *link = raw ?
			bpf_program__attach_raw_tracepoint(tracepoints[i].raw,
							   tracepoints[i].name) :
			bpf_program__attach_tracepoint(tracepoints[i].other, "xdp",
						       tracepoints[i].name);
		int error = errno;

		if (!link && pin_exists(dp->instance, tracepoints[i].pin))
			/* A process without the permission cannot attach the new program, but the
			 * pinned one still counts into the same map. */
			continue;
		if (!link) {
			log_warning("cannot count packets that a driver fails to send: %s%s",
				    strerror(error),
				    raw ? "" : ": this kernel has no BTF, so it takes tracefs "
					       "(`mount -t tracefs tracefs /sys/kernel/tracing`) "
					       "and CAP_SYS_ADMIN");
			return;
		}
		pin_set(bpf_link__fd(link), dp->instance, suffix, tracepoints[i].pin);
		bpf_link__destroy(link);
	}
}
