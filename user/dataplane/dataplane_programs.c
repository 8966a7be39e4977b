/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <elf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include "dataplane/dataplane_programs.h"
#include "lib/hash.h"
#include "lib/memory.h"
#include "wgxdp.skel.h"

struct bpf_program *dataplane_program(const struct wgxdp *s, enum dataplane_program program)
{
	return bpf_object__find_program_by_name(s->obj, dataplane_program_names[program]);
}

struct bpf_map *dataplane_map(const struct wgxdp *s, enum dataplane_map map)
{
	const char *name = map == MAP_control	     ? ".data.control" :
			   map == MAP_express_cpus ? ".bss" :
						     dataplane_map_names[map];

	return bpf_object__find_map_by_name(s->obj, name);
}

/* ---- settings ---- */

int dataplane_settings(struct load_settings **ret)
{
	static struct wgxdp__rodata rodata, defaults;
	static struct load_settings set, unset;
	struct wgxdp *s;

	if (!unset.rodata) {
		s = wgxdp__open();
		if (!s)
			return -errno;
		defaults = *s->rodata;
		for (int i = 0; i < MAP_COUNT; i++)
			unset.entries[i] = bpf_map__max_entries(dataplane_map(s, i));
		wgxdp__destroy(s);
		unset.rodata = &rodata;
	}
	rodata = defaults;
	set = unset;
	*ret = &set;
	return 0;
}

void dataplane_settings_apply(const struct load_settings *set, struct wgxdp *s)
{
	*s->rodata = *set->rodata;
	for (int i = 0; i < MAP_COUNT; i++)
		bpf_map__set_max_entries(dataplane_map(s, i), set->entries[i]);
	bpf_program__set_autoload(s->progs.wgxdp_tc_l3, set->tc_l3);
	bpf_program__set_autoload(s->progs.wgxdp_express, set->express);
	bpf_program__set_autoload(s->progs.wgxdp_flow_end, set->flow_end);
	bpf_program__set_autoload(s->progs.wgxdp_send, set->send);
	bpf_program__set_autoload(s->progs.wgxdp_blind_put, set->blind_put);
	bpf_program__set_autoload(s->progs.wgxdp_tc_egress, set->tc_egress);
}

__u64 dataplane_settings_hash(const struct load_settings *set)
{
	static __u64 of_elf;		/* hash of the object's file; 0: not computed yet */
	struct wgxdp__rodata switches = *set->rodata;
	bool loaded[] = { set->tc_l3, set->express, set->flow_end, set->send, set->blind_put,
			  set->tc_egress };
	size_t n;
	const void *elf = wgxdp__elf_bytes(&n);
	__u64 h = of_elf = of_elf ?: hash_bytes(HASH_START, elf, n);

	/* These constants differ by instance. */
	switches.hash_key0 = switches.hash_key1 = 0;
	memset((void *)&switches.learned_secret, 0, sizeof(switches.learned_secret));
	h = hash_bytes(h, &switches, sizeof(switches));
	h = hash_bytes(h, set->entries, sizeof(set->entries));
	return hash_bytes(h, loaded, sizeof(loaded));
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

struct wgxdp *dataplane_open_without(const enum bpf_func_id *helpers, int result)
{
	struct wgxdp *s = xcalloc(1, sizeof(*s));
	int rc = wgxdp__create_skeleton(s);
	char *copy;

	if (!rc) {
		copy = xmalloc(s->skeleton->data_sz);
		memcpy(copy, s->skeleton->data, s->skeleton->data_sz);
		replace_calls(copy, helpers, result);
		s->skeleton->data = copy;
		rc = bpf_object__open_skeleton(s->skeleton, NULL);
		free(copy);
		s->skeleton->data = NULL;
	}
	if (!rc)
		return s;
	wgxdp__destroy(s);
	errno = -rc;
	return NULL;
}
