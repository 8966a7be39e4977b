/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * refuse.so, for LD_PRELOAD: the kernel refuses one program. refuse.so gives the kernel another program instead, which
 * the verifier refuses, with a log.
 *
 *   REFUSE_PROGRAM=NAME  the program, by the first 15 letters of its name
 *   REFUSE_FOR=WHAT      stack, instructions, access; or an error of bpf(2): permission, memory
 *   REFUSE_KERNEL=R      uname(2) reports this kernel release
 */
#include <dlfcn.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#define INSN(c, d, s, o, i)                                                         \
	{                                                                           \
		.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i) \
	}
#define STORE(off) INSN(BPF_ST | BPF_MEM | BPF_DW, BPF_REG_10, 0, off, 0)
#define RETURN \
	INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0), INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

/* uses 512 bytes of stack, and 32 in a function below */
static const struct bpf_insn stack[] = {
	STORE(-512), INSN(BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, 2), RETURN, STORE(-32), RETURN,
};
/* A loop of 1,000 rounds and 4,000 instructions, each of which the verifier walks. begin() fills in its middle. */
enum { LOOP = 4000 };
static struct bpf_insn instructions[LOOP + 4] = {
	[0] = INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_1, 0, 0, 0),
	[LOOP] = INSN(BPF_ALU64 | BPF_ADD | BPF_K, BPF_REG_1, 0, 0, 1),
	[LOOP + 1] = INSN(BPF_JMP | BPF_JLT | BPF_K, BPF_REG_1, 0, -LOOP - 1, 1000),
	RETURN,
};
/* reads through a value that is not a pointer */
static const struct bpf_insn access_[] = {
	INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_1, 0, 0, 1),
	INSN(BPF_LDX | BPF_MEM | BPF_DW, BPF_REG_0, BPF_REG_1, 0, 0),
	RETURN,
};
static const struct {
	const char *what;
	const struct bpf_insn *insns;
	size_t n;
	int error; /* bpf(2) returns it, without asking the kernel */
} reasons[] = {
	{ "stack", stack, sizeof(stack) / sizeof(*stack), 0 },
	{ "instructions", instructions, sizeof(instructions) / sizeof(*instructions), 0 },
	{ "access", access_, sizeof(access_) / sizeof(*access_), 0 },
	{ "permission", NULL, 0, EPERM },
	{ "memory", NULL, 0, ENOMEM },
};

static long (*next_syscall)(long number, ...);

static void __attribute__((constructor)) begin(void)
{
	static const struct bpf_insn nothing =
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_2, 0, 0, 0);

	for (int i = 1; i < LOOP; i++)
		instructions[i] = nothing;
}

static long load(const union bpf_attr *asked, size_t size)
{
	const char *what = getenv("REFUSE_FOR") ?: "";
	union bpf_attr attr = { 0 };

	memcpy(&attr, asked, size < sizeof(attr) ? size : sizeof(attr));
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++) {
		if (strcmp(reasons[i].what, what))
			continue;
		if (reasons[i].error) {
			errno = reasons[i].error;
			return -1;
		}
		attr.insns = (uintptr_t)reasons[i].insns;
		attr.insn_cnt = reasons[i].n;
		attr.func_info_cnt = attr.line_info_cnt = 0;
	}
	return next_syscall(SYS_bpf, BPF_PROG_LOAD, &attr,
			    size < sizeof(attr) ? size : sizeof(attr));
}

long syscall(long number, ...)
{
	const char *program = getenv("REFUSE_PROGRAM");
	const union bpf_attr *attr;
	long a[6];
	va_list args;

	va_start(args, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(args, long);
	va_end(args);
	if (!next_syscall)
		next_syscall = dlsym(RTLD_NEXT, "syscall");
	attr = (const union bpf_attr *)a[1];
	if (number == SYS_bpf && a[0] == BPF_PROG_LOAD && program &&
	    !strncmp(attr->prog_name, program, sizeof(attr->prog_name)))
		return load(attr, a[2]);
	return next_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

int uname(struct utsname *u)
{
	int (*next)(struct utsname *) = dlsym(RTLD_NEXT, "uname");
	const char *release = getenv("REFUSE_KERNEL");
	int rc = next(u);

	if (!rc && release)
		snprintf(u->release, sizeof(u->release), "%s", release);
	return rc;
}
