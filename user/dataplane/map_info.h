/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads information about a map or a program from the kernel, and maps a map into memory. Any file
 * that opens maps may include it.
 */
#pragma once
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/mman.h>

/* Returns the information about a map, or zeros if there is no such map. */
static inline struct bpf_map_info map_info(int map)
{
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info);

	return map >= 0 && !bpf_obj_get_info_by_fd(map, &info, &len) ? info :
	       (struct bpf_map_info){ 0 };
}

/* Returns the number of elements that the map has room for; 0 if there is no such map. */
static inline __u32 map_entries(int map)
{
	return map_info(map).max_entries;
}

/* Returns the bytes that the kernel returns for a value: in a per-CPU map, those of all CPUs. */
static inline size_t map_value_size(int map)
{
	struct bpf_map_info info = map_info(map);

	return info.type == BPF_MAP_TYPE_PERCPU_ARRAY || info.type == BPF_MAP_TYPE_PERCPU_HASH ?
	       (info.value_size + 7) / 8 * 8 * (size_t)libbpf_num_possible_cpus() : info.value_size;
}

/* Returns the information about a program, or zeros if there is no such program. */
static inline struct bpf_prog_info program_info(int program)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);

	return program >= 0 && !bpf_obj_get_info_by_fd(program, &info, &len) ? info :
	       (struct bpf_prog_info){ 0 };
}

/* Maps the first n bytes of a map with BPF_F_MMAPABLE into memory. protection: as for mmap(). The
 * caller calls munmap(). Returns NULL and sets errno on failure. */
static inline void *map_memory(int map, size_t n, int protection)
{
	void *memory = mmap(NULL, n, protection, MAP_SHARED, map, 0);

	return memory == MAP_FAILED ? NULL : memory;
}
