/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * dataplane: arms flows that have no timer and ends halves of flows, which no packet does.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "dataplane/dataplane.h"
#include "lib/grow.h"
#include "lib/jiffies.h"
#include "wgxdp.skel.h"

#define PIN_ARM "progs/wgxdp_flow_arm"
#define YOUNG_SECONDS 10
/* Sweeps between searches for halves. A search looks up the other direction of each flow, and only
 * a writer killed between its two writes leaves a half. */
#define HALVES_EACH 10

struct sweep {
	const struct dataplane *dp;
	/* Jiffies: in a flow made after this, the other direction may be about to come. */
	__u64 young;
	bool halves;			/* this sweep looks for halves */
	struct flow_key *keys;
	size_t n;
};

/* The original's entry has the timer for both directions; a reply without an original is a half. */
static int find_untimed(void *data, const struct flow_key *key, const struct flow *flow)
{
	struct sweep *s = data;
	bool original = key->direction == DIRECTION_ORIGINAL;
	struct flow_key *place;
	struct flow other;

	if (original ? flow->armed : !s->halves || flow->since >= s->young ||
				     dataplane_flow_other(s->dp, key, flow, &other))
		return 0;
	place = append(s->keys, s->n);
	if (!place)
		return -ENOMEM;
	*place = *key;
	return 0;
}

static bool arm_flow(int program, const struct flow_key *key)
{
	unsigned char frame[ETH_HLEN + sizeof(*key)] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = 1);

	memcpy(frame + ETH_HLEN, key, sizeof(*key));
	return !bpf_prog_test_run_opts(program, &run) && !run.retval;
}

int dataplane_sweep_flows(const struct dataplane *dp)
{
	int program = pin_get(dp->instance, PIN_ARM), rc, n = 0;
	static unsigned int sweeps;
	struct sweep s = { .dp = dp,
			   .young = jiffies_now() - YOUNG_SECONDS * jiffies_a_second(),
			   .halves = !(sweeps++ % HALVES_EACH) };

	if (program < 0)
		return 0;			/* the running programs know no flows */
	rc = dataplane_flow_entries(dp, find_untimed, &s);
	for (size_t i = 0; i < s.n && !rc; i++)
		if (s.keys[i].direction == DIRECTION_ORIGINAL)
			n += !arm_flow(program, &s.keys[i]);
		else
			bpf_map_delete_elem(map_fd(dp, MAP_flows), &s.keys[i]);
	free(s.keys);
	close(program);
	return rc ?: n;
}

void dataplane_pin_arm(struct dataplane *dp, const struct plan *p, const char *suffix)
{
	if (p->n_flows)
		pin_set(bpf_program__fd(dp->skeleton->progs.wgxdp_flow_arm), dp->instance, suffix,
			PIN_ARM);
	else
		pin_remove(dp->instance, PIN_ARM);
}
