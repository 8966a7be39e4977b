/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Keeps few rights, by capset(2) and a filter of seccomp(2). Root owns the pins and the files
 * in /run, so without capabilities it could still write them: the filter prevents that.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "exporter/exporter.h"

int sandbox_keep(__u64 capabilities)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	/* Only CAP_SETPCAP may empty the bounding set. It matters only to execve(2), which gives
	 * nothing after PR_SET_NO_NEW_PRIVS. */
	for (int i = 0; i < 64 && !prctl(PR_CAPBSET_DROP, i); i++)
		;
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || syscall(SYS_capget, &head, data))
		return -errno;
	for (int i = 0; i < 2; i++) {
		data[i].permitted &= (__u32)(capabilities >> 32 * i);
		data[i].effective = data[i].permitted;
		data[i].inheritable = 0;
	}
	return syscall(SYS_capset, &head, data) ? -errno : 0;
}

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#elif defined(__arm__)
#define ARCH AUDIT_ARCH_ARM
#elif defined(__riscv) && __riscv_xlen == 64
#define ARCH AUDIT_ARCH_RISCV64
#endif

#ifdef ARCH
/* System calls of newer kernels, which older headers do not know. All architectures have the same
 * numbers for them. */
#define NR_OPENAT2 437
#define NR_CLONE3 435
#define NR_FCHMODAT2 452
#define NR_SETXATTRAT 463
#define NR_REMOVEXATTRAT 466
#define NR_FILE_SETATTR 469

#ifdef SYS_mmap2
#define MMAP SYS_mmap2
#else
#define MMAP SYS_mmap
#endif
#define WRITES (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)
/* The lower half of an argument, on a little-endian machine, as all these are. */
#define LOW(argument) offsetof(struct seccomp_data, args[argument])

#define LOAD(at) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at)
#define REFUSE(error) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
/* Skips `n` statements unless the accumulator is `value`, or has one of the bits. */
#define UNLESS_IS(value, n) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, n)
#define UNLESS_HAS(bits, n) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 0, n)
/* Refuses a system call. */
#define NEVER(number) UNLESS_IS(number, 1), REFUSE(EPERM)
/* Refuses a system call if its argument has one of the bits. */
#define NOT_WITH(number, argument, bits) \
	UNLESS_IS(number, 4), LOAD(LOW(argument)), UNLESS_HAS(bits, 1), REFUSE(EPERM), ALLOW
#define COMMAND(value) UNLESS_IS(value, 1), ALLOW

static const struct sock_filter filter[] = {
	LOAD(offsetof(struct seccomp_data, arch)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	LOAD(offsetof(struct seccomp_data, nr)),
#ifdef __X32_SYSCALL_BIT
	BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, __X32_SYSCALL_BIT, 0, 1),
	REFUSE(ENOSYS),
#endif
	/* BPF: only the commands that read */
	UNLESS_IS(SYS_bpf, 12),
	LOAD(LOW(0)),
	COMMAND(BPF_MAP_LOOKUP_ELEM), COMMAND(BPF_MAP_GET_NEXT_KEY), COMMAND(BPF_OBJ_GET),
	COMMAND(BPF_OBJ_GET_INFO_BY_FD), COMMAND(BPF_MAP_LOOKUP_BATCH),
	REFUSE(EPERM),
	/* a map that user space shares with BPF programs */
	UNLESS_IS(MMAP, 6),
	LOAD(LOW(2)), UNLESS_HAS(PROT_WRITE, 3), LOAD(LOW(3)), UNLESS_HAS(MAP_SHARED, 1),
	REFUSE(EPERM), ALLOW,
	/* files */
	NOT_WITH(SYS_openat, 2, WRITES),
#ifdef SYS_open
	NOT_WITH(SYS_open, 1, WRITES), NEVER(SYS_creat), NEVER(SYS_chmod), NEVER(SYS_chown),
	NEVER(SYS_lchown), NEVER(SYS_link), NEVER(SYS_symlink), NEVER(SYS_unlink),
	NEVER(SYS_rename), NEVER(SYS_mkdir), NEVER(SYS_rmdir), NEVER(SYS_mknod),
#endif
#ifdef SYS_renameat
	NEVER(SYS_renameat),
#endif
	/* the C library does without it after ENOSYS */
	UNLESS_IS(NR_OPENAT2, 1), REFUSE(ENOSYS),
	NEVER(SYS_fchmod), NEVER(SYS_fchmodat), NEVER(NR_FCHMODAT2), NEVER(SYS_fchown),
	NEVER(SYS_fchownat), NEVER(SYS_linkat), NEVER(SYS_symlinkat), NEVER(SYS_unlinkat),
	NEVER(SYS_renameat2), NEVER(SYS_mkdirat), NEVER(SYS_mknodat), NEVER(SYS_truncate),
	NEVER(SYS_utimensat), NEVER(SYS_setxattr), NEVER(SYS_lsetxattr), NEVER(SYS_fsetxattr),
	NEVER(NR_SETXATTRAT), NEVER(SYS_removexattr), NEVER(SYS_lremovexattr),
	NEVER(SYS_fremovexattr), NEVER(NR_REMOVEXATTRAT), NEVER(NR_FILE_SETATTR),
	/* other processes and programs */
	NEVER(SYS_kill), NEVER(SYS_tkill), NEVER(SYS_tgkill), NEVER(SYS_rt_sigqueueinfo),
	NEVER(SYS_rt_tgsigqueueinfo), NEVER(SYS_pidfd_send_signal), NEVER(SYS_ptrace),
	NEVER(SYS_process_vm_writev), NEVER(SYS_setpriority), NEVER(SYS_sched_setaffinity),
	NEVER(SYS_sched_setscheduler), NEVER(SYS_sched_setparam), NEVER(SYS_sched_setattr),
	NEVER(SYS_ioprio_set), NEVER(SYS_execve), NEVER(SYS_execveat),
	/* namespaces, and other ways around this filter */
	NEVER(SYS_unshare), NEVER(SYS_setns), NEVER(SYS_mount), NEVER(SYS_chroot),
	NEVER(SYS_io_uring_setup), NEVER(SYS_perf_event_open), NEVER(SYS_connect),
	UNLESS_IS(NR_CLONE3, 1), REFUSE(ENOSYS),
	NOT_WITH(SYS_clone, 0, CLONE_NEWUSER),
	ALLOW,
};

int sandbox_read_only(void)
{
	struct sock_fprog program = {
		.len = sizeof(filter) / sizeof(*filter), .filter = (struct sock_filter *)filter
	};

	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) ? -errno : 0;
}
#else
int sandbox_read_only(void)
{
	return -ENOSYS;
}
#endif
