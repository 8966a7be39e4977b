/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xdp/libxdp.h>
#include "dataplane/attach.h"
#include "lib/file.h"
#include "net/netlink.h"
#include "dataplane/map_info.h"
#include "dataplane/pins.h"
#include "lib/log.h"

/* Missing in the headers of Debian 12. */
#define TCX_INGRESS ((enum bpf_attach_type)46)
#define TCX_EGRESS ((enum bpf_attach_type)47)

/* Our filters take the first free priority from 1 to FILTER_PRIORITIES, and one of these
 * handles. */
#define FILTER_PRIORITIES 8
enum filter_handle {
	FILTER_ON_THEIRS = 0x7767,	/* handle of a filter on a qdisc that something else made */
	FILTER_ON_OURS, /* handle of a filter on a qdisc that we made and will remove */
};

int attach_xdp(__u32 ifindex, int program, __u16 flag, int *ret_link)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts,
		    .flags = flag == LINK_NATIVE ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE);
	int link = bpf_link_create(program, ifindex, BPF_XDP, &opts);

	if (link < 0)
		return link;
	*ret_link = link;
	return 0;
}

static struct bpf_tc_hook filter_hook(__u32 ifindex, enum bpf_tc_attach_point point)
{
	return (struct bpf_tc_hook){ .sz = sizeof(struct bpf_tc_hook), .ifindex = ifindex,
				     .attach_point = point };
}

/* Returns whether a program is ours. This is decided by its name, which only a process with
 * CAP_SYS_ADMIN can read; for others, by whether an instance has pinned the program. */
static bool program_is_ours(__u32 id)
{
	int fd = bpf_prog_get_fd_by_id(id);
	bool ours;

	if (fd < 0)
		return errno == EPERM && pins_have_program(id);
	ours = !strncmp(program_info(fd).name, "wgxdp_tc", 8);
	close(fd);
	return ours;
}

/* Finds our filter at the ingress or egress of a device. id: only a filter with this program; 0:
 * with any program of ours. */
static bool filter_find_at(__u32 ifindex, enum bpf_tc_attach_point point, __u32 id,
			   struct nl_filter *ret)
{
	struct nl_filter *list = NULL;
	bool found = false;
	size_t n = 0;

	if (nl_filters(ifindex, point == BPF_TC_EGRESS, &list, &n))
		return false;
	for (size_t i = 0; i < n && !found; i++) {
		found = (list[i].handle == FILTER_ON_THEIRS || list[i].handle == FILTER_ON_OURS) &&
			list[i].priority && list[i].priority <= FILTER_PRIORITIES &&
			list[i].program && (!id || list[i].program == id) &&
			program_is_ours(list[i].program);
		if (found)
			*ret = list[i];
	}
	free(list);
	return found;
}

static bool filter_find(__u32 ifindex, __u32 id, struct nl_filter *ret)
{
	return filter_find_at(ifindex, BPF_TC_INGRESS, id, ret);
}

bool attached_filter(__u32 ifindex)
{
	struct nl_filter f;

	return filter_find(ifindex, 0, &f);
}

/* Returns whether a device has any filters, also if that cannot be read. */
static bool has_filters(__u32 ifindex)
{
	struct nl_filter *list = NULL;
	size_t n = 0, sum = 0;
	int rc = 0;

	for (int egress = 0; egress < 2 && !rc; egress++) {
		rc = nl_filters(ifindex, egress, &list, &n);
		if (!rc)
			free(list);
		sum += n;
	}
	return rc || sum;
}

static void filter_remove(__u32 ifindex, const struct nl_filter *f)
{
	struct bpf_tc_hook hook = filter_hook(ifindex, BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = f->handle, .priority = f->priority);

	bpf_tc_detach(&hook, &opts);
	if (f->handle != FILTER_ON_OURS || has_filters(ifindex))
		return;
	hook.attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS;
	bpf_tc_hook_destroy(&hook);
}

