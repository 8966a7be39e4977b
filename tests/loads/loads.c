// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * loads [--json | --list | --functions CONFIGURATION] OBJECT...: loads the data path's object files
 * into this kernel, each in every configuration of loads_sets.h, and prints what each program costs
 * there:
 *
 *   clang-19 6.1.0-53-cloud-amd64 guard wgxdp_tc ok 45000 instructions 320 bytes 8123 loaded
 *   clang-19 6.1.0-53-cloud-amd64 guard wgxdp_xdp refused: combined stack size of 3 calls is 528
 *
 * "instructions" counts those that the verifier has walked, "bytes" is the stack of the deepest
 * chain of calls (loads_stack.h), and "loaded" is the program's length. In the place of ok:
 *   over      the program loads, but costs more than MOST_INSTRUCTIONS or MOST_STACK
 *   unknown   the program loads, but the kernel's log does not tell its stack
 * With --list, loads only prints the configurations and their switches. With --functions, it loads
 * one configuration, and also prints how many instructions the verifier has walked in each global
 * function, and in the rest of each program. Exit status: 0 if every program is ok, 1 if not, 2 if
 * the arguments are wrong.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "loads_sets.h"
#include "loads_stack.h"

/* The verifier's own limits are a million instructions, 512 bytes and 64 maps. The rest is room for
 * compilers and kernels, and for a map, to come. */
enum { MOST_INSTRUCTIONS = 130000, MOST_STACK = 400, MOST_MAPS = 63 };
enum { PROGRAMS = 32, LOG = 1 << 16, WHOLE_LOG = 1 << 28, REASON = 256 };

struct program {
	char name[64], *log, refused[REASON];
	bool tried;
	struct functions functions;
	unsigned int instructions, loaded, maps;
	int stack;			/* or -errno */
};

static struct program programs[PROGRAMS];	/* the programs of the present object and configuration */
static int n_programs;
static char compiler[64], warning[REASON];
static struct utsname host;
static bool as_json, printed, failed;
static const char *only;		/* with --functions: the configuration */
static char limits[64];

/* ---- printing ---- */

static void print_text(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		putchar((unsigned char)*text < ' ' ? ' ' : *text);
	}
	putchar('"');
}

static void print_row_json(const char *configuration, const char *program, const char *result,
			   const struct program *p, const char *reason)
{
	printf("%s{\"compiler\":\"%s\",\"kernel\":\"%s\",", printed ? ",\n" : "", compiler,
	       host.release);
	printf("\"configuration\":\"%s\",\"program\":\"%s\",\"result\":\"%s\",", configuration,
	       program, result);
	if (*reason) {
		printf("\"reason\":");
		print_text(reason);
	} else {
		printf("\"instructions\":%u,\"stack\":%d,\"loaded\":%u,\"maps\":%u",
		       p->instructions, p->stack, p->loaded, p->maps);
	}
	putchar('}');
}

static void print_row(const char *configuration, const char *program, const char *result,
		      const struct program *p, const char *reason)
{
	failed |= !!strcmp(result, "ok");
	if (as_json)
		print_row_json(configuration, program, result, p, reason);
	else if (*reason)
		printf("%s %s %s %s %s: %s\n", compiler, host.release, configuration, program,
		       result, reason);
	else
		printf("%s %s %s %s %s %u instructions %d bytes %u loaded %u maps%s\n", compiler,
		       host.release, configuration, program, result, p->instructions, p->stack,
		       p->loaded, p->maps, strcmp(result, "over") ? "" : limits);
	printed = true;
	fflush(stdout);
}

static void print_program(const struct configuration *c, const struct program *p)
{
	bool over = p->instructions > MOST_INSTRUCTIONS || p->stack > MOST_STACK ||
		    p->maps > MOST_MAPS;

	if (*p->refused)
		print_row(c->name, p->name, "refused", p, p->refused);
	else if (p->stack < 0)
		print_row(c->name, p->name, "unknown", p,
			  "the kernel's log lacks a function's stack");
	else
		print_row(c->name, p->name, over ? "over" : "ok", p, "");
}

