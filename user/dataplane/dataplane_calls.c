/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * dataplane: opens the programs once more, without calls of some helpers. The calls are replaced in
 * a copy of the ELF file: calls of helpers have no relocation there, and the file also has the
 * functions that libbpf appends to a program when it loads it.
 *
 * A handler of libbpf's (libbpf_register_prog_handler()) would not do: libbpf 1.1 frees its table
 * of handlers twice, and from 1.3 on it drops the handler of a program that libxdp makes an
 * extension.
 */
#include <elf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include "dataplane/dataplane_programs.h"
#include "wgxdp.skel.h"

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
	free(copy); /* only opening reads it */
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
