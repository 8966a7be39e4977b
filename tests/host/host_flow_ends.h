/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What ends flows without a packet, in host_flows.h's terms.
 */
#ifndef HOST_FLOW_ENDS_H
#define HOST_FLOW_ENDS_H

#include "host_flows.h"

/* What the timers would do now */
static inline void flows_timers(void)
{
	for (__u32 i = 0; i < flows.n;) {
		struct flow_key key;
		struct flow *f = flow_at(i, &key);
		__u32 before = flows.n;

		if (key.direction == DIRECTION_ORIGINAL && f->armed)
			flow_expire(&flows, &key, f);
		i = flows.n < before ? 0 : i + 1;
	}
}

/* What user space asks for now and then; how many flows have no timer yet */
static inline __u32 flows_sweep(void)
{
	__u32 n = 0;

	for (__u32 i = 0; i < flows.n;) {
		struct flow_key key;
		bool wanted = !flow_at(i, &key)->armed && key.direction == DIRECTION_ORIGINAL;
		__u32 before = flows.n;

		n += wanted && flow_arm_or_end(&key);
		i++;
		if (flows.n < before)
			i = n = 0;
	}
	return n;
}

#endif