/* ---- --functions ---- */

/* Returns whether the line of the log stands for a walked instruction: "12: (bf) r6 = r1", or
 * "12: safe" if the verifier has been there in the same state. */
static bool is_walked(const char *line, size_t n)
{
	size_t digits = strspn(line, "0123456789");

	return (digits && !strncmp(line + digits, ": (", 3)) ||
	       (n > 6 && !strncmp(line + n - 6, ": safe", 6));
}

/* Counts the walked instructions in the program's log. The log has a line before each global
 * function, and another one after it. */
static void print_functions(const struct program *p)
{
	static const char begin[] = "Validating ";
	unsigned int n_walked = 0, n_rest = 0;
	char name[64] = "";
	size_t n;

	for (const char *at = p->log; *at; at += n + (at[n] == '\n')) {
		n = strcspn(at, "\n");
		if (is_walked(at, n)) {
			*(*name ? &n_walked : &n_rest) += 1;
		} else if (!strncmp(at, begin, strlen(begin))) {
			snprintf(name, sizeof(name), "%.*s",
				 (int)strcspn(at + strlen(begin), "("), at + strlen(begin));
		} else if (*name && !strncmp(at, "Func#", 5) && memmem(at, n, "is safe", 7)) {
			printf("%7u %s %s\n", n_walked, p->name, name);
			*name = '\0';
			n_walked = 0;
		}
	}
	printf("%7u %s outside global functions\n", n_rest, p->name);
}

/* ---- why the kernel refuses a program ---- */

static void first_line(char ret[REASON], const char *text)
{
	snprintf(ret, REASON, "%.*s", (int)strcspn(text, "\n"), text);
}

/* Joins the lines that are neither statistics nor verified instructions */
static void other_lines(char ret[REASON], const char *log)
{
	static const char *const known[] = { "Func#", "verification time", "stack depth",
					     "subprog ", "insns processed", "processed " };
	size_t n = 0;

	*ret = 0;
	for (const char *at = log; *at; at += strcspn(at, "\n"), at += *at == '\n') {
		bool is_known = *at == '\n';

		for (size_t i = 0; i < sizeof(known) / sizeof(*known) && !is_known; i++)
			is_known = !strncmp(at, known[i], strlen(known[i]));
		if (!is_known && n < REASON)
			n += snprintf(ret + n, REASON - n, "%s%.*s", n ? " / " : "",
				      (int)strcspn(at, "\n"), at);
	}
}

static void set_reason(struct program *p, int error)
{
	static const char *const words[] = { "combined stack size", "BPF program is too large",
					     "too complex", "frames is too deep" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words) && !*p->refused; i++) {
		const char *at = strstr(p->log, words[i]);

		while (at && at > p->log && at[-1] != '\n')
			at--;
		if (at)
			first_line(p->refused, at);
	}
	if (!*p->refused)
		other_lines(p->refused, p->log);
	if (!*p->refused)
		snprintf(p->refused, REASON, "%s", strerror(error));
}

/* libbpf's last warning says why an object is refused as a whole */
static int keep_warning(enum libbpf_print_level level, const char *format, va_list arguments)
{
	if (level == LIBBPF_WARN)
		vsnprintf(warning, sizeof(warning), format, arguments);
	warning[strcspn(warning, "\n")] = 0;
	return 0;
}

/* ---- loading ---- */

static struct program *find_program(const char *name)
{
	for (int i = 0; i < n_programs; i++)
		if (!strcmp(programs[i].name, name))
			return &programs[i];
	return NULL;
}

/* libbpf calls this just before it loads a program */
static int before_load(struct bpf_program *program, struct bpf_prog_load_opts *opts, long cookie)
{
	struct program *p = find_program(bpf_program__name(program));

	if (p) {
		p->tried = true;
		take_functions(&p->functions, opts);
	}
	return 0;
}

