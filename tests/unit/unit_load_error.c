/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The message about a failed load names its cause, found in libbpf's output (user/dataplane/load_error.c).
 * selftests/instance/refused.sh uses real verifiers.
 */
#include <errno.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include "bpf_compiler.h"
#include "dataplane/load_error.h"

#define FAILED "libbpf: prog 'wgxdp_tc': BPF program load failed: Permission denied\n"
#define LOG(text) \
	"libbpf: prog 'wgxdp_tc': -- BEGIN PROG LOAD LOG --\n" text "-- END PROG LOAD LOG --\n"
#define REFUSED(kernel, reason)                                                 \
	"instance default: kernel " kernel                                      \
	" refused the BPF program wgxdp_tc, built by " BPF_COMPILER ": " reason \
	": unless memory is short, report this with the output of `WGXDP_LIBBPF=1 wgxdp up`"
/* The verifier's statistics behind its reason */
#define WORK(n) \
	"processed " n " insns (limit 1000000) max_states_per_insn 4 total_states 9 " \
	"peak_states 9 mark_read 1\n"

static const struct {
	const char *said[3], *release;
	int rc;
	const char *message;
} cases[] = {
	/* 6.1 */
	{ { FAILED,
	    LOG("Func#3 is safe for any args that match its prototype\n"
		"combined stack size of 4 calls is 544. Too large\n"
		"verification time 80313 usec\nstack depth 448+96+0\n"
		WORK("31221")),
	    "libbpf: prog 'wgxdp_tc': failed to load: -13\n" },
	  "6.1.0-56-amd64",
	  -EACCES,
	  REFUSED("6.1.0-56-amd64", "combined stack size of 4 calls is 544. Too large") },
	/* any number of calls; the log may be truncated */
	{ { FAILED,
	    "libbpf: prog 'wgxdp_tc': -- BEGIN PROG LOAD LOG --\n"
	    "combined stack size of 2 calls is 1024. Too large\n" },
	  "6.12.117",
	  -EACCES,
	  REFUSED("6.12.117", "combined stack size of 2 calls is 1024. Too large") },
	{ { FAILED,
	    LOG("17: (85) call bpf_map_lookup_elem#1 ; R0_w=map_value\n"
		"BPF program is too large. Processed 1000001 insn\n" WORK("1000001")) },
	  "6.12.117+deb12-cloud-amd64",
	  -E2BIG,
	  REFUSED("6.12.117+deb12-cloud-amd64",
		  "BPF program is too large. Processed 1000001 insn") },
	/* more maps than allowed: Linux before 6.11 says nothing else */
	{ { FAILED, LOG(WORK("0")) },
	  "6.1.0",
	  -E2BIG,
	  REFUSED("6.1.0", "the program uses more than 64 maps") },
	{ { FAILED, LOG("The total number of maps per program has reached the limit of 64\n" WORK("0")) },
	  "6.12.117",
	  -E2BIG,
	  REFUSED("6.12.117", "The total number of maps per program has reached the limit of 64") },
	/* a log that did not fit hides the reason */
	{ { FAILED },
	  "6.1.0",
	  -E2BIG,
	  REFUSED("6.1.0", "the program is too long for the verifier") },
	{ { FAILED,
	    LOG("; return p->s->mtu;\n9: (61) r0 = *(u32 *)(r1 +0)\n"
		"R1 invalid mem access 'scalar'\n\n" WORK("10")) },
	  "7.0.1",
	  -EACCES,
	  REFUSED("7.0.1", "R1 invalid mem access 'scalar'") },
	/* the verifier's own EPERM has a reason, and is no missing capability */
	{ { FAILED, LOG("R1 leaks addr into map\n") },
	  "6.18.44",
	  -EPERM,
	  REFUSED("6.18.44", "R1 leaks addr into map") },
	{ { "libbpf: failed to load object 'wgxdp'\n" },
	  "6.18.44",
	  -EINVAL,
	  "instance default: kernel 6.18.44 refused the BPF program, built by " BPF_COMPILER
	  ": Invalid argument: unless memory is short, report this with the output of "
	  "`WGXDP_LIBBPF=1 wgxdp up`" },
	{ { FAILED },
	  "6.1.0",
	  -EPERM,
	  "instance default: this process may not load BPF programs: run it as root, or with "
	  "CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON" },
	{ { "libbpf: Error in bpf_create_map_xattr(flows):Cannot allocate memory(-12). "
	    "Retrying without BTF.\n",
	    "libbpf: map 'flows': failed to create: Cannot allocate memory(-12)\n",
	    "libbpf: failed to load object 'wgxdp'\n" },
	  "6.1.0",
	  -ENOMEM,
	  "instance default: there is no memory for the BPF programs and their maps (map 'flows': failed to "
	  "create: Cannot allocate memory(-12)): free some, then try again" },
	{ { FAILED, LOG("unknown func bpf_loop#181\n") },
	  "5.15.0-91-generic",
	  -EINVAL,
	  "instance default: kernel 5.15.0-91-generic is too old for the BPF programs: 6.1 or "
	  "later is needed" },
};

