/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Shares a device's XDP with other owners' programs: ours is one component of libxdp's dispatcher.
 * A component is an instance's if it uses the instance's map control, so that those of a killed
 * command are found as well. Attaching and `down` use it.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include "abi.h"

#define SHARED_MAX 10			/* components of a dispatcher */

struct xdp_program;

/* Whether this process may share a device: libxdp asks for programs by their ids, which takes
 * CAP_SYS_ADMIN. 0; or -EPERM, reported with the name of the interface. */
int shared_permitted(const char *interface);
/* Whether this XDP program is libxdp's dispatcher, of whatever version. */
bool shared_is_dispatcher(__u32 program_id);
/* The id of a device's XDP program; 0: none. */
__u32 shared_program(__u32 ifindex);
/* LINK_NATIVE or LINK_GENERIC, as the device's dispatcher is attached; 0: there is none. */
__u16 shared_mode(__u32 ifindex);
/* Ids of the components in a device's dispatcher that use the map control; -1: of all
 * components. */
size_t shared_components(__u32 ifindex, int control, __u32 ids[SHARED_MAX]);

/* Helpers that a component may not call; 0 ends the list. The functions of libxdp's dispatcher
 * change no packet (before 1.5.5), and newer kernels (6.13, 6.12's later ones) let no program take
 * their place that calls one of these, even in code that a switch leaves out. So these calls fail
 * (-EINVAL), and tc sends the packet instead: one that changes its number of VLAN tags or its
 * family (head), or has bytes behind its end (tail). */
extern const enum bpf_func_id shared_refused[];
/* Adds a component. 0 or -errno; -ENOSYS: the kernel refuses what the dispatcher needs. */
int shared_attach(__u32 ifindex, struct xdp_program *program, __u16 flag);
/* Removes the instance's components except the one with the id keep; others stay. Removes what a
 * device that is gone left, too. */
int shared_detach(__u32 ifindex, int control, __u32 keep);
/* Does the same at every device. */
void shared_detach_all(int control);
