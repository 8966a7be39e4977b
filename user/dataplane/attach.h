/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Attachment of the data path's programs to a device: XDP and tcx by bpf_links, which are kept by their pins; on kernels
 * without tcx (below 6.6) a filter on a clsact or ingress qdisc, shared politely.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "abi.h"

/* All return 0 or -errno. */

/* A bpf_link; flag: LINK_NATIVE or LINK_GENERIC. -EBUSY: another program is there. */
int attach_xdp(__u32 ifindex, int program, __u16 flag, int *ret_link);

/* A bpf_link in *ret_link and LINK_TC | LINK_TCX; or, without tcx, -1 there and LINK_TC, perhaps with LINK_QDISC_OURS */
int attach_tc(__u32 ifindex, int program, int *ret_link, __u16 *ret_flags);

/* At its egress, where ours at its ingress is: a bpf_link, or -1 there and a filter */
int attach_egress(__u32 ifindex, int program, int *ret_link);
void detach_egress(__u32 ifindex);		/* the filter */

/* Another program in the place of ours: by links without a gap */
int attach_replace(int link, int program);
int attach_replace_filter(__u32 ifindex, int program);

/* Detaches a bpf_link at once: the kernel does it later where only its last pin or fd goes */
void detach_link(int link);

/* Our filter goes, and a qdisc that we made for it, unless others use it now; qdisc_ours: also where the filter is gone */
void detach_filter(__u32 ifindex, bool qdisc_ours);
/* Whether a device has our filter: it goes with its device or qdisc */
bool attached_filter(__u32 ifindex);
/* The same as detach_filter() for all filters of this program, on every device */
void detach_filters_of(int program);

/* Ids of the BPF programs at the device's tc ingress, in tcx or in our places of a qdisc: n of them, at most room */
size_t attached_tc(__u32 ifindex, __u32 *ids, size_t room);
/* Sets ret (BPF_OBJ_NAME_LEN) to the name of a BPF program, or to "?". */
void program_name(__u32 id, char *ret);
/* In words, why the kernel or libxdp refused to attach a program; error is a positive errno */
const char *why_refused(int error);
