/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Files of packets as tcpdump(8) writes them: pcap and pcapng are read, of either byte order; pcap is written. Ethernet frames, and
 * raw IP, in front of which an Ethernet header is put.
 */
#pragma once
#include <net/if.h>
#include <stdio.h>
#include "abi.h"

#define CAPTURE_MAX 9216		/* bytes of a frame; of longer ones it is an error */

struct capture_frame {
	__u64 ns;			/* since 1970 */
	char interface[IFNAMSIZ];	/* by which it came; "": the file does not say */
	__u32 len, whole;		/* bytes there are, and that it had */
	__u8 bytes[CAPTURE_MAX];
};

struct capture;

/* "-": standard input. Errors are told. */
int capture_open(const char *path, struct capture **ret);
/* 1, or 0 at the end, or -errno, told */
int capture_next(struct capture *c, struct capture_frame *ret);
void capture_close(struct capture *c);

/* A pcap file with times in nanoseconds: its head, and a frame. 0 or -errno (EOF: -EIO) */
int capture_write_head(FILE *to);
int capture_write(FILE *to, __u64 ns, const void *frame, __u32 len, __u32 whole);
