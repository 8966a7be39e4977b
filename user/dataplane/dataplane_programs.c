/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements dataplane_programs.h.
 */
#include <elf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include "dataplane/dataplane_programs.h"
#include "lib/hash.h"
#include "wgxdp.skel.h"

struct bpf_program *dataplane_program(const struct wgxdp *s, enum dataplane_program program)
{
	return bpf_object__find_program_by_name(s->obj, dataplane_program_names[program]);
}

struct bpf_map *dataplane_map(const struct wgxdp *s, enum dataplane_map map)
{
	return bpf_object__find_map_by_name(s->obj, dataplane_map_names[map]);
}

__u64 dataplane_program_hash(const struct wgxdp *s)
{
	__typeof__(*s->rodata) switches = *s->rodata;
	static __u64 of_elf;		/* hash of the object's file; 0: not computed yet */
	size_t n;
	const void *elf = wgxdp__elf_bytes(&n);
	__u64 h = of_elf = of_elf ?: hash_bytes(HASH_START, elf, n);
	struct bpf_program *program;
	struct bpf_map *map;

	switches.hash_key0 = switches.hash_key1 = 0;	/* these constants differ by instance */
	memset((void *)&switches.learned_secret, 0, sizeof(switches.learned_secret));
	h = hash_bytes(h, &switches, sizeof(switches));
	bpf_object__for_each_map(map, s->obj)
		h = (h ^ bpf_map__max_entries(map)) * HASH_PRIME;
	bpf_object__for_each_program(program, s->obj)
		h = (h ^ bpf_program__autoload(program)) * HASH_PRIME;
	return h;
}

/* ---- the object with some helper calls replaced ---- */

/* The calls are replaced in a copy of the ELF file. Helper calls have no relocations there, and the
 * file also contains the functions that libbpf appends to a program when it loads it.
 *
 * libbpf_register_prog_handler() cannot be used instead: libbpf 1.1 frees its table of handlers
 * twice, and since 1.3 it drops the handler of a program that libxdp makes an extension. */
static bool is_replaced(const struct bpf_insn *insn, const enum bpf_func_id *helpers)
{
	if (insn->code != (BPF_JMP | BPF_CALL) || insn->src_reg)
		return false;
	for (; *helpers; helpers++)
		if (insn->imm == (__s32)*helpers)
			return true;
	return false;
}

static void replace_calls(char *elf, const enum bpf_func_id *helpers, int result)
{
	const Elf64_Ehdr *head = (const Elf64_Ehdr *)elf;
	const Elf64_Shdr *sections = (const Elf64_Shdr *)(elf + head->e_shoff);

	for (int i = 0; i < head->e_shnum; i++) {
		struct bpf_insn *insns = (struct bpf_insn *)(elf + sections[i].sh_offset);

		if (!(sections[i].sh_flags & SHF_EXECINSTR))
			continue;
		for (size_t j = 0; j < sections[i].sh_size / sizeof(*insns); j++)
			if (is_replaced(&insns[j], helpers))
				insns[j] = (struct bpf_insn){
					.code = BPF_ALU64 | BPF_MOV | BPF_K,
					.dst_reg = BPF_REG_0,
					.imm = result,
				};
	}
}

static int open_copy(struct wgxdp *s, const enum bpf_func_id *helpers, int result)
{
	int rc = wgxdp__create_skeleton(s);
	char *copy = rc ? NULL : malloc(s->skeleton->data_sz);

	if (!copy)
		return rc ?: -ENOMEM;
	memcpy(copy, s->skeleton->data, s->skeleton->data_sz);
	replace_calls(copy, helpers, result);
	s->skeleton->data = copy;
	rc = bpf_object__open_skeleton(s->skeleton, NULL);
	free(copy);
	s->skeleton->data = NULL;
	return rc;
}

struct wgxdp *dataplane_open_without(const enum bpf_func_id *helpers, int result)
{
	struct wgxdp *s = calloc(1, sizeof(*s));
	int rc = s ? open_copy(s, helpers, result) : -ENOMEM;

	if (!rc)
		return s;
	wgxdp__destroy(s);
	errno = -rc;
	return NULL;
}
