/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements tracing.h: loads bpf/tracing.bpf.c for the programs of an instance, and passes on the
 * packets that it reports.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include "lib/file.h"
#include "lib/log.h"
#include "dataplane/load_error.h"
#include "dataplane/tracing.h"
#include "dataplane/map_info.h"
#include "lib/memory.h"
#include "tracing.skel.h"

#define PAGES 256			/* pages in the ring buffer of each CPU: a megabyte */
/* Number of pages that need no CAP_IPC_LOCK (kernel.perf_event_mlock_kb). */
#define PAGES_FREE 128

struct tracer {
	struct tracing *skeleton;
	struct perf_buffer *buffer;
	__u32 ids[PROGRAM_COUNT];	/* ids of the instance's programs; 0: no such program */
	tracer_sink *sink;
	void *data;
	enum { LOADING, OPENING_RING, ATTACHING } stage;
};

/* Reads the full name of a program from its BTF, because the kernel's own name has only 15
 * characters. Returns 0 or -errno. */
static int function_name(int program, char name[64])
{
	struct bpf_func_info first;
	struct bpf_prog_info info = { .nr_func_info = 1,
				      .func_info_rec_size = sizeof(first),
				      .func_info = (unsigned long)&first };
	__u32 len = sizeof(info);
	const struct btf_type *type;
	struct btf *btf;

	if (bpf_obj_get_info_by_fd(program, &info, &len))
		return -errno;
	btf = info.btf_id && info.nr_func_info ? btf__load_from_kernel_by_id(info.btf_id) : NULL;
	if (!btf && errno == EPERM)	/* the process may not open BTF objects by their ids */
		return -EACCES;
	type = btf ? btf__type_by_id(btf, first.type_id) : NULL;
	snprintf(name, 64, "%s", type ? btf__name_by_offset(btf, type->name_off) : "");
	btf__free(btf);
	return *name ? 0 : -EOPNOTSUPP;
}

static int choose_programs(struct tracer *l, const struct dataplane *dp)
{
	/* Trace the program that is attached to devices: at a program reached by a tail call, fexit
	 * does not run. */
	bool express = program_fd(dp, PROGRAM_wgxdp_express) >= 0;
	struct bpf_program *programs[PROGRAM_COUNT] = {
		[PROGRAM_wgxdp_tc] = l->skeleton->progs.tracing_tc,
		[PROGRAM_wgxdp_tc_l3] = l->skeleton->progs.tracing_tc_l3,
	};
	char name[64];
	int rc = 0;

	programs[express ? PROGRAM_wgxdp_express : PROGRAM_wgxdp_xdp] =
		l->skeleton->progs.tracing_xdp;
	for (int i = 0; i < PROGRAM_COUNT && !rc; i++) {
		l->ids[i] = program_info(program_fd(dp, i)).id;
		if (!programs[i])
			continue;
		bpf_program__set_autoload(programs[i], l->ids[i]);
		if (l->ids[i])
			rc = function_name(program_fd(dp, i), name) ?:
			     bpf_program__set_attach_target(programs[i], program_fd(dp, i), name);
	}
	return rc;
}

static void on_sample(void *data, int cpu, void *record, __u32 size)
{
	struct tracer *l = data;
	const struct tracing_packet *p = record;
	__u32 n = size < sizeof(*p) ? 0 : size - sizeof(*p);

	if (size >= sizeof(*p))
		l->sink(l->data, p, p + 1, n < p->len ? n : p->len);
}

static int start_tracing(struct tracer *l, const struct dataplane *dp, __u32 kinds, __u32 each)
{
	const struct tracing_wanted wanted = { kinds, each };
	__u32 zero = 0;
	int rc = choose_programs(l, dp) ?: tracing__load(l->skeleton);

	if (rc)
		return rc;
	l->stage = OPENING_RING;
	l->buffer = perf_buffer__new(bpf_map__fd(l->skeleton->maps.tracing_packets), PAGES,
				     on_sample, NULL, l, NULL);
	if (!l->buffer && errno == EPERM)
		l->buffer = perf_buffer__new(bpf_map__fd(l->skeleton->maps.tracing_packets),
					     PAGES_FREE, on_sample, NULL, l, NULL);
	if (!l->buffer || bpf_map_update_elem(bpf_map__fd(l->skeleton->maps.tracing_wanted), &zero,
					      &wanted, BPF_ANY))
		return -errno;
	l->stage = ATTACHING;
	return tracing__attach(l->skeleton);
}

