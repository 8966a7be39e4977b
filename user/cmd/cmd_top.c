/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp top: shows current rates of services, peers and sites.
 */
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include "cmd/command.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "lib/text.h"
#include "instance/run_state.h"
#include "show/top.h"

struct arguments {
	double interval;
	bool once;
	enum top_sort sort;
	enum top_unit unit;
	const char *filter;
	bool json;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int signum)
{
	interrupted = 1;
}

/* ---- a table ---- */

#define NUMBERS 40			/* columns of the numbers of a row */
#define NAME_MIN 12
#define NAME_MOST 42

static void print_row(const struct top_row *r, enum top_unit unit, int width, FILE *out)
{
	char to[16] = "", back[16] = "", dropped[16] = "", passed[16] = "";

	if (r->kind != TOP_REASON)
		top_format(to, top_in_unit(&r->rate, unit, false));
	if (r->kind == TOP_SERVICE || r->kind == TOP_PEER)
		top_format(back, top_in_unit(&r->rate, unit, true));
	if (r->kind != TOP_PAIR) {
		top_format(dropped, r->rate.dropped);
		top_format(passed, r->rate.passed);
	}
	fprintf(out, "  %-*.*s %9s %9s %9s %9s\n", width - 2, width - 2, r->name, to, back, dropped,
		passed);
}

static void print_table(const struct top *t, enum top_unit unit, int width, FILE *out)
{
	int kind = -1;

	for (size_t i = 0; i < t->n; i++) {
		if ((int)t->rows[i].kind != kind) {
			kind = t->rows[i].kind;
			fprintf(out, "%-*s %9s %9s %9s %9s\n", width, top_kind_names[kind],
				kind == TOP_REASON ? "" : top_unit_names[unit],
				kind == TOP_SERVICE || kind == TOP_PEER ? "back" : "",
				kind == TOP_PAIR ? "" : "dropped",
				kind == TOP_PAIR ? "" : "passed");
		}
		print_row(&t->rows[i], unit, width, out);
	}
}

/* Prints the table in place of the one before it, as far as the terminal has lines. */
static void draw_table(const struct top *t, enum top_unit unit, const struct winsize *size)
{
	int room = size->ws_col - NUMBERS, left = size->ws_row - 1;
	int width = room < NAME_MIN ? NAME_MIN : room < NAME_MOST ? room : NAME_MOST;
	char *text = NULL, *line, *rest;
	size_t n;
	FILE *out = text_open(&text, &n);

	print_table(t, unit, width, out);
	fclose(out);
	rest = text;
	fputs("\033[H", stdout);		/* to the first line */
	while (left-- && (line = strsep(&rest, "\n")) && *line)
		printf("%s\033[K\n", line);	/* clears the rest of the line */
	fputs("\033[J", stdout);		/* clears the lines below */
	free(text);
}

/* Prints all counters as one line of JSON. */
static void print_json(const struct top *t, double seconds, FILE *out)
{
	static const char *const kinds[] = { "service", "peer", "site_pair", "reason" };
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	fprintf(out, "{\"time\": %lld.%03ld, \"seconds\": %.3f, \"rows\": [", (long long)now.tv_sec,
		now.tv_nsec / 1000000, seconds);
	for (size_t i = 0; i < t->n; i++) {
		const struct top_count *r = &t->rows[i].rate;

		fprintf(out, "%s{\"kind\": \"%s\", \"name\": ", i ? ", " : "",
			kinds[t->rows[i].kind]);
		text_print_json(out, t->rows[i].name);
		fprintf(out, ", \"packets\": %.3f, \"bytes\": %.3f, \"packets_back\": %.3f, \"bytes_back\": %.3f, \"dropped\": %.3f, \"passed\": %.3f}",
			r->packets_to,
			r->bytes_to, r->packets_back, r->bytes_back, r->dropped, r->passed);
	}
	fputs("]}\n", out);
}

/* ---- readings ---- */

/* Reads the counters of the running data path, whose maps may have been replaced. Returns 0, or
 * -errno after printing an error. */
