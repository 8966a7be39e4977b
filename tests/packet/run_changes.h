/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Finds which of the maps in $STATE a packet has changed, by a sum over all contents before and after. Maps larger
 * than STATE_LARGE are read only on request, because that takes milliseconds. Maps larger than STATE_MOST are read
 * only on the host plane, whose maps are small. Part of run_packets.c.
 */
#ifndef RUN_CHANGES_H
#define RUN_CHANGES_H

#include <bpf/bpf.h>
#include <stdlib.h>
#include <string.h>
#include "dataplane/map_info.h"
#include "host/host_plane.h"

enum { STATES = 32, STATE_LARGE = 64 << 10, STATE_MOST = 8 << 20 };

static struct {
	char name[16];
	int fd;
	__u32 n, key_size, value_size;	/* n: entries of an array; 0: a hash */
	bool large;
	__u64 sum;
} states[STATES];
static __u32 n_states;
static char *state_values;

static inline __u64 state_sum(__u64 sum, const void *from, size_t size)
{
	const __u8 *b = from;
	__u64 word;

	for (; size >= sizeof(word); b += sizeof(word), size -= sizeof(word)) {
		memcpy(&word, b, sizeof(word));
		sum = (sum ^ word) * 0x9fb21c651e98df25ULL;
		sum ^= sum >> 29;
	}
	while (size--)
		sum = (sum ^ *b++) * 0x100000001b3ULL;
	return sum;
}

static inline __u64 state_of_array(__u32 i)
{
	__u32 batch, n = states[i].n, first = 0;
	static __u32 *keys;

	if (!keys)
		keys = malloc(STATE_MOST);
	if (!keys || bpf_map_lookup_batch(states[i].fd, NULL, &batch, keys, state_values, &n, NULL) || n != states[i].n)
		die(states[i].name);
	return state_sum(first, state_values, (size_t)n * states[i].value_size);
}

/* In any order of its entries */
static inline __u64 state_of_hash(__u32 i)
{
	char key[2][128];
	__u64 sum = 0;
	int turn = 0;

	for (void *last = NULL; !bpf_map_get_next_key(states[i].fd, last, key[turn]); last = key[turn], turn ^= 1)
		if (!bpf_map_lookup_elem(states[i].fd, key[turn], state_values))
			sum += state_sum(state_sum(1, key[turn], states[i].key_size), state_values, states[i].value_size);
	return sum;
}

/* Returns a bit for each map that has changed since the last call */
/* large: a bit for each of the large ones that is asked */
static inline __u32 state_changed(bool on_host, __u32 large)
{
	__u32 changed = 0;

	for (__u32 i = 0; i < n_states; i++) {
		__u64 sum = states[i].large && !(large >> i & 1) ? states[i].sum : on_host ? host_plane_sum(states[i].name) : states[i].fd < 0 ? 0 :
			    states[i].n ? state_of_array(i) : state_of_hash(i);

		changed |= (sum != states[i].sum) << i;
		states[i].sum = sum;
	}
	return changed;
}

static inline void state_setup(bool on_host)
{
	const char *names = getenv("STATE");
	char *copy = names ? strdup(names) : NULL, *rest = copy, *name;

	state_values = malloc(STATE_MOST);
	while (copy && state_values && (name = strsep(&rest, ",")) && n_states < STATES) {
		snprintf(states[n_states].name, sizeof(states[0].name), "%s", name);
		states[n_states].large = on_host && host_plane_bytes(name) > STATE_LARGE / 8;
		if (!on_host) {
			int fd = pinned(name);
			struct bpf_map_info info = map_info(fd);

			states[n_states].fd = (size_t)info.max_entries * info.value_size > STATE_MOST && info.type == BPF_MAP_TYPE_ARRAY ? -1 : fd;
			states[n_states].n = info.type == BPF_MAP_TYPE_ARRAY ? info.max_entries : 0;
			states[n_states].key_size = info.key_size;
			states[n_states].value_size = (info.value_size + 7) & ~7U;
			states[n_states].large = info.type == BPF_MAP_TYPE_ARRAY && (size_t)info.max_entries * info.value_size > STATE_LARGE;
		}
		n_states++;
	}
	free(copy);
	state_changed(on_host, -1);
}

#endif
