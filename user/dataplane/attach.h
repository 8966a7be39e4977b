/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Attaches the programs of the data path to devices, and detaches them. XDP and tcx use bpf_links,
 * which stay attached while they are pinned. Kernels without tcx (before 6.6) get a filter on a
 * clsact or ingress qdisc, where other software may have filters too. dataplane/, instance/,
 * doctor/ and show/ include it.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "abi.h"

/* The flags of a link that tell how XDP, or tc, is attached to its device. */
#define LINK_XDP_FLAGS (LINK_NATIVE | LINK_GENERIC | LINK_SHARED)
#define LINK_TC_FLAGS (LINK_TC | LINK_TCX | LINK_QDISC_OURS)

/* The functions here that return int return 0 or -errno. */

/* Attaches an XDP program with a bpf_link. flag: LINK_NATIVE or LINK_GENERIC. Returns -EBUSY if
 * another program is attached. */
int attach_xdp(__u32 ifindex, int program, __u16 flag, int *ret_link);

/* Attaches a program at the tc ingress. With tcx it sets *ret_link to a bpf_link and *ret_flags to
 * LINK_TC | LINK_TCX. Without tcx it adds a filter, and sets *ret_link to -1 and *ret_flags to
 * LINK_TC, with LINK_QDISC_OURS if it also made the qdisc. */
int attach_tc(__u32 ifindex, int program, int *ret_link, __u16 *ret_flags);

/* Attaches a program at the device's tc egress. *ret_link: fd of the bpf_link with tcx, or -1 if
 * the device has a filter. A filter of ours that is there already stays, with this program. */
int attach_egress(__u32 ifindex, int program, int *ret_link);
void detach_egress(__u32 ifindex);		/* removes our filters at the device's egress */

/* Replaces the program of our filter at the device's tc ingress. */
int attach_replace_filter(__u32 ifindex, int program);

/* Removes our filter at tc ingress, and the qdisc if we made it and nothing else uses it.
 * qdisc_ours: we made the qdisc, so it goes even if the filter is gone already. */
void detach_filter(__u32 ifindex, bool qdisc_ours);
/* Returns whether a device has our filter, which the kernel removes with its device or qdisc. */
bool attached_filter(__u32 ifindex);
/* Removes the filters with this program from all devices, as detach_filter() does. */
void detach_filters_of(int program);

/* Writes the ids of the BPF programs at the device's tc ingress: all programs of tcx, and those of
 * filters that we may have added. Returns their number, at most `room`. */
size_t attached_tc(__u32 ifindex, __u32 *ids, size_t room);
/* Returns the fd of an instance's pinned link that is still attached to its device. kind: "xdp" or
 * "tcx". Returns -ENOENT if there is none, -ENOLINK if it is not attached any more, or another
 * -errno, such as -EMFILE, if that is unknown. */
int attached_link(const char *instance, const char *kind, __u32 ifindex);
/* Writes the name of a BPF program, or "?", to ret, which has BPF_OBJ_NAME_LEN bytes. */
void program_name(__u32 id, char *ret);
/* Returns in words why the kernel or libxdp refused to attach a program. error: a positive
 * errno. */
const char *why_refused(int error);
