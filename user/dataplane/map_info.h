/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What the kernel says about a map. Everything that opens maps may include it.
 */
#pragma once
#include <bpf/bpf.h>

/* All zero: there is no such map. */
static inline struct bpf_map_info map_info(int map)
{
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info);

	return map >= 0 && !bpf_obj_get_info_by_fd(map, &info, &len) ? info :
	       (struct bpf_map_info){ 0 };
}

/* Elements that the map has room for. */
static inline __u32 map_entries(int map)
{
	return map_info(map).max_entries;
}
