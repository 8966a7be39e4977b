/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * load_error: reads what libbpf prints when a load fails. Its messages are the only place where it
 * names the program that was refused, and where the verifier's log is.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include "bpf_compiler.h"
#include "load_error.h"
#include "log.h"

#define STACK_MOST 512U /* the kernel's MAX_BPF_STACK */
#define WALKED_MOST 1000000U /* and its BPF_COMPLEXITY_LIMIT_INSNS */

static struct load_error last;

bool kernel_is_old(const char *release)
{
	unsigned int major = 0, minor = 0, floor_major, floor_minor;

	sscanf(KERNEL_FLOOR, "%u.%u", &floor_major, &floor_minor);
	if (sscanf(release, "%u.%u", &major, &minor) != 2)
		return false;
	return major < floor_major || (major == floor_major && minor < floor_minor);
}

/* ---- libbpf's messages ---- */

/* At the end of its log the verifier counts what it did. */
static bool is_statistics(const char *line)
{
	static const char *const begins[] = { "processed ", "verification time ", "stack depth " };

	for (size_t i = 0; i < sizeof(begins) / sizeof(*begins); i++)
		if (!strncmp(line, begins[i], strlen(begins[i])))
			return true;
	return false;
}

/* The last line that is no statistics is the verifier's reason. */
static void take_reason(struct load_error *e, const char *log, const char *end)
{
	for (size_t n; log < end; log += n + 1) {
		n = strcspn(log, "\n");
		if (!n || log + n > end || is_statistics(log))
			continue;
		snprintf(e->said, sizeof(e->said), "%.*s", (int)n, log);
	}
	sscanf(e->said, "combined stack size of %*u calls is %u. Too large", &e->stack);
	e->too_long = !strncmp(e->said, "BPF program is too large", 24);
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
		take_reason(e, log + strlen(begin), strstr(log, end) ?: log + strlen(log));
}

int load_error_print(enum libbpf_print_level level, const char *format, va_list args)
{
	char *message = NULL;
	va_list again;

	va_copy(again, args);
	if (level == LIBBPF_WARN && vasprintf(&message, format, again) >= 0)
		load_error_take(&last, message);
	va_end(again);
	free(message);
	return getenv("WGXDP_LIBBPF") ? vfprintf(stderr, format, args) : 0;
}

void load_error_begin(void)
{
	memset(&last, 0, sizeof(last));
}

/* ---- what is told ---- */

static void format_refusal(const struct load_error *e, const char *what, int rc,
			   const char *release, char *ret, size_t room)
{
	char reason[sizeof(e->said)];

	if (e->stack)
		snprintf(reason, sizeof(reason), "it needs %u bytes of stack, the limit is %u",
			 e->stack, STACK_MOST);
	else if (e->too_long || rc == -E2BIG)
		snprintf(reason, sizeof(reason), "it takes the verifier more than %u instructions",
			 WALKED_MOST);
	else
		snprintf(reason, sizeof(reason), "%s", *e->said ? e->said : strerror(-rc));
	/* Short of memory, libbpf leaves out what it could not ask the kernel about, and the
	 * verifier refuses the rest. */
	snprintf(ret, room,
		 "%s: kernel %s refused the BPF program%s%s, built by %s: %s: report it with what "
		 "`wgxdp up` prints with WGXDP_LIBBPF=1 in its environment, unless memory is short",
		 what, release, *e->program ? " " : "", e->program, BPF_COMPILER, reason);
}

void load_error_format(const struct load_error *e, const char *what, int rc, const char *release,
		       char *ret, size_t room)
{
	if (rc == -EPERM && !*e->said)
		snprintf(ret, room,
			 "%s: this process may not load BPF programs: run it as root, or with "
			 "CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON",
			 what);
	else if (rc == -ENOMEM)
		snprintf(ret, room,
			 "%s: no memory for the BPF programs and their maps%s%s%s: free some, then "
			 "try again",
			 what, *e->said ? " (" : "", e->said, *e->said ? ")" : "");
	else if (kernel_is_old(release))
		snprintf(ret, room,
			 "%s: kernel %s is too old for the BPF programs: " KERNEL_FLOOR " or later "
			 "is needed",
			 what, release);
	else
		format_refusal(e, what, rc, release, ret, room);
}

void load_error_tell(const char *what, int rc)
{
	struct utsname u = { 0 };
	char text[1024];

	uname(&u);
	load_error_format(&last, what, rc, u.release, text, sizeof(text));
	log_error("%s", text);
}
