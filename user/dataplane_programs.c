/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * dataplane: the names of programs and maps, and what tells one loaded object from another.
 */
#include <stdio.h>
#include <linux/bpf.h>
#include "dataplane_programs.h"
#include "wgxdp.skel.h"

const char *const dataplane_map_names[MAP_COUNT] = {
#define X(name) #name,
	DATAPLANE_MAPS(X)
#undef X
};

const char *const dataplane_program_names[PROGRAM_COUNT] = {
#define X(name) #name,
	DATAPLANE_PROGRAMS(X)
#undef X
};

/* Those that know the relay, flows, the guard or the blind relay (and flows), or both are pinned under the same names: a firewall's carry nothing of it */
static const char *const program_sets[PROGRAM_SETS] = { "", "_relay", "_flows", "_relay_flows", "_guard", "_relay_guard", "_blind", "_relay_blind" };

struct bpf_program *dataplane_program(const struct wgxdp *s, enum dataplane_program program, int set)
{
	char name[64];

	snprintf(name, sizeof(name), "%s%s", dataplane_program_names[program], program_sets[set]);
	return bpf_object__find_program_by_name(s->obj, name);
}

/* A relay beside the blind relay, in tc: 6.1's verifier walks more than the million instructions that it has patience for, and 911,000
 * if it remembers a state at each jump; 6.18 walks fewer then, too. (The kernel's own tests are what the flag was made for.) */
void dataplane_program_flags(const struct wgxdp *s)
{
	bpf_program__set_flags(s->progs.wgxdp_tc_relay_blind, BPF_F_TEST_STATE_FREQ);
	bpf_program__set_flags(s->progs.wgxdp_tc_l3_relay_blind, BPF_F_TEST_STATE_FREQ);
}

/* FNV-1a */
__u64 dataplane_program_hash(const struct wgxdp *s)
{
	__u64 h = 0xcbf29ce484222325ULL;
	size_t n;
	const unsigned char *elf = wgxdp__elf_bytes(&n);
	struct bpf_program *program;
	struct bpf_map *map;

	for (size_t i = 0; i < n; i++)
		h = (h ^ elf[i]) * 0x100000001b3ULL;
	for (size_t i = 0; i < sizeof(*s->rodata); i++)
		h = (h ^ ((const unsigned char *)s->rodata)[i]) * 0x100000001b3ULL;
	bpf_object__for_each_map(map, s->obj)
		h = (h ^ bpf_map__max_entries(map)) * 0x100000001b3ULL;
	bpf_object__for_each_program(program, s->obj)
		h = (h ^ bpf_program__autoload(program)) * 0x100000001b3ULL;
	return h;
}
