/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements shared.h. For each change libxdp builds a new dispatcher and replaces the old one by
 * it, which loses no packet.
 */
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xdp/libxdp.h>
#include "dataplane/map_info.h"
#include "lib/fd.h"
#include "lib/log.h"
#include "dataplane/pins.h"
#include "dataplane/shared.h"

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
	log_error("interface %s: this process lacks CAP_SYS_ADMIN, which `shared: true` needs: "
		  "units get it from the drop-in shared.conf (wgxdp(8), FILES), a container from "
		  "--cap-add", interface);
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
