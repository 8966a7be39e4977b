/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Explains why the kernel did not load the BPF programs, and what the administrator can do. libbpf
 * asks for the verifier's log only after a program was refused, so this costs nothing when loading
 * succeeds. Every file that loads programs includes it.
 */
#pragma once
#include <bpf/libbpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#define KERNEL_FLOOR "6.1"
#define KERNEL_REALTIME \
	"this kernel is built with PREEMPT_RT, where wgxdp is not tested and may mix up packets: " \
	"boot one without PREEMPT_RT"

struct load_error {
	char program[64]; /* name of the refused program; "": libbpf named none */
	char said[256]; /* the verifier's reason, or libbpf's reason about a map; "": none */
	bool unwalked;	/* the verifier refused the program before its first instruction */
	/* Reasons for a refusal that capabilities do not remove: */
	/* The process is in another user namespace than the first, where capabilities do not count
	 * for BPF. */
	bool in_user_namespace;
	bool filtered; /* the process has a seccomp filter, as container engines set it */
};

/* Returns whether a kernel, given by its uname release, is older than KERNEL_FLOOR. */
bool kernel_is_old(const char *release);

/* Returns whether a kernel, given by its uname version, is built with PREEMPT_RT. Since Linux
 * 6.12.57, packets of one CPU may interrupt each other there, and they share this CPU's state. */
bool kernel_is_realtime(const char *version);
/* Prints a warning if this host's kernel is built with PREEMPT_RT. */
void load_warn_realtime(void);

/* Checks the capabilities that loading and attaching need. what: the task, for the error. Returns
 * 0, or -EPERM after printing which are missing. */
int load_permitted(const char *what);

/* Returns whether this process is in a user namespace other than the first, where capabilities do
 * not count for BPF. */
bool load_in_user_namespace(void);

/* A callback for libbpf_set_print(). It stores the errors that load_error_tell() prints, and prints
 * all messages if WGXDP_LIBBPF is set in the environment. */
int load_error_print(enum libbpf_print_level level, const char *format, va_list args);
/* Forgets the errors of an earlier load. */
void load_error_begin(void);
/* Prints why loading failed. rc: the -errno from libbpf. what: the name of what was loaded. */
void load_error_tell(const char *what, int rc);

/* ---- parts, for tests ---- */
/* Writes the names of the needed capabilities that `set` lacks, such as "CAP_BPF and CAP_PERFMON",
 * or "". set: one bit for each capability, as CapEff in proc(5). */
void load_error_lacking(__u64 set, char *ret, size_t room);
/* Adds to *e what a message of libbpf says about the cause. */
void load_error_take(struct load_error *e, const char *message);
/* Writes the error *e in words. release: the kernel's release, as uname(2) returns it. */
void load_error_format(const struct load_error *e, const char *what, int rc, const char *release,
		       char *ret, size_t room);
