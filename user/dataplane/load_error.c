/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads the messages that libbpf prints when loading fails, because only they name the refused
 * program and contain the verifier's log.
 */
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "bpf_compiler.h"
#include "dataplane/load_error.h"
#include "lib/log.h"
#include "lib/memory.h"

static struct load_error last;

bool kernel_is_old(const char *release)
{
	unsigned int major = 0, minor = 0, floor_major, floor_minor;

	sscanf(KERNEL_FLOOR, "%u.%u", &floor_major, &floor_minor);
	if (sscanf(release, "%u.%u", &major, &minor) != 2)
		return false;
	return major < floor_major || (major == floor_major && minor < floor_minor);
}

bool kernel_is_realtime(const char *version)
{
	static const char word[] = "PREEMPT_RT";
	const char *at = strstr(version, word);
	char next = at ? at[sizeof(word) - 1] : 'x';

	return !next || next == ' ';
}

void load_warn_realtime(void)
{
	struct utsname u = { 0 };

	uname(&u);
	if (kernel_is_realtime(u.version))
		log_warning(KERNEL_REALTIME);
}

/* ---- libbpf's messages ---- */

/* Returns whether a line belongs to the statistics that the verifier prints at the end of its
 * log. */
static bool is_statistics(const char *line)
{
	static const char *const begins[] = { "processed ", "verification time ", "stack depth " };

	for (size_t i = 0; i < sizeof(begins) / sizeof(*begins); i++)
		if (!strncmp(line, begins[i], strlen(begins[i])))
			return true;
	return false;
}

/* Copies the verifier's reason, the last line of its log before the statistics. */
static void read_reason(struct load_error *e, const char *log, const char *end)
{
	for (size_t n; log < end; log += n + 1) {
		n = strcspn(log, "\n");
		e->unwalked |= !strncmp(log, "processed 0 insns", 17);
		if (!n || log + n > end || is_statistics(log))
			continue;
		snprintf(e->said, sizeof(e->said), "%.*s", (int)n, log);
	}
}

void load_error_take(struct load_error *e, const char *message)
{
	static const char begin[] = "BEGIN PROG LOAD LOG --\n", end[] = "-- END PROG LOAD LOG";
	const char *log = strstr(message, begin), *map = strstr(message, "map '");

	if (map && strstr(map, "failed to create"))
		snprintf(e->said, sizeof(e->said), "%.*s", (int)strcspn(map, "\n"), map);
	if (!strstr(message, "BPF program load failed") && !log)
		return;
	sscanf(message, "libbpf: prog '%63[^']'", e->program);
	if (log)
		read_reason(e, log + strlen(begin), strstr(log, end) ?: log + strlen(log));
}

int load_error_print(enum libbpf_print_level level, const char *format, va_list args)
{
	va_list again;
	char *message;

	if (level == LIBBPF_WARN) {
		va_copy(again, args);
		message = xvasprintf(format, again);
		va_end(again);
		load_error_take(&last, message);
		free(message);
	}
	return getenv("WGXDP_LIBBPF") ? vfprintf(stderr, format, args) : 0;
}

void load_error_begin(void)
{
	memset(&last, 0, sizeof(last));
}

/* ---- permission ---- */

#define ALL_NEEDED "CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON"

void load_error_lacking(__u64 set, char *ret, size_t room)
{
	/* bpf(2) accepts CAP_SYS_ADMIN instead of either of these capabilities. */
	const __u64 admin = 1ULL << CAP_SYS_ADMIN;
	const struct {
		__u64 any_of;
		const char *name;
	} needed[] = {
		{ 1ULL << CAP_BPF | admin, "CAP_BPF" },
		{ 1ULL << CAP_NET_ADMIN, "CAP_NET_ADMIN" },
		{ 1ULL << CAP_PERFMON | admin, "CAP_PERFMON" },
	};
	const char *lacking[3];
	size_t n = 0;

	for (size_t i = 0; i < 3; i++)
		if (!(set & needed[i].any_of))
			lacking[n++] = needed[i].name;
	if (n == 3)
		snprintf(ret, room, "%s", ALL_NEEDED);
	else
		snprintf(ret, room, "%s%s%s", n ? lacking[0] : "", n == 2 ? " and " : "",
			 n == 2 ? lacking[1] : "");
}

