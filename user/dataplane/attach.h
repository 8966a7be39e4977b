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

#define XDP_MODES (LINK_NATIVE | LINK_GENERIC)

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

/* ---- beside programs of other software, in the dispatcher of libxdp ----
 * Our program becomes a component of the dispatcher. A component belongs to an instance if it
 * uses the instance's map control, so that components of a killed command are found too. */

#define SHARED_MAX 10	/* components that one dispatcher has room for, as in libxdp */

struct xdp_program;

/* Checks whether this process may share a device's XDP with other programs: libxdp opens programs
 * by their ids, which needs CAP_SYS_ADMIN. Other users must not be able to write to libxdp's
 * directory of pins. Returns 0, or -EPERM after printing an error. */
int shared_permitted(const char *interface);
/* Returns whether this XDP program is a dispatcher of libxdp, of any version. */
bool shared_is_dispatcher(__u32 program_id);
/* Returns the id of the XDP program of a device; 0: none. */
__u32 shared_program(__u32 ifindex);
/* Returns how the dispatcher of a device is attached, LINK_NATIVE or LINK_GENERIC; 0: there is
 * none. */
__u16 shared_mode(__u32 ifindex);
/* Writes the ids of the components in a device's dispatcher. control: fd of an instance's map, to
 * list only its components; -1: all. Returns their number. */
size_t shared_components(__u32 ifindex, int control, __u32 ids[SHARED_MAX]);

/* Helpers that a component may not call, a list that ends with 0. They change the packet, while the
 * functions of libxdp's dispatcher before 1.5.5, which components replace, do not. Kernels from
 * 6.13 on (and later 6.12.x) refuse such a replacement, even for calls that never run. In a
 * component these calls return -EINVAL instead, and tc sends the packets that need them: those
 * whose number of VLAN tags or family changes (adjust_head), or with bytes after their end
 * (adjust_tail). */
extern const enum bpf_func_id shared_refused[];
/* Adds our program to the device's dispatcher. Returns 0 or -errno; -ENOSYS if the kernel lacks a
 * feature that the dispatcher needs. */
int shared_attach(__u32 ifindex, struct xdp_program *program, __u16 flag);
/* Removes the instance's components from a device, except the one with the id `keep` (0: none).
 * Other software's components stay. Also removes what is left of the dispatchers of devices that no
 * longer exist. */
int shared_detach(__u32 ifindex, int control, __u32 keep);
/* Removes the components of the instance from all devices. */
void shared_detach_all(int control);
