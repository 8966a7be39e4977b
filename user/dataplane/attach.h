/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Attaches the data path's programs to devices. XDP and tcx use bpf_links, which their pins keep.
 * Kernels without tcx (below 6.6) get a filter on a clsact or ingress qdisc, which other owners may
 * share. Commands that load, and `down`, use it.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "abi.h"

/* Functions that return int return 0 or -errno. */

/* Makes a bpf_link. flag: LINK_NATIVE or LINK_GENERIC. -EBUSY: another program is there. */
int attach_xdp(__u32 ifindex, int program, __u16 flag, int *ret_link);

/* Sets *ret_link to a bpf_link and *ret_flags to LINK_TC | LINK_TCX. Without tcx: -1 and LINK_TC,
 * with LINK_QDISC_OURS if we made the qdisc. */
int attach_tc(__u32 ifindex, int program, int *ret_link, __u16 *ret_flags);

/* Attaches at the device's egress: makes a bpf_link, or sets -1 and adds a filter. */
int attach_egress(__u32 ifindex, int program, int *ret_link);
void detach_egress(__u32 ifindex);		/* removes the filter */

/* Replaces the program of our filter. */
int attach_replace_filter(__u32 ifindex, int program);


/* Removes our filter, and the qdisc that we made for it unless others use it now. qdisc_ours:
 * removes the qdisc even if the filter is gone. */
void detach_filter(__u32 ifindex, bool qdisc_ours);
/* Whether a device has our filter. The filter goes with its device or qdisc. */
bool attached_filter(__u32 ifindex);
/* Removes all filters with this program, on every device, as detach_filter() does. */
void detach_filters_of(int program);

/* Writes the ids of the BPF programs at the device's tc ingress, in tcx or at our places of a
 * qdisc. Returns how many, at most room. */
size_t attached_tc(__u32 ifindex, __u32 *ids, size_t room);
/* Sets ret (BPF_OBJ_NAME_LEN) to the name of a BPF program, or to "?". */
void program_name(__u32 id, char *ret);
/* Says why the kernel or libxdp refused to attach a program; error is a positive errno. */
const char *why_refused(int error);