/* ---- why not ---- */

/* Returns whether this kernel forbids tracing: loading a tracing program without a target then
 * fails with EPERM instead of EINVAL. */
static bool tracing_is_forbidden(void)
{
	LIBBPF_OPTS(bpf_prog_load_opts, options, .expected_attach_type = BPF_TRACE_FEXIT);
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, NULL, "GPL", insns, 2, &options);

	fd_close(fd);
	return fd == -EPERM;
}

/* Reads a policy from a file with one line: the word in brackets, which is the active one, or else
 * the whole line. */
static void read_policy(const char *path, char *ret, size_t room)
{
	char *text = NULL, *start;
	size_t n;

	snprintf(ret, room, "unknown");
	if (file_read(path, room - 1, &text, &n))
		return;
	start = strchr(text, '[') ? strchr(text, '[') + 1 : text;
	snprintf(ret, room, "%.*s", (int)strcspn(start, "]\n"), start);
	free(text);
}

static void tell_forbidden(const struct tracer *l)
{
	char lockdown[128], modules[256], paranoid[32];

	read_policy("/sys/kernel/security/lockdown", lockdown, sizeof(lockdown));
	read_policy("/sys/kernel/security/lsm", modules, sizeof(modules));
	read_policy("/proc/sys/kernel/perf_event_paranoid", paranoid, sizeof(paranoid));
	if (l->stage == OPENING_RING)
		log_error("monitor: the kernel refuses perf_event_open(2) or memory for its ring: allow the call (kernel.perf_event_paranoid is %s), or give CAP_IPC_LOCK or a larger `ulimit -l`",
			  paranoid);
	else if (tracing_is_forbidden())
		log_error("monitor: the security policy of this kernel forbids tracing BPF programs, even for root (lockdown: %s, security modules: %s)",
			  lockdown, modules);
	else
		log_error("monitor: the kernel refuses to trace the data path (lockdown: %s, security modules: %s)",
			  lockdown, modules);
	log_warning("monitor: use --event dropped, flow or rebinding, `wgxdp trace`, or tcpdump after `wgxdp up --mode tc`");
}

static void tell_failed(const struct tracer *l, int rc)
{
	if (load_in_user_namespace())
		log_error("monitor: the kernel loads no BPF programs for a process in a user namespace: run it as the host's root (not in a rootless container)");
	else if (rc == -EPERM)
		tell_forbidden(l);
	else if (rc == -EACCES)
		log_error("monitor: this process lacks CAP_SYS_ADMIN, which finding BPF programs needs: run it as root with it (in a container: podman exec --privileged)");
	else
		log_error("monitor: cannot trace packets on this host: %s: use a kernel with BTF that can trace BPF programs (x86-64, or arm64 since Linux 6.0)",
			  strerror(-rc));
}

int tracer_open(const struct dataplane *dp, __u32 kinds, __u32 each, tracer_sink *sink, void *data,
		struct tracer **ret)
{
	struct tracer *l;
	int rc;

	if (load_permitted("monitor"))
		return -EPERM;
	l = xcalloc(1, sizeof(*l));
	l->sink = sink;
	l->data = data;
	l->skeleton = tracing__open();
	rc = l->skeleton ? start_tracing(l, dp, kinds, each) : -errno;
	if (!rc) {
		*ret = l;
		return 0;
	}
	tell_failed(l, rc);
	tracer_close(l);
	return rc;
}

bool tracer_is_current(const struct tracer *l, const struct dataplane *dp)
{
	for (int i = 0; i < PROGRAM_COUNT; i++)
		if (l->ids[i] != program_info(program_fd(dp, i)).id)
			return false;
	return true;
}

int tracer_fd(const struct tracer *l)
{
	return perf_buffer__epoll_fd(l->buffer);
}

int tracer_consume(struct tracer *l)
{
	return perf_buffer__consume(l->buffer);
}

void tracer_close(struct tracer *l)
{
	if (!l)
		return;
	perf_buffer__free(l->buffer);
	tracing__destroy(l->skeleton);
	free(l);
}