static int listen_to_loads(void)
{
	LIBBPF_OPTS(libbpf_prog_handler_opts, handler, .prog_prepare_load_fn = before_load);
	static const struct {
		const char *section;
		enum bpf_prog_type type;
	} sections[] = {
		{ "xdp.frags", BPF_PROG_TYPE_XDP },
		{ "tc", BPF_PROG_TYPE_SCHED_CLS },
		{ "raw_tp+", BPF_PROG_TYPE_RAW_TRACEPOINT },
		{ "tp+", BPF_PROG_TYPE_TRACEPOINT },
	};
	int rc = 0;

	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections) && rc >= 0; i++)
		rc = libbpf_register_prog_handler(sections[i].section, sections[i].type, 0,
						  &handler);
	return rc;
}

static void shrink_maps(struct bpf_object *o)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, o)
		if (!strchr(bpf_map__name(map), '.') &&
		    bpf_map__type(map) != BPF_MAP_TYPE_RINGBUF &&
		    bpf_map__max_entries(map) > SMALL)
			bpf_map__set_max_entries(map, SMALL);
}

/* Selects the programs that the configuration needs, except those that were refused before */
static void choose_programs(struct bpf_object *o, const struct configuration *c)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, o) {
		const char *name = bpf_program__name(program);
		struct program *p = find_program(name);

		if (!p && needs_program(c, name)) {
			if (n_programs == PROGRAMS) {
				fprintf(stderr, "loads: more than %d programs\n", PROGRAMS);
				exit(2);
			}
			p = &programs[n_programs++];
			free(p->log);
			*p = (struct program){ .log = malloc(only ? WHOLE_LOG : LOG) };
			snprintf(p->name, sizeof(p->name), "%s", name);
		}
		bpf_program__set_autoload(program, p && !*p->refused);
		if (!p)
			continue;
		p->tried = false;
		*p->log = 0;
		bpf_program__set_log_buf(program, p->log, only ? WHOLE_LOG : LOG);
		if (!strcmp(bpf_program__section_name(program), "xdp.frags"))
			bpf_program__set_flags(program, BPF_F_XDP_HAS_FRAGS);
	}
}

/* Sets the numbers of walked instructions and of maps. */
static void ask(const struct bpf_program *program, struct program *p)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);
	const char *at = strstr(p->log, "processed ");

	bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &len);
	p->maps = info.nr_map_ids;
	p->instructions = info.verified_insns;
	if (!p->instructions && at)
		p->instructions = strtoul(at + strlen("processed "), NULL, 10);
}

static void measure(struct bpf_object *o)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, o) {
		struct program *p = find_program(bpf_program__name(program));

		if (!p || bpf_program__fd(program) < 0)
			continue;
		p->loaded = bpf_program__insn_cnt(program);
		ask(program, p);
		p->stack = stack_of(program, &p->functions, p->log);
	}
}

/* Loads all programs at once. If the kernel refuses one, marks it and sets *again: the caller tries
 * the others without it. If libbpf refuses the object, prints that. Returns whether all loaded. */
static bool load_once(const void *elf, size_t size, const struct configuration *c, bool *again)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .kernel_log_level = only ? 6 : 4,
		    .object_name = "wgxdp");
	struct bpf_object *o = bpf_object__open_mem(elf, size, &options);
	struct program *last = NULL;
	struct switches switches;
	int rc = -errno;

	*again = false;
	*warning = 0;
	if (!o || !find_switches(o, &switches)) {
		print_row(c->name, "-", "refused", NULL,
			  o ? "no switches in .rodata" : strerror(-rc));
		bpf_object__close(o);
		return false;
	}
	set_switches(&switches, c);
	shrink_maps(o);
	choose_programs(o, c);
	rc = bpf_object__load(o);
	for (int i = 0; i < n_programs; i++)
		if (programs[i].tried)
			last = &programs[i];
	if (!rc) {
		measure(o);
	} else if (last) {
		set_reason(last, -rc);
		*again = true;
	} else {
		print_row(c->name, "-", "refused", NULL, *warning ? warning : strerror(-rc));
	}
	bpf_object__close(o);
	return !rc;
}

