/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * dataplane: the program by which the daemon sends cookie replies, pinned while a service
 * challenges.
 */
#include <bpf/libbpf.h>
#include "dataplane/pins.h"
#include "dataplane/dataplane.h"
#include "wgxdp.skel.h"

void dataplane_pin_answer(struct dataplane *dp, const char *suffix)
{
	const struct bpf_program *answer = dp->skeleton->progs.wgxdp_answer;

	if (bpf_program__autoload(answer))
		pin_set(bpf_program__fd(answer), dp->instance, suffix, PIN_ANSWER);
	else
		pin_remove(dp->instance, PIN_ANSWER);
}