/* Adds a filter with the first free priority. */
static int filter_add(struct bpf_tc_hook *hook, __u32 handle, int program)
{
	int rc = -ENOSPC;

	for (__u32 priority = 1; priority <= FILTER_PRIORITIES && rc; priority++) {
		LIBBPF_OPTS(bpf_tc_opts, opts, .handle = handle, .priority = priority,
			    .prog_fd = program);

		rc = bpf_tc_attach(hook, &opts);
	}
	return rc;
}

static int filter_replace(const struct bpf_tc_hook *hook, const struct nl_filter *f, int program)
{
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = f->handle, .priority = f->priority,
		    .prog_fd = program, .flags = BPF_TC_F_REPLACE);

	return bpf_tc_attach(hook, &opts);
}

static int attach_filter(__u32 ifindex, int program, __u16 *ret_flags)
{
	struct bpf_tc_hook hook = filter_hook(ifindex, BPF_TC_INGRESS);
	__u32 handle = FILTER_ON_OURS;
	struct nl_filter left;
	int rc;

	/* A killed `up` left this filter: if another instance were attached here, an earlier check
	 * would have refused this device. */
	if (filter_find(ifindex, 0, &left))
		filter_remove(ifindex, &left);
	rc = bpf_tc_hook_create(&hook);
	/* Something else made a clsact or ingress qdisc, which we can use. */
	if (rc == -EEXIST)
		handle = FILTER_ON_THEIRS;
	else if (rc)
		return rc;
	rc = filter_add(&hook, handle, program);
	if (!rc)
		*ret_flags = handle == FILTER_ON_OURS ? LINK_TC | LINK_QDISC_OURS : LINK_TC;
	else if (handle == FILTER_ON_OURS)
		filter_remove(ifindex, &(struct nl_filter){ .handle = handle });
	return rc;
}

int attach_tc(__u32 ifindex, int program, int *ret_link, __u16 *ret_flags)
{
	int link = bpf_link_create(program, ifindex, TCX_INGRESS, NULL);

	if (link >= 0) {
		*ret_link = link;
		*ret_flags = LINK_TC | LINK_TCX;
		return 0;
	}
	*ret_link = -1;
	return attach_filter(ifindex, program, ret_flags);
}

int attach_egress(__u32 ifindex, int program, int *ret_link)
{
	struct bpf_tc_hook hook = filter_hook(ifindex, BPF_TC_EGRESS);
	struct nl_filter f;

	*ret_link = bpf_link_create(program, ifindex, TCX_EGRESS, NULL);
	if (*ret_link >= 0)
		return 0;
	*ret_link = -1;
	/* Removing a filter would tell the daemon that a filter is missing. */
	if (!filter_find_at(ifindex, BPF_TC_EGRESS, 0, &f))
		return filter_add(&hook, FILTER_ON_THEIRS, program);
	return f.program == program_info(program).id ? 0 : filter_replace(&hook, &f, program);
}

void detach_egress(__u32 ifindex)
{
	struct bpf_tc_hook hook = filter_hook(ifindex, BPF_TC_EGRESS);
	struct nl_filter f;
	int rc = 0;

	while (!rc && filter_find_at(ifindex, BPF_TC_EGRESS, 0, &f)) {
		LIBBPF_OPTS(bpf_tc_opts, opts, .handle = f.handle, .priority = f.priority);

		rc = bpf_tc_detach(&hook, &opts);
	}
}

int attach_replace_filter(__u32 ifindex, int program)
{
	struct bpf_tc_hook hook = filter_hook(ifindex, BPF_TC_INGRESS);
	struct nl_filter f;

	return filter_find(ifindex, 0, &f) ? filter_replace(&hook, &f, program) : -ENOENT;
}

void detach_filter(__u32 ifindex, bool qdisc_ours)
{
	struct nl_filter f = { .handle = FILTER_ON_OURS };

	detach_egress(ifindex);
	if (filter_find(ifindex, 0, &f) || qdisc_ours)
		filter_remove(ifindex, &f);
}

void detach_filters_of(int program)
{
	struct if_nameindex *devices = if_nameindex();
	__u32 id = program_info(program).id;
	struct nl_filter f;

	for (struct if_nameindex *d = devices; d && id && d->if_index; d++)
		if (filter_find(d->if_index, id, &f)) {
			detach_egress(d->if_index);
			filter_remove(d->if_index, &f);
		}
	if_freenameindex(devices);
}

