/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * dataplane: the object's programs and maps, for the files that load it: the instance's own, and
 * its shadow.
 */
#pragma once
#include <linux/bpf.h>
#include "dataplane/dataplane.h"

struct wgxdp;
struct bpf_program;
struct bpf_map;

extern const char *const dataplane_map_names[MAP_COUNT];
extern const char *const dataplane_program_names[PROGRAM_COUNT];

struct bpf_program *dataplane_program(const struct wgxdp *s, enum dataplane_program program);
struct bpf_map *dataplane_map(const struct wgxdp *s, enum dataplane_map map);
/* Opens the object with each call of these helpers (a list that ends with 0) replaced by their
 * result. NULL: see errno, as with wgxdp__open(). */
struct wgxdp *dataplane_open_without(const enum bpf_func_id *helpers, int result);
/* A hash of the object and of everything set in it before load. Equal: loading it again would give
 * the same. */
__u64 dataplane_program_hash(const struct wgxdp *s);
