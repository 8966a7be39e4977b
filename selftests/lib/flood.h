/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * flood.c and its BPF program share this struct, in .bss and mapped into both: settings for the program, and its
 * counters.
 */
#ifndef WGXDP_FLOOD_H
#define WGXDP_FLOOD_H

#define FLOOD_HEAD 56			/* bytes that the program writes for each packet: headers, message type, index, begin of the key */

struct flood_job {
	unsigned long long head[FLOOD_HEAD / 8];
	unsigned int device;		/* ifindex */
	unsigned int base;		/* the first source, host order */
	unsigned int sources, at;
	unsigned long long sent;
};

#endif
