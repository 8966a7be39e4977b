/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * All test programs share one object of the data path, host_path.o, because a compiler needs ten
 * seconds for it. A test that replaces macros of the data path defines OWN_PATH before it includes
 * this header. Such a test compiles the data path itself.
 */
#ifndef HOST_PATH_H
#define HOST_PATH_H

#include "pipeline.h"

#ifdef OWN_PATH
#define PATH static inline
#else
#define PATH
#endif

/* The express path. Returns enum host_verdict, or EXPRESS_MISS. ifindex: the device that received
 * the packet. */
PATH int path_express(struct host_packet *packet, __u32 ifindex);
/* The pipeline. bare: the packet has no Ethernet header. Returns enum host_verdict. */
PATH int path_pipeline(struct host_packet *packet, enum plane plane, __u32 ifindex, bool bare);

#ifdef OWN_PATH
#include "host_path.c"
#endif

#endif