/* libbpf 1.1 does not know tcx, but BPF_PROG_QUERY works with any attach type. */
size_t attached_tc(__u32 ifindex, __u32 *ids, size_t room)
{
	__u32 n = room, flags;
	struct nl_filter f;

	if (bpf_prog_query(ifindex, TCX_INGRESS, 0, &flags, ids, &n))
		n = 0;
	if (n < room && filter_find(ifindex, 0, &f))
		ids[n++] = f.program;
	return n;
}

int attached_link(const char *instance, const char *kind, __u32 ifindex)
{
	struct bpf_link_info info = { 0 };
	__u32 len = sizeof(info);
	int fd = pin_get(instance, "attach/%s-%u", kind, ifindex);

	if (fd < 0)
		return fd;
	/* The members info.xdp.ifindex and info.tcx.ifindex have the same offset. */
	if (!bpf_obj_get_info_by_fd(fd, &info, &len) && info.xdp.ifindex == ifindex)
		return fd;
	close(fd);
	return -ENOLINK;
}

const char *why_refused(int error)
{
	return error == EEXIST ? "an XDP program is attached to a bridge or bond above this device"
	     : error == ENOSYS ? "this kernel has no freplace programs, which libxdp's dispatcher needs"
	     : error == E2BIG  ? "libxdp's dispatcher has no room for another program"
			       : strerror(error);
}

void program_name(__u32 id, char *ret)
{
	int fd = bpf_prog_get_fd_by_id(id);
	struct bpf_prog_info info = program_info(fd);

	snprintf(ret, BPF_OBJ_NAME_LEN, "%s", *info.name ? info.name : "?");
	fd_close(fd);
}

/* ---- beside programs of other software ----
 * For each change libxdp builds a new dispatcher and replaces the old one by it, which loses no
 * packet. */

#define LIBXDP_PINS "/sys/fs/bpf/xdp"

const enum bpf_func_id shared_refused[] = { BPF_FUNC_xdp_adjust_head, BPF_FUNC_xdp_adjust_tail, 0 };

static int quiet(enum libxdp_print_level level, const char *format, va_list args)
{
	return getenv("WGXDP_LIBBPF") ? vfprintf(stderr, format, args) : 0;
}

int shared_permitted(const char *interface)
{
	/* No program has the id 0, so a process that has the capability gets ENOENT. */
	if (bpf_prog_get_fd_by_id(0) >= 0 || errno != EPERM)
		return pins_check_owner(LIBXDP_PINS);
	log_error("interface %s: this process lacks CAP_SYS_ADMIN, which `shared: true` needs: units get it from the drop-in shared.conf (wgxdp(8), FILES), a container from --cap-add",
		  interface);
	return -EPERM;
}

bool shared_is_dispatcher(__u32 program_id)
{
	int fd = bpf_prog_get_fd_by_id(program_id);
	bool is = !strcmp(program_info(fd).name, "xdp_dispatcher");

	fd_close(fd);
	return is;
}

__u32 shared_program(__u32 ifindex)
{
	__u32 id;

	return bpf_xdp_query_id(ifindex, 0, &id) ? 0 : id;
}

/* Opens the dispatcher of a device. Returns NULL if the device has none, or if this libxdp does not
 * know it. Other XDP programs are never passed to libxdp, which leaks two descriptors for each of
 * them before 1.4.1. */
static struct xdp_multiprog *open_dispatcher(__u32 ifindex)
{
	__u32 id = shared_program(ifindex);
	struct xdp_multiprog *mp;

	if (!id || !shared_is_dispatcher(id))
		return NULL;
	libxdp_set_print(quiet);
	mp = xdp_multiprog__get_from_ifindex(ifindex);
	if (!mp || libxdp_get_error(mp))
		return NULL;
	if (!xdp_multiprog__is_legacy(mp))
		return mp;
	xdp_multiprog__close(mp);
	return NULL;
}

