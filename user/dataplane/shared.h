/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Shares the XDP of a device with programs of other software: our program becomes a component of
 * libxdp's dispatcher. A component belongs to an instance if it uses the instance's map control, so
 * that components of a killed command are found too. dataplane/ and doctor/ include it.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "abi.h"

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
