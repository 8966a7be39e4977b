/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The stack of a program's deepest chain of calls, as Linux 6.1 counts it, for tests/loads/loads.c:
 * - each function's frame is rounded up to 32 bytes, also one that nothing is stored in;
 * - a callback of bpf_loop() counts as a call where its address is taken. The kernel inlines the
 *   helper, and its log adds 24 bytes for that to the function's frame;
 * - a call counts also where the verifier knows that it is never made. A function that is called
 *   from such places alone is no longer in the program when the kernel prints the sizes.
 */
#pragma once
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

/* FRAME: the kernel's */
enum { FUNCTIONS = 256, FRAME = 32 };

struct functions {			/* in the order of their code */
	const struct bpf_insn *code;
	int n_code, n;
	struct function {
		int start;
		__u32 type;		/* in BTF */
		int stack;		/* its own; 0 also if the verifier never reached it */
		int deepest;		/* deepest chain that begins here; 0: not known yet */
	} all[FUNCTIONS];
};

static bool is_address(const struct bpf_insn *insn)
{
	return insn->code == (BPF_LD | BPF_IMM | BPF_DW) && insn->src_reg == BPF_PSEUDO_FUNC;
}

/* Returns where the instruction calls to, or which callback's address it takes; -1: neither */
static int target(const struct functions *f, int i)
{
	const struct bpf_insn *insn = &f->code[i];
	bool is_call = insn->code == (BPF_JMP | BPF_CALL) && insn->src_reg == BPF_PSEUDO_CALL;

	return is_call || is_address(insn) ? i + insn->imm + 1 : -1;
}

static struct function *function_at(struct functions *f, int start)
{
	for (int i = 0; i < f->n; i++)
		if (f->all[i].start == start)
			return &f->all[i];
	return NULL;
}

static int deepest_from(struct functions *f, struct function *of)
{
	int end = of + 1 < f->all + f->n ? of[1].start : f->n_code, below = 0;

	for (int i = of->start; i < end && !of->deepest; i++) {
		int to = target(f, i);
		struct function *callee = to < 0 ? NULL : function_at(f, to);
		int deepest = callee ? deepest_from(f, callee) : 0;

		below = deepest > below ? deepest : below;
	}
	if (!of->deepest)
		of->deepest = ((of->stack ?: 1) + FRAME - 1) / FRAME * FRAME + below;
	return of->deepest;
}

/* As libbpf gives a program to the kernel */
static void take_functions(struct functions *f, const struct bpf_prog_load_opts *opts)
{
	const char *info = opts->func_info;

	f->n = 0;
	for (__u32 i = 0; info && i < opts->func_info_cnt && f->n < FUNCTIONS; i++) {
		const struct bpf_func_info *one = (const void *)info;

		f->all[f->n++] = (struct function){ .start = one->insn_off, .type = one->type_id };
		info += opts->func_info_rec_size;
	}
}

/* Returns the place of the number behind the next mark in the log; NULL: there is none */
static const char *behind(const char *log, const char *mark)
{
	const char *at = log ? strstr(log, mark) : NULL;

	return at ? at + strlen(mark) : NULL;
}

/* Reads a number for each function that the kernel has kept, in their order: "stack depth
 * 96+176+32", or since 7.3 "subprog 1 (NAME) global insns_self 815 insns_total 815 stack 56" */
static int take_stacks(struct functions *f, const struct bpf_func_info *kept, int n,
		       const char *log)
{
	const char *lines = behind(log, "\nsubprog 0 ");
	const char *at = lines ? behind(lines, " stack ") : behind(log, "stack depth ");
	int i = 0, k;

	for (k = 0; at && k < n; k++) {
		char *end;
		int stack = strtol(at, &end, 10);

		while (i < f->n && f->all[i].type != kept[k].type_id)
			i++;
		if (i == f->n)
			return -ENOENT;
		f->all[i++].stack = stack;
		at = lines ? behind(end, " stack ") : *end == '+' ? end + 1 : NULL;
	}
	return n && k == n ? 0 : -ENOENT;
}

/* Returns bytes, or -errno. log: what the kernel printed with the log level 4 */
static int stack_of(const struct bpf_program *program, struct functions *f, const char *log)
{
	struct bpf_func_info kept[FUNCTIONS];
	struct bpf_prog_info info = {
		.nr_func_info = FUNCTIONS, .func_info_rec_size = sizeof(*kept),
		.func_info = (unsigned long)kept,
	};
	__u32 len = sizeof(info);
	int rc;

	if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &len))
		return -errno;
	rc = take_stacks(f, kept, info.nr_func_info, log);
	if (rc)
		return rc;
	f->code = bpf_program__insns(program);
	f->n_code = bpf_program__insn_cnt(program);
	return deepest_from(f, &f->all[0]);
}
