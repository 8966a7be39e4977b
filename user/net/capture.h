/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Files of packets as tcpdump(8) writes them. Reads pcap and pcapng of either byte order, with
 * Ethernet frames or with raw IP, in front of which it puts an Ethernet header. Writes pcap.
 * `trace` and `monitor` use it.
 */
#pragma once
#include <net/if.h>
#include <stdio.h>
#include "abi.h"

#define CAPTURE_MAX 9216		/* bytes of a frame; a longer one is an error */

struct capture_frame {
	__u64 ns;			/* since 1970 */
	char interface[IFNAMSIZ];	/* where the packet came in; "": the file does not say */
	__u32 len, whole;		/* bytes that the file has, and that the packet had */
	__u8 bytes[CAPTURE_MAX];
};

struct capture;

/* Opens a file; "-": standard input. 0 or -errno, reported. */
int capture_open(const char *path, struct capture **ret);
/* Reads a packet. 1; 0: the end; -errno, reported. */
int capture_next(struct capture *c, struct capture_frame *ret);
void capture_close(struct capture *c);

/* Write a pcap file with times in nanoseconds: its header, and a frame. 0 or -EIO. */
int capture_write_head(FILE *to);
int capture_write(FILE *to, __u64 ns, const void *frame, __u32 len, __u32 whole);