static int read_counters(const struct global *g, struct top *ret)
{
	struct dataplane *dp = NULL;
	int rc = running_open(g->instance, &dp), failed = rc ? 0 : top_read(dp, ret);

	if (failed)
		log_error("cannot read the maps of instance %s: %s", g->instance,
			  strerror(-failed));
	dataplane_close(dp);
	return rc ?: failed;
}

/* Reads the counters into *t, with rates since the reading that *t had. */
static int read_again(const struct global *g, struct top *t)
{
	struct top now = { 0 };
	int rc = read_counters(g, &now);

	top_rates(&now, t);
	top_free(t);
	*t = now;
	return rc;
}

/* Prints a copy of t, sorted and filtered. */
static void print_sorted(const struct top *t, const struct arguments *a, double seconds)
{
	struct top shown = *t;
	struct winsize size;

	shown.rows = xmemdup(t->rows, t->n * sizeof(*t->rows));
	top_sort(&shown, a->sort, a->unit, a->filter);
	if (a->json) {
		print_json(&shown, seconds, stdout);
	} else if (!a->once && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_row) {
		draw_table(&shown, a->unit, &size);
	} else {
		print_table(&shown, a->unit, NAME_MOST, stdout);
		putchar('\n');
	}
	top_free(&shown);
}

static int run_printing(const struct global *g, const struct arguments *a)
{
	struct timespec pause = { .tv_sec = a->interval,
				  .tv_nsec = (a->interval - (time_t)a->interval) * 1e9 };
	struct top t = { 0 };
	int rc = read_counters(g, &t);

	while (!rc) {
		double before = t.at;

		nanosleep(&pause, NULL);
		if (interrupted)
			break;
		rc = read_again(g, &t);
		if (!rc)
			print_sorted(&t, a, t.at - before);
		if (rc || fflush(stdout) || a->once)	/* fflush() fails if the reader has ended */
			break;
	}
	return rc;
}

/* ---- the command ---- */

static int parse_interval(void *member, const struct command_option *o, char *value)
{
	char *end;
	double seconds = strtod(value, &end);

	*(double *)member = seconds;
	return end != value && !*end && seconds >= 0.1 && seconds <= 3600 ? 0 :
	       option_wrong(o, value, "this is not a number of seconds: write one from 0.1 to 3600");
}

static int run_top(const struct global *g, int argc, char **argv)
{
	struct arguments a = { .interval = 1 };
	struct sigaction action = { .sa_handler = on_signal };

	if (!options_parse(&top_command, argc, argv, &a, NULL))
		return EXIT_USAGE;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	return run_printing(g, &a) ? EXIT_FAILED : EXIT_DONE;
}

static const struct command_option options[] = {
	{ 'i', "interval", "SECONDS", offsetof(struct arguments, interval),
	  "seconds between two readings, from 0.1 to 3600 (default: 1)", parse_interval },
	{ 'o', "once", NULL, offsetof(struct arguments, once), "end after the first table" },
	{ 's', "sort", "KEY", offsetof(struct arguments, sort),
	  "sort the rows by rate (default), dropped, passed or name",
	  parse_choice, .values = "rate dropped passed name" },
	{ 'u', "units", "UNIT", offsetof(struct arguments, unit),
	  "unit of the rates: bits (default), bytes or packets",
	  parse_choice, .values = "bits bytes packets" },
	{ 'f', "filter", "TEXT", offsetof(struct arguments, filter),
	  "print only rows whose name contains TEXT" },
	{ 'j', "json", NULL, offsetof(struct arguments, json),
	  "print a JSON object each interval, with all rates per second; bytes include the IP header" },
	{ 0 },
};

const struct command top_command = {
	.name = "top",
	.summary = "show current rates of services, peers and sites",
	.usage = "[-i SECONDS] [-o|--once] [-s KEY] [-u UNIT] [-f TEXT] [-j|--json]",
	.about = "Shows a table of the rates of services, peers, pairs of blind sites, and reasons for drops, once per interval. The first rate is to the backend, or from the peer or site. The second rate is back from the backend, or to the peer. Dropped and passed are packets per second. On a terminal each table replaces the one before it; elsewhere they follow each other. Stop it with Ctrl-C.",
	.run = run_top,
	.options = options,
	.only_prints = true,
};
