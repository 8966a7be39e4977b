/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements the part of dataplane.h that attaches to the kernel's tracepoints for packets that
 * drivers did not send.
 */
#include <bpf/btf.h>
#include <errno.h>
#include <string.h>
#include "dataplane/dataplane.h"
#include "lib/log.h"
#include "wgxdp.skel.h"

/* Returns the offset of a structure's member in bytes; -ENOENT: the kernel has no such member, or
 * no BTF (btf is NULL). */
static int member_offset(const struct btf *btf, const char *of, const char *member)
{
	const struct btf_type *t =
		btf ? btf__type_by_id(btf, btf__find_by_name_kind(btf, of, BTF_KIND_STRUCT)) : NULL;

	for (int i = 0; t && i < btf_vlen(t); i++)
		if (!strcmp(btf__name_by_offset(btf, btf_members(t)[i].name_off), member))
			return btf_member_bit_offset(t, i) / 8;
	return -ENOENT;
}

/* Passes the offsets of the members of struct net_device to the raw tracepoint programs. */
static void set_offsets(struct wgxdp *s)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int ifindex = member_offset(btf, "net_device", "ifindex"),
	    net = member_offset(btf, "net_device", "nd_net");
	int ns = member_offset(btf, "net", "ns"), inum = member_offset(btf, "ns_common", "inum");

	s->rodata->device_ifindex = ifindex > 0 ? ifindex : 0;
	if (net > 0 && ns >= 0 && inum >= 0) {
		s->rodata->device_net = net;
		s->rodata->net_inum = ns + inum;
	}
	btf__free(btf);
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
