/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bench's user space and its BPF programs share this struct, in .bss and mapped into both: orders, and counters.
 * Sender, forwarder and sink run on one CPU, so plain counters are enough. */
#pragma once
#include <linux/types.h>

#define HEAD 80				/* bytes that the sender writes again for every packet: all headers and the mark */
#define MARK 0x68636e6200000004ULL	/* first payload bytes: WireGuard's type 4 and an index that nothing else uses */
#define COUNTER 0x1716151413121110ULL	/* the next bytes, if the index varies: a number that no data message has */

enum { TARGET_REDIRECT, TARGET_PARSE, TARGET_WGXDP, TARGET_OTHER, TARGETS };	/* targets of a test-run */

struct bench_job {
	/* the sender */
	__u64 head[HEAD / 8];
	__u32 family;			/* 4 or 6 */
	__u32 port;			/* slot of `ports` to send to */
	__u32 vary;			/* offset of the four address bytes that name the client */
	__u32 base;			/* their value for client 0, host order */
	__u32 clients, stride, at;
	__u32 index_varies;		/* those four bytes belong to the mark, not to the headers */
	/* the runner of a test-run */
	__u32 target;
	__u32 length;			/* length of the frame */
	__u32 moves;			/* the target changes the length of the header */
	/* the sink: what its packets must look like */
	__u32 expect_at;		/* offset of the address that the path must have written there */
	__u32 expect_port_at;
	__u32 expect[4];
	__u16 expect_port, expect_ttl;
	__u32 arrives;			/* family of the packet that arrives */
	/* counted */
	__u64 sent, sunk, other;
	__u64 fenced;			/* bench_fresh adds to it, and so waits until its stores are done */
};
