/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * look: loads bpf/look.bpf.c for an instance's programs, and passes on what they report.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "lib/log.h"
#include "dataplane/look.h"
#include "dataplane/map_info.h"
#include "look.skel.h"

#define PAGES 256			/* of each CPU's ring: a megabyte */

struct looking {
	struct look *skeleton;
	struct perf_buffer *buffer;
	__u32 ids[PROGRAM_COUNT];	/* of the instance's programs; 0: none */
	look_take *take;
	void *data;
	__u64 lost;
};

/* Writes the program's whole name; elsewhere the kernel keeps only 15 letters. 0 or -errno. */
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
	type = btf ? btf__type_by_id(btf, first.type_id) : NULL;
	snprintf(name, 64, "%s", type ? btf__name_by_offset(btf, type->name_off) : "");
	btf__free(btf);
	return *name ? 0 : -EOPNOTSUPP;
}

static int choose_programs(struct looking *l, const struct dataplane *dp)
{
	/* the one that devices run: what follows a tail call is not traced */
	bool express = program_fd(dp, PROGRAM_wgxdp_express) >= 0;
	struct bpf_program *programs[PROGRAM_COUNT] = {
		[PROGRAM_wgxdp_tc] = l->skeleton->progs.look_tc,
		[PROGRAM_wgxdp_tc_l3] = l->skeleton->progs.look_tc_l3,
	};
	char name[64];
	int rc = 0;

	programs[express ? PROGRAM_wgxdp_express : PROGRAM_wgxdp_xdp] = l->skeleton->progs.look_xdp;
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
	struct looking *l = data;
	const struct look_packet *p = record;
	__u32 n = size < sizeof(*p) ? 0 : size - sizeof(*p);

	if (size >= sizeof(*p))
		l->take(l->data, p, p + 1, n < p->len ? n : p->len);
}

static void on_lost(void *data, int cpu, __u64 n)
{
	((struct looking *)data)->lost += n;
}

static int start(struct looking *l, const struct dataplane *dp, __u32 kinds, __u32 each)
{
	const struct look_wanted wanted = { kinds, each };
	__u32 zero = 0;
	int rc = choose_programs(l, dp) ?: look__load(l->skeleton);

	if (rc)
		return rc;
	l->buffer = perf_buffer__new(bpf_map__fd(l->skeleton->maps.look_packets), PAGES, on_sample,
				     on_lost, l, NULL);
	if (!l->buffer || bpf_map_update_elem(bpf_map__fd(l->skeleton->maps.look_wanted), &zero,
					      &wanted, BPF_ANY))
		return -errno;
	return look__attach(l->skeleton);
}

int looking_open(const struct dataplane *dp, __u32 kinds, __u32 each, look_take *take, void *data,
		 struct looking **ret)
{
	struct looking *l = calloc(1, sizeof(*l));
	int rc = -ENOMEM;

	if (!l)
		return rc;
	l->take = take;
	l->data = data;
	l->skeleton = look__open();
	rc = l->skeleton ? start(l, dp, kinds, each) : -errno;
	if (!rc) {
		*ret = l;
		return 0;
	}
	log_error("packets cannot be looked at here: %s. It takes a kernel with BTF that can trace "
		  "BPF programs (x86-64; arm64 from 6.0 on), and root", strerror(-rc));
	looking_close(l);
	return rc;
}

bool looking_is_current(const struct looking *l, const struct dataplane *dp)
{
	for (int i = 0; i < PROGRAM_COUNT; i++)
		if (l->ids[i] != program_info(program_fd(dp, i)).id)
			return false;
	return true;
}

int looking_fd(const struct looking *l)
{
	return perf_buffer__epoll_fd(l->buffer);
}

int looking_consume(struct looking *l)
{
	return perf_buffer__consume(l->buffer);
}

__u64 looking_lost(const struct looking *l)
{
	return l->lost;
}

void looking_close(struct looking *l)
{
	if (!l)
		return;
	perf_buffer__free(l->buffer);
	look__destroy(l->skeleton);
	free(l);
}
