/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * dataplane: the object's programs and maps, and the hash that tells one loaded object from another.
 */
#include <linux/bpf.h>
#include "dataplane/dataplane_programs.h"
#include "wgxdp.skel.h"

struct bpf_program *dataplane_program(const struct wgxdp *s, enum dataplane_program program)
{
	return bpf_object__find_program_by_name(s->obj, dataplane_program_names[program]);
}

struct bpf_map *dataplane_map(const struct wgxdp *s, enum dataplane_map map)
{
	return bpf_object__find_map_by_name(s->obj, dataplane_map_names[map]);
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