static void messages(void **state)
{
	char text[1024];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct load_error e = { 0 };

		for (int j = 0; j < 3 && cases[i].said[j]; j++)
			load_error_take(&e, cases[i].said[j]);
		load_error_format(&e, "instance default", cases[i].rc, cases[i].release, text,
				  sizeof(text));
		assert_string_equal(text, cases[i].message);
	}
}

static void kernels(void **state)
{
	static const char *const old[] = { "6.0.19", "5.10.0-30-amd64", "4.19.0", "6.0" },
				 *const good[] = { "6.1.0-56-amd64", "6.1", "6.12.117",
						   "6.18.44-fc",     "7.0", "10.0.0",
						   "custom" };

	for (size_t i = 0; i < sizeof(old) / sizeof(*old); i++)
		assert_true(kernel_is_old(old[i]));
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_false(kernel_is_old(good[i]));
}

static void realtime(void **state)
{
	static const char *const is[] = {
		"#1 SMP PREEMPT_RT Debian 6.12.57-1 (2025-11-05)",
		"#1 SMP PREEMPT_RT",
	}, *const is_not[] = {
		"#1 SMP PREEMPT_DYNAMIC Debian 6.12.57-1 (2025-11-05)",
		"#1 SMP PREEMPT Wed Jan 1 00:00:00 UTC 2025",
		"#1 SMP PREEMPT_RTX",
		"",
	};

	for (size_t i = 0; i < sizeof(is) / sizeof(*is); i++)
		assert_true(kernel_is_realtime(is[i]));
	for (size_t i = 0; i < sizeof(is_not) / sizeof(*is_not); i++)
		assert_false(kernel_is_realtime(is_not[i]));
}

/* The process has the capabilities, but the kernel refuses to create a map or to load */
static void refused(void **state)
{
	static const struct {
		const char *said;
		struct load_error process;
		const char *message;
	} processes[] = {
		{ "libbpf: map 'devices': failed to create: Operation not permitted(-1)\n",
		  { .in_user_namespace = true, .filtered = true },
		  "instance default: the kernel loads no BPF programs for a process in a user namespace: run it as the host's root "
		  "(not in a rootless container)" },
		{ FAILED,
		  { .filtered = true },
		  "instance default: a seccomp filter forbids this process the call bpf(2): allow it (in a container: "
		  "--security-opt seccomp=unconfined)" },
		/* a reason of the verifier is none of these */
		{ LOG("R1 leaks addr into map\n"),
		  { .filtered = true },
		  REFUSED("6.1.0", "R1 leaks addr into map") },
	};
	char text[1024];

	for (size_t i = 0; i < sizeof(processes) / sizeof(*processes); i++) {
		struct load_error e = processes[i].process;

		load_error_take(&e, processes[i].said);
		load_error_format(&e, "instance default", -EPERM, "6.1.0", text, sizeof(text));
		assert_string_equal(text, processes[i].message);
	}
}

static void lacking(void **state)
{
	const __u64 bpf = 1ULL << CAP_BPF, net = 1ULL << CAP_NET_ADMIN, perfmon = 1ULL << CAP_PERFMON,
		    admin = 1ULL << CAP_SYS_ADMIN;
	const struct {
		__u64 set;
		const char *message;
	} sets[] = {
		{ 0, "CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON" },
		{ ~(bpf | net | perfmon | admin), "CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON" },
		{ bpf, "CAP_NET_ADMIN and CAP_PERFMON" },
		{ net, "CAP_BPF and CAP_PERFMON" },
		{ perfmon, "CAP_BPF and CAP_NET_ADMIN" },
		{ net | perfmon, "CAP_BPF" },
		{ bpf | perfmon, "CAP_NET_ADMIN" },
		{ bpf | net, "CAP_PERFMON" },
		{ bpf | net | perfmon, "" },
		{ admin, "CAP_NET_ADMIN" },
		{ admin | net, "" },
		{ ~0ULL, "" },
	};
	char text[64];

	for (size_t i = 0; i < sizeof(sets) / sizeof(*sets); i++) {
		load_error_lacking(sets[i].set, text, sizeof(text));
		assert_string_equal(text, sets[i].message);
	}
}

/* However long the log is, the message stays within its buffer */
static void long_logs(void **state)
{
	static char message[100000];
	struct load_error e = { 0 };
	char text[64];
	size_t n;

	n = sprintf(message, "libbpf: prog '%0100d': -- BEGIN PROG LOAD LOG --\n", 7);
	memset(message + n, 'x', sizeof(message) - n - 1);
	load_error_take(&e, message);
	assert_int_equal(strlen(e.program), sizeof(e.program) - 1);
	assert_int_equal(strlen(e.said), sizeof(e.said) - 1);
	load_error_format(&e, "instance default", -EINVAL, "6.1", text, sizeof(text));
	assert_int_equal(strlen(text), sizeof(text) - 1);
	load_error_take(&e, "libbpf: prog 'a': -- BEGIN PROG LOAD LOG --\n");
	assert_string_equal(e.program, "a");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages),
		cmocka_unit_test(kernels),
		cmocka_unit_test(realtime),
		cmocka_unit_test(refused),
		cmocka_unit_test(lacking),
		cmocka_unit_test(long_logs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
