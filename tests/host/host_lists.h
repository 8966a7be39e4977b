/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Two lists of the host plane's maps, which the linker makes from bpf/maps.h: all maps, and the
 * maps of which each CPU has its own. With them a test keeps, clears or compares maps without a
 * list of its own. Include this file before bpf/maps.h.
 */
#ifndef HOST_LISTS_H
#define HOST_LISTS_H

#ifdef WGXDP_MAPS_H
#error "bpf/maps.h came first: its maps are in no list"
#endif
#include "host/host_maps.h"

extern struct host_map *__start_host_maps[], *__stop_host_maps[];
extern struct host_map *__start_host_cpu_maps[], *__stop_host_cpu_maps[];

#define LIST_IN(list_, name_) \
	static struct host_map *name_##_in_##list_ __attribute__((section(#list_), used)) = &name_
#define LIST_ARRAY(name_)
#define LIST_HASH(name_)
#define LIST_LRU_HASH(name_)
#define LIST_LPM_TRIE(name_)
#define LIST_PERCPU_ARRAY(name_) LIST_IN(host_cpu_maps, name_);
#define LIST_PERCPU_HASH(name_) LIST_IN(host_cpu_maps, name_);

/* Defines the map, and adds it to the lists */
#undef MAP
#define MAP(name_, type_, key_, value_, n_, flags_) \
	HOST_MAP(name_, type_, key_, value_, n_); \
	LIST_##type_(name_) \
	LIST_IN(host_maps, name_)

#define EACH_HOST_MAP(m) struct host_map **m = __start_host_maps; m < __stop_host_maps; m++
#define EACH_CPU_MAP(m) struct host_map **m = __start_host_cpu_maps; m < __stop_host_cpu_maps; m++

#endif
