/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * dataplane: which programs and maps there are in the object, for those who load it: the instance's own, and its shadow.
 */
#pragma once
#include "dataplane.h"

struct wgxdp;
struct bpf_program;

/* Sets of programs: with the relay or without, and of these plain, with flows, with the guard, with the blind relay */
#define PROGRAM_SETS 8

extern const char *const dataplane_map_names[MAP_COUNT], *const dataplane_program_names[PROGRAM_COUNT];

/* Of a set; the same name is pinned for each */
struct bpf_program *dataplane_program(const struct wgxdp *s, enum dataplane_program program, int set);
/* Before load: how the verifier is to walk them */
void dataplane_program_flags(const struct wgxdp *s);
/* Over the object and everything set in it before load: equal means that loading it again would give the same */
__u64 dataplane_program_hash(const struct wgxdp *s);
