/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Says why the kernel did not load the BPF programs, and what the admin can do. libbpf asks for the
 * verifier's log only once a program was refused, so a load that succeeds costs nothing more.
 * Everything that loads programs includes it.
 */
#pragma once
#include <bpf/libbpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#define KERNEL_FLOOR "6.1"

struct load_error {
	char program[64]; /* the refused one; "": libbpf named none */
	char said[256]; /* the verifier's reason, or libbpf's about a map; "": none */
	unsigned int stack; /* bytes that its deepest chain of calls needs, if too many */
	bool too_long; /* the verifier reached its limit of instructions */
	/* Why the kernel may refuse a process that has the capabilities: */
	bool in_user_namespace; /* not the host's first one; only there they count for BPF */
	bool filtered; /* by a seccomp filter, as container engines set it */
};

/* Whether a kernel (uname's release) is older than KERNEL_FLOOR. */
bool kernel_is_old(const char *release);

/* Whether this process has the capabilities to load and attach: 0; or -EPERM, reported. */
int load_permitted(const char *what);

/* Whether this process is in a user namespace, where capabilities do not count for BPF. */
bool load_in_user_namespace(void);

/* For libbpf_set_print(): remembers what the errors say; prints all with WGXDP_LIBBPF set. */
int load_error_print(enum libbpf_print_level level, const char *format, va_list args);
/* Forgets what was remembered: call it before a load. */
void load_error_begin(void);
/* Reports why that load failed: rc is libbpf's -errno, what names what was loaded. */
void load_error_tell(const char *what, int rc);

/* ---- parts, for tests ---- */
/* Names the capabilities that `set` (a bit for each, as CapEff in proc(5)) lacks: "CAP_BPF and
 * CAP_PERFMON"; "" if it lacks none. */
void load_error_lacking(__u64 set, char *ret, size_t room);
/* Adds what one message of libbpf's says. */
void load_error_take(struct load_error *e, const char *message);
/* Writes the error in words. release: uname's. */
void load_error_format(const struct load_error *e, const char *what, int rc, const char *release,
		       char *ret, size_t room);