static void load_configuration(const void *elf, size_t size, const struct configuration *c)
{
	bool again, loaded;

	n_programs = 0;
	do
		loaded = load_once(elf, size, c, &again);
	while (again);
	for (int i = 0; i < n_programs && loaded; i++) {
		print_program(c, &programs[i]);
		if (only)
			print_functions(&programs[i]);
	}
}

/* ---- objects ---- */

/* Debug information has the compiler's version; an object without it is named after its compiler */
static void set_compiler(const char *path, const char *elf, size_t size)
{
	static const char mark[] = "clang version ";
	const char *at = memmem(elf, size, mark, strlen(mark)), *name = strrchr(path, '/');

	if (at) {
		snprintf(compiler, sizeof(compiler), "clang-%d", atoi(at + strlen(mark)));
		return;
	}
	name = name ? name + 1 : path;
	snprintf(compiler, sizeof(compiler), "%.*s", (int)strcspn(name, "."), name);
}

static void *read_file(const char *path, size_t *size)
{
	FILE *in = fopen(path, "r");
	char *data = NULL;
	long n = -1;

	if (in && !fseek(in, 0, SEEK_END))
		n = ftell(in);
	if (n > 0 && !fseek(in, 0, SEEK_SET))
		data = calloc(1, n + 1);
	if (data && fread(data, 1, n, in) == (size_t)n) {
		*size = n;
	} else {
		free(data);
		data = NULL;
	}
	if (in)
		fclose(in);
	return data;
}

static void load_file(const char *path)
{
	size_t size = 0;
	char *elf = read_file(path, &size);
	struct bpf_object *o = elf ? bpf_object__open_mem(elf, size, NULL) : NULL;
	struct switches switches;
	bool usable = o && find_switches(o, &switches);
	const char *difference = "no object file with switches in .rodata";

	if (usable)
		difference = find_difference(&switches);
	bpf_object__close(o);
	set_compiler(path, elf ?: "", size);
	if (difference)
		print_row("-", "-", "refused", NULL, difference);
	for (int i = 0; i < CONFIGURATIONS && usable; i++)
		if (!only || !strcmp(only, configurations[i].name))
			load_configuration(elf, size, &configurations[i]);
	free(elf);
}

static void print_list(void)
{
	for (int i = 0; i < CONFIGURATIONS; i++)
		printf("%-18s %s\n", configurations[i].name, configurations[i].switches);
}

int main(int argc, char **argv)
{
	int first = 1;

	if (argc == 2 && !strcmp(argv[1], "--list")) {
		print_list();
		return 0;
	}
	as_json = argc > 1 && !strcmp(argv[1], "--json");
	only = argc > 2 && !strcmp(argv[1], "--functions") ? argv[2] : NULL;
	first += only ? 2 : as_json;
	if (first >= argc || *argv[first] == '-') {
		fprintf(stderr, "usage: loads [--json | --list | --functions CONFIGURATION] OBJECT...\n");
		return 2;
	}
	uname(&host);
	snprintf(limits, sizeof(limits), " (limits: %d instructions, %d bytes, %d maps)",
		 MOST_INSTRUCTIONS, MOST_STACK, MOST_MAPS);
	libbpf_set_print(keep_warning);
	if (listen_to_loads() < 0) {
		fprintf(stderr, "loads: libbpf takes no handler\n");
		return 2;
	}
	if (as_json)
		printf("[\n");
	for (int i = first; i < argc; i++)
		load_file(argv[i]);
	if (as_json)
		printf("\n]\n");
	return failed;
}
