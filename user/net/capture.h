/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads files of packets such as those of tcpdump(8): pcap and pcapng in either byte order, with
 * Ethernet frames or raw IP packets. `trace` uses it.
 */
#pragma once
#include <net/if.h>
#include <stdio.h>
#include "abi.h"

#define CAPTURE_MAX 9216		/* longest frame in bytes; a longer one has no .bytes */

struct capture_frame {
	/* Interface that captured it; "": the file does not tell. */
	char interface[IFNAMSIZ];
	/* Bytes of the packet: len in the file, whole on the wire. */
	__u32 len, whole;
	__u8 bytes[CAPTURE_MAX];
};

struct capture;

/* Opens a file, or standard input for "-". Returns 0, or -errno after printing an error. */
int capture_open(const char *path, struct capture **ret);
/* Reads the next packet. A raw IP packet gets an Ethernet header in front, with zero addresses.
 * Returns 1, 0 at the end of the file, or -errno after printing an error. */
int capture_next(struct capture *c, struct capture_frame *ret);
