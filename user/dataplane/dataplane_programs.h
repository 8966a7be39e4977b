/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The programs and maps of the BPF object, for the files of dataplane/ that load it.
 */
#pragma once
#include <linux/bpf.h>
#include "dataplane/dataplane.h"
#include "plan/uniform.h"

struct wgxdp;
struct bpf_program;
struct bpf_map;

extern const char *const dataplane_map_names[MAP_COUNT];
extern const char *const dataplane_program_names[PROGRAM_COUNT];

struct bpf_program *dataplane_program(const struct wgxdp *s, enum dataplane_program program);
struct bpf_map *dataplane_map(const struct wgxdp *s, enum dataplane_map map);
/* Opens the object with each call of one of these helpers (a list that ends with 0) replaced by a
 * constant result. Returns NULL and sets errno on failure, as wgxdp__open() does. */
struct wgxdp *dataplane_open_without(const enum bpf_func_id *helpers, int result);
/* Copies the entries of a former map `endpoints` to its larger successor. Until the daemon writes
 * the new map, the programs would know no site. */
void dataplane_carry_endpoints(const struct dataplane *dp);
/* Copies the flows of the tables that new ones replace, except flows that these have already. */
void dataplane_carry_flows(const struct dataplane *dp);
/* Adds to the flows what the express path of replaced programs has counted. */
void dataplane_flows_add_former(const struct dataplane *dp);

/* Settings of the object before it is loaded: the maps' sizes, the constants, and which programs
 * are loaded besides wgxdp_xdp and wgxdp_tc. They can be compared with the running programs without
 * opening the object, which takes longer than the rest of a pass. */
struct load_settings {
	__u32 entries[MAP_COUNT];
	bool tc_l3, express, flow_end, send, blind_put, tc_egress;
	struct wgxdp__rodata *rodata;
};
/* Fills in the object's defaults. *ret stays valid until the next call. Returns 0 or -errno. */
int dataplane_settings(struct load_settings **ret);
void dataplane_settings_apply(const struct load_settings *set, struct wgxdp *s);
/* Returns a hash of the object and its settings. With equal hashes, equal programs are loaded. */
__u64 dataplane_settings_hash(const struct load_settings *set);

/* Writes the differences of a block to the map `uniform`, and sets *written if there are any. map,
 * control: fds of the maps. Until the caller calls control_forget(control, true, true), the data
 * path does not use the map, so no packet uses a half-written map. Returns 0 or -errno. */
int dataplane_uniform(int map, int control, const struct uniform *u, __u32 block, bool *written);

/* ---- the kernel's structures ----
 * Reads the layout of the kernel's structures from its BTF, for the programs that count unsent
 * packets. */

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"

struct member_place {
	const char *of, *member; /* names of the structure and of its member */
	int offset;		 /* in bytes; -ENOENT: not found */
};

/* Sets the offset of each of n members from a file with raw BTF. If the file is missing or cannot
 * be read, all offsets are -ENOENT. Malformed data ends the search. */
void btf_find(const char *path, struct member_place *places, int n);