int load_permitted(const char *what)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	char lacking[64];

	if (syscall(SYS_capget, &header, data))
		/* The process's capabilities are unknown: let the kernel decide when it loads the
		 * programs. */
		return 0;
	load_error_lacking((__u64)data[1].effective << 32 | data[0].effective, lacking,
			   sizeof(lacking));
	if (!*lacking)
		return 0;
	log_error("%s: this process lacks %s: run it as root with " ALL_NEEDED " (in a container: --cap-add)", what, lacking);
	return -EPERM;
}

static bool is_filtered(void)
{
	FILE *in = fopen("/proc/self/status", "re");
	unsigned int mode = 0;
	char line[256];

	while (in && fgets(line, sizeof(line), in))
		sscanf(line, "Seccomp: %u", &mode);
	if (in)
		fclose(in);
	return mode == 2;
}

/* Only the first user namespace maps all user ids to themselves. */
bool load_in_user_namespace(void)
{
	unsigned int inside, outside, count;
	FILE *in = fopen("/proc/self/uid_map", "re");
	bool first = !in || fscanf(in, "%u %u %u", &inside, &outside, &count) != 3 ||
		     (!inside && !outside && count == 0xffffffff);

	if (in)
		fclose(in);
	return !first;
}

/* ---- messages ---- */

/* Returns whether a permission was missing: EPERM, and no reason from the verifier. libbpf may have
 * named a map that it could not create. */
static bool is_permission(const struct load_error *e, int rc)
{
	return rc == -EPERM && (!*e->said || !strncmp(e->said, "map '", 5));
}

static void format_permission(const struct load_error *e, const char *what, char *ret, size_t room)
{
	if (e->in_user_namespace)
		snprintf(ret, room,
			 "%s: the kernel loads no BPF programs for a process in a user namespace: run it as the host's root (not in a rootless container)",
			 what);
	else if (e->filtered)
		snprintf(ret, room, "%s: a seccomp filter forbids this process the call bpf(2): allow it (in a container: --security-opt seccomp=unconfined)",
			 what);
	else
		snprintf(ret, room, "%s: this process may not load BPF programs: run it as root, or with " ALL_NEEDED, what);
}

static void format_refusal(const struct load_error *e, const char *what, int rc,
			   const char *release, char *ret, size_t room)
{
	const char *reason = *e->said	   ? e->said :
			     rc != -E2BIG  ? strerror(-rc) :
			     e->unwalked   ? "the program uses more than 64 maps" :
					     "the program is too long for the verifier";

	/* If memory is short, libbpf's tests of kernel features fail, and the verifier then refuses
	 * programs that lack those features. */
	snprintf(ret, room, "%s: kernel %s refused the BPF program%s%s, built by %s: %s: unless memory is short, report this with the output of `WGXDP_LIBBPF=1 wgxdp up`",
		 what, release, *e->program ? " " : "", e->program, BPF_COMPILER, reason);
}

void load_error_format(const struct load_error *e, const char *what, int rc, const char *release,
		       char *ret, size_t room)
{
	if (is_permission(e, rc))
		format_permission(e, what, ret, room);
	else if (rc == -ENOMEM)
		snprintf(ret, room, "%s: there is no memory for the BPF programs and their maps%s%s%s: free some, then try again",
			 what, *e->said ? " (" : "", e->said, *e->said ? ")" : "");
	else if (kernel_is_old(release))
		snprintf(ret, room, "%s: kernel %s is too old for the BPF programs: " KERNEL_FLOOR
			 " or later is needed", what, release);
	else
		format_refusal(e, what, rc, release, ret, room);
}

void load_error_tell(const char *what, int rc)
{
	struct utsname u = { 0 };
	char text[1024];

	uname(&u);
	last.filtered = is_filtered();
	last.in_user_namespace = load_in_user_namespace();
	load_error_format(&last, what, rc, u.release, text, sizeof(text));
	log_error("%s", text);
}
