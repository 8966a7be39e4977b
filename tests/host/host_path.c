// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * See host_path.h.
 */
#ifndef WGXDP_HOST
#define WGXDP_HOST
#endif
#include "host_path.h"

PATH int path_express(struct host_packet *packet, __u32 ifindex)
{
	int verdict = express_first(packet, ifindex);

	if (verdict == EXPRESS_MISS)
		packet->egress = 0;	/* the kernel redirects only if the verdict says so */
	return verdict;
}

PATH int path_pipeline(struct host_packet *packet, enum plane plane, __u32 ifindex, bool bare)
{
	return run(packet, plane, ifindex, bare, HOST_PASS, HOST_DROP);
}
