/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What flood.c tells its BPF program, and what that counts: one struct in .bss, mapped into both.
 */
#ifndef WGXDP_FLOOD_H
#define WGXDP_FLOOD_H

#define FLOOD_HEAD 56			/* bytes that are written anew: headers, and of the message type, index and a little of its key */

struct flood_job {
	unsigned long long head[FLOOD_HEAD / 8];
	unsigned int device;		/* ifindex */
	unsigned int base;		/* the first source, host order */
	unsigned int sources, at;
	unsigned long long sent;
};

#endif