__u16 shared_mode(__u32 ifindex)
{
	struct xdp_multiprog *mp = open_dispatcher(ifindex);
	__u16 flag = !mp ? 0 :
		     xdp_multiprog__attach_mode(mp) == XDP_MODE_NATIVE ? LINK_NATIVE : LINK_GENERIC;

	xdp_multiprog__close(mp);
	return flag;
}

size_t shared_components(__u32 ifindex, int control, __u32 ids[SHARED_MAX])
{
	struct xdp_multiprog *mp = open_dispatcher(ifindex);
	struct xdp_program *p = NULL;
	__u32 map = map_info(control).id;
	size_t n = 0;

	while (mp && n < SHARED_MAX && (p = xdp_multiprog__next_prog(p, mp)))
		if (control < 0 || pins_program_uses(xdp_program__fd(p), map))
			ids[n++] = xdp_program__id(p);
	xdp_multiprog__close(mp);
	return n;
}

int shared_attach(__u32 ifindex, struct xdp_program *program, __u16 flag)
{
	enum xdp_attach_mode mode = flag == LINK_NATIVE ? XDP_MODE_NATIVE : XDP_MODE_SKB;
	int rc;

	libxdp_set_print(quiet);
	rc = xdp_program__attach(program, ifindex, mode, 0);
	if (rc || shared_is_dispatcher(shared_program(ifindex)))
		return rc;
	/* On a kernel without support for dispatchers, libxdp attaches the program alone: undo
	 * that. */
	xdp_program__detach(program, ifindex, mode, 0);
	return -ENOSYS;
}

static bool directory_is_ours(const char *path, __u32 map)
{
	bool ours = false;

	for (int i = 0; i < SHARED_MAX && !ours; i++) {
		char pin[PIN_LEN + 16];
		int fd;

		snprintf(pin, sizeof(pin), "%s/prog%d-prog", path, i);
		fd = bpf_obj_get(pin);
		ours = fd >= 0 && pins_program_uses(fd, map);
		fd_close(fd);
	}
	return ours;
}

/* Removes libxdp's pins of dispatchers that are attached to no device any more, because the device
 * was removed or a command killed. They would keep our program and maps in the kernel. */
static void remove_stale_dispatchers(__u32 map)
{
	DIR *dir = opendir(LIBXDP_PINS);
	struct dirent *entry;
	__u32 of, id;

	while (dir && (entry = readdir(dir))) {
		char path[PIN_LEN];

		if (sscanf(entry->d_name, "dispatch-%u-%u", &of, &id) != 2 ||
		    id == shared_program(of))
			continue;
		snprintf(path, sizeof(path), LIBXDP_PINS "/dispatch-%u-%u", of, id);
		if (directory_is_ours(path, map))
			pins_remove_directory(path, false);
	}
	if (dir)
		closedir(dir);
}

/* Does what shared_detach() does to a device that exists. */
static int detach_components(__u32 ifindex, int control, __u32 keep)
{
	__u32 ids[SHARED_MAX];
	size_t n = shared_components(ifindex, control, ids), n_gone = 0;
	__u16 flag = n ? shared_mode(ifindex) : 0;
	struct xdp_program *gone[SHARED_MAX];
	int rc = 0;

	for (size_t i = 0; i < n; i++) {
		struct xdp_program *p = ids[i] == keep ? NULL : xdp_program__from_id(ids[i]);

		if (p && !libxdp_get_error(p))
			gone[n_gone++] = p;
	}
	if (n_gone)
		rc = xdp_program__detach_multi(gone, n_gone, ifindex, flag == LINK_NATIVE ?
					       XDP_MODE_NATIVE : XDP_MODE_SKB, 0);
	for (size_t i = 0; i < n_gone; i++)
		xdp_program__close(gone[i]);
	return rc;
}

int shared_detach(__u32 ifindex, int control, __u32 keep)
{
	int rc = detach_components(ifindex, control, keep);

	if (control >= 0)
		remove_stale_dispatchers(map_info(control).id);
	return rc;
}

void shared_detach_all(int control)
{
	struct if_nameindex *devices = if_nameindex();

	for (struct if_nameindex *d = devices; d && d->if_index; d++)
		detach_components(d->if_index, control, 0);
	if_freenameindex(devices);
	remove_stale_dispatchers(map_info(control).id);
}
