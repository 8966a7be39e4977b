/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements the part of dataplane.h that attaches to the kernel's tracepoints for packets that
 * drivers did not send.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/btf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "dataplane/dataplane.h"
#include "dataplane/dataplane_programs.h"
#include "lib/file.h"
#include "lib/log.h"
#include "wgxdp.skel.h"

/* ---- the kernel's structures ----
 * libbpf would copy and index all types of the kernel, which takes a third of the time of `wgxdp
 * up`. This file reads each type once and copies nothing. */

#define BTF_MOST (64 << 20) /* bytes; Debian's kernels have 5 to 7 MB */

/* Returns the size of a type in bytes, with the records that follow its head; 0: unknown kind. */
static size_t type_size(const struct btf_type *t)
{
	static const struct {
		unsigned char once, each; /* bytes after the head, and for each of vlen records */
	} kinds[] = {
		[BTF_KIND_INT] = { sizeof(__u32), 0 },
		[BTF_KIND_PTR] = { 0, 0 },
		[BTF_KIND_ARRAY] = { sizeof(struct btf_array), 0 },
		[BTF_KIND_STRUCT] = { 0, sizeof(struct btf_member) },
		[BTF_KIND_UNION] = { 0, sizeof(struct btf_member) },
		[BTF_KIND_ENUM] = { 0, sizeof(struct btf_enum) },
		[BTF_KIND_FUNC_PROTO] = { 0, sizeof(struct btf_param) },
		[BTF_KIND_VAR] = { sizeof(struct btf_var), 0 },
		[BTF_KIND_DATASEC] = { 0, sizeof(struct btf_var_secinfo) },
		[BTF_KIND_DECL_TAG] = { sizeof(struct btf_decl_tag), 0 },
		[BTF_KIND_TYPE_TAG] = { 0, 0 },
		[BTF_KIND_ENUM64] = { 0, sizeof(struct btf_enum64) },
	};
	unsigned int kind = BTF_INFO_KIND(t->info);

	if (!kind || kind >= sizeof(kinds) / sizeof(*kinds))
		return 0;
	return sizeof(*t) + kinds[kind].once + BTF_INFO_VLEN(t->info) * kinds[kind].each;
}

struct strings {
	const char *data;
	size_t size;
};

static bool name_is(struct strings s, __u32 at, const char *name)
{
	size_t n = strlen(name) + 1;

	return at < s.size && n <= s.size - at && !memcmp(s.data + at, name, n);
}

static void find_in_struct(const struct btf_type *t, struct strings s, struct member_place *place)
{
	const struct btf_member *m = (const void *)(t + 1);
	/* with kind_flag, the offset shares its word with the size of a bit-field */
	bool shares = BTF_INFO_KFLAG(t->info);
	unsigned int n = BTF_INFO_VLEN(t->info);

	for (; n--; m++)
		if (name_is(s, m->name_off, place->member))
			place->offset = (shares ? BTF_MEMBER_BIT_OFFSET(m->offset) : m->offset) / 8;
}

static void find(const char *data, size_t size, struct member_place *places, int n)
{
	const struct btf_header *h = (const void *)data;
	const struct btf_type *t;
	struct strings s;
	size_t at, end;

	if (size < sizeof(*h) || h->magic != BTF_MAGIC)
		return;
	at = (size_t)h->hdr_len + h->type_off;
	end = at + h->type_len;
	s = (struct strings){ data + (size_t)h->hdr_len + h->str_off, h->str_len };
	if (end > size || at % sizeof(__u32) || (size_t)h->hdr_len + h->str_off + h->str_len > size)
		return;
	for (size_t len; at + sizeof(*t) <= end; at += len) {
		t = (const void *)(data + at);
		len = type_size(t);
		if (!len || len > end - at)
			return;
		for (int i = 0; BTF_INFO_KIND(t->info) == BTF_KIND_STRUCT && i < n; i++)
			if (places[i].offset < 0 && name_is(s, t->name_off, places[i].of))
				find_in_struct(t, s, &places[i]);
	}
}

/* Kernels before 6.16 refuse to map the file. It has some megabytes. */
void btf_find(const char *path, struct member_place *places, int n)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	char *data = MAP_FAILED;
	size_t size;

	for (int i = 0; i < n; i++)
		places[i].offset = -ENOENT;
	if (fd < 0)
		return;
	if (!fstat(fd, &status) && status.st_size > 0)
		data = mmap(NULL, status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data != MAP_FAILED) {
		find(data, status.st_size, places, n);
		munmap(data, status.st_size);
	} else if (!file_read_fd(fd, BTF_MOST, &data, &size)) {
		find(data, size, places, n);
		free(data);
	}
	close(fd);
}

/* Passes the offsets of the members of struct net_device to the raw tracepoint programs. */
static void set_offsets(struct wgxdp *s)
{
	enum { IFINDEX, NET, NS, INUM, COUNT };
	struct member_place at[COUNT] = {
		[IFINDEX] = { "net_device", "ifindex" },
		[NET] = { "net_device", "nd_net" },
		[NS] = { "net", "ns" },
		[INUM] = { "ns_common", "inum" },
	};

	btf_find(KERNEL_BTF, at, COUNT);
	s->rodata->device_ifindex = at[IFINDEX].offset > 0 ? at[IFINDEX].offset : 0;
	if (at[NET].offset > 0 && at[NS].offset >= 0 && at[INUM].offset >= 0) {
		s->rodata->device_net = at[NET].offset;
		s->rodata->net_inum = at[NS].offset + at[INUM].offset;
	}
}

void dataplane_choose_tracepoints(struct wgxdp *s)
{
	bool raw;

	set_offsets(s);
	raw = s->rodata->device_ifindex;
	bpf_program__set_autoload(s->progs.wgxdp_devmap_raw, raw);
	bpf_program__set_autoload(s->progs.wgxdp_redirect_raw, raw);
	bpf_program__set_autoload(s->progs.wgxdp_devmap_xmit, !raw);
	bpf_program__set_autoload(s->progs.wgxdp_redirect_err, !raw);
}

void dataplane_count_unsent(struct dataplane *dp, const char *suffix)
{
	struct wgxdp *s = dp->skeleton;
	const struct {
		struct bpf_program *raw, *other;
		const char *name, *pin;
	} tracepoints[] = {
		{ s->progs.wgxdp_devmap_raw, s->progs.wgxdp_devmap_xmit, "xdp_devmap_xmit",
		  "attach/tp-devmap_xmit" },
		{ s->progs.wgxdp_redirect_raw, s->progs.wgxdp_redirect_err, "xdp_redirect_err",
		  "attach/tp-redirect_err" },
	};

	for (int i = 0; i < 2; i++) {
		bool raw = s->rodata->device_ifindex;
		struct bpf_link *link = raw ?
			bpf_program__attach_raw_tracepoint(tracepoints[i].raw,
							   tracepoints[i].name) :
			bpf_program__attach_tracepoint(tracepoints[i].other, "xdp",
						       tracepoints[i].name);
		int error = errno;

		if (!link && pin_exists(dp->instance, tracepoints[i].pin))
			/* A process without the permission cannot attach the new program, but the
			 * pinned one still counts into the same map. */
			continue;
		if (!link) {
			log_warning("cannot count packets that a driver fails to send: %s%s", strerror(error),
				    raw ? "" : ": this kernel has no BTF, so it takes tracefs (`mount -t tracefs tracefs /sys/kernel/tracing`) and CAP_SYS_ADMIN");
			return;
		}
		pin_set(bpf_link__fd(link), dp->instance, suffix, tracepoints[i].pin);
		bpf_link__destroy(link);
	}
}
