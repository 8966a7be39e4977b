/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Checks the host as a whole: kernel, bpffs and clock.
 */
#include <bpf/libbpf.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <time.h>
#include "dataplane/dataplane.h"
#include "doctor/doctor.h"
#include "dataplane/load_error.h"

#define TCX_MAJOR 6 /* tcx exists since Linux 6.6 */
#define TCX_MINOR 6
#define YEAR_MIN 2024			/* a clock that is right shows this year or a later one */

/* Features that the programs need, and not every kernel with XDP has. */
static const struct {
	enum bpf_prog_type type;
	enum bpf_func_id helper;
	const char *name;
} helpers[] = {
	{ BPF_PROG_TYPE_XDP, BPF_FUNC_fib_lookup, "bpf_fib_lookup" },
	{ BPF_PROG_TYPE_XDP, BPF_FUNC_redirect_map, "bpf_redirect_map" },
	{ BPF_PROG_TYPE_SCHED_CLS, BPF_FUNC_redirect_neigh, "bpf_redirect_neigh" },
	{ BPF_PROG_TYPE_SCHED_CLS, BPF_FUNC_check_mtu, "bpf_check_mtu" },
	{ BPF_PROG_TYPE_XDP, BPF_FUNC_loop, "bpf_loop" },
	{ BPF_PROG_TYPE_XDP, BPF_FUNC_xdp_load_bytes, "bpf_xdp_load_bytes" },
};
static const struct {
	enum bpf_map_type type;
	const char *name;
} maps[] = {
	{ BPF_MAP_TYPE_DEVMAP_HASH, "DEVMAP_HASH" },
	{ BPF_MAP_TYPE_LPM_TRIE, "LPM_TRIE" },
	{ BPF_MAP_TYPE_RINGBUF, "RINGBUF" },
};

/* Probes the kernel's features, unless the data path runs: then the kernel has them. */
static void look_at_features(struct doctor *k)
{
	unsigned int lacks = 0;

	dataplane_quiet();
	for (size_t i = 0; !k->dp && i < sizeof(helpers) / sizeof(*helpers); i++)
		if (libbpf_probe_bpf_helper(helpers[i].type, helpers[i].helper, NULL) == 0 &&
		    ++lacks)
			doctor_report(k, STATE_PROBLEM, "kernel", "", NULL, "this kernel lacks the "
				      "BPF helper %s, which wgxdp needs: install a newer kernel",
				      helpers[i].name);
	for (size_t i = 0; !k->dp && i < sizeof(maps) / sizeof(*maps); i++)
		if (libbpf_probe_bpf_map_type(maps[i].type, NULL) == 0 && ++lacks)
			doctor_report(k, STATE_PROBLEM, "kernel", "", NULL, "this kernel lacks BPF "
				      "maps of type %s, which wgxdp needs: install a newer kernel",
				      maps[i].name);
	if (!lacks)
		doctor_ok(k, "kernel", "features",
			  k->dp ? "the kernel has loaded the BPF programs" :
			  "the kernel has all features that the BPF programs need");
}

static void look_at_version(struct doctor *k)
{
	unsigned int major = 0, minor = 0;
	struct utsname name;

	uname(&name);
	sscanf(name.release, "%u.%u", &major, &minor);
	if (kernel_is_old(name.release))
		doctor_report(k, STATE_PROBLEM, "kernel", "", NULL, "%s is too old: install "
			      "Linux " KERNEL_FLOOR " or later", name.release);
	else
		doctor_ok(k, "kernel", "",
			  "%s has XDP in several buffers (frags) and %s", name.release,
			  major > TCX_MAJOR || minor >= TCX_MINOR ? "tcx" :
			  "tc filters (tcx needs Linux 6.6)");
	if (kernel_is_realtime(name.version))
		doctor_report(k, STATE_WARNING, "kernel", "", NULL, KERNEL_REALTIME);
}

/* Checks that the BPF JIT is on. Only the first network namespace has the sysctl. */
static void look_at_jit(struct doctor *k)
{
	long jit = host_sysctl("/proc/sys/net/core/bpf_jit_enable");

	if (jit)
		doctor_ok(k, "jit", "",
			  jit < 0 ? "the JIT's state is not visible from this network namespace" :
			  "on");
	else
		doctor_report(k, STATE_WARNING, "jit", "",
			      xstrdup("sysctl -w net.core.bpf_jit_enable=1"),
			      "the JIT is off: the kernel interprets BPF programs, many times "
			      "slower: turn it on");
}

static void look_at_bpffs(struct doctor *k)
{
	struct statfs fs;
	bool mounted = !statfs("/sys/fs/bpf", &fs) && fs.f_type == BPF_FS_MAGIC;
	struct stat is;

	if (mounted && !stat("/sys/fs/bpf", &is) && is.st_mode & (S_IWGRP | S_IWOTH))
		doctor_report(k, STATE_WARNING, "bpffs", "", xstrdup("chmod 0700 /sys/fs/bpf"),
			      "any user may write to /sys/fs/bpf (mode %04o) and could make `wgxdp "
			      "up` fail: let only root write there",
			      (unsigned int)is.st_mode & 07777);
	else if (mounted)
		doctor_ok(k, "bpffs", "", "the BPF file system is mounted at /sys/fs/bpf");
	else
		doctor_report(k, STATE_WARNING, "bpffs", "",
			      xstrdup("mount -t bpf -o mode=0700 bpf /sys/fs/bpf"),
			      "no BPF file system is mounted at /sys/fs/bpf: `wgxdp up` mounts it");
}

/* Checks the clock: a peer refuses initiations whose timestamp is older than that of the last
 * one. */
static void look_at_clock(struct doctor *k)
{
	struct timex timex = { 0 };
	time_t now = time(NULL);
	struct tm tm;
	int state;

	gmtime_r(&now, &tm);
	state = adjtimex(&timex);
	if (tm.tm_year + 1900 < YEAR_MIN)
		doctor_report(k, STATE_PROBLEM, "clock", "", xstrdup("timedatectl set-ntp true"),
			      "the clock says the year %d: set it, because WireGuard's peers "
			      "refuse handshakes older than the last one", tm.tm_year + 1900);
	else if ((state == TIME_ERROR || timex.status & STA_UNSYNC) && k->n_devices)
		doctor_report(k, STATE_WARNING, "clock", "", xstrdup("timedatectl set-ntp true"),
			      "the clock is not synchronized: if it goes back, WireGuard's peers "
			      "refuse handshakes until it has caught up: turn on NTP");
	else
		doctor_ok(k, "clock", "", "%04d-%02d-%02d%s", tm.tm_year + 1900,
			  tm.tm_mon + 1, tm.tm_mday,
			  state == TIME_ERROR || timex.status & STA_UNSYNC ?
			  ", not synchronized; only WireGuard on this host would need that" :
			  ", synchronized");
}

void doctor_kernel(struct doctor *k)
{
	look_at_version(k);
	look_at_features(k);
	look_at_jit(k);
	look_at_bpffs(k);
	look_at_clock(k);
}
