/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp top: shows current rates of services, peers and sites.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "cmd/command.h"
#include "lib/log.h"
#include "instance/running.h"
#include "show/top.h"

struct arguments {
	double interval;
	unsigned long left;		/* tables to print before it ends; 0: no limit */
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

static void print_row(const struct top_row *r, enum top_unit unit, FILE *out)
{
	char to[16] = "", back[16] = "", dropped[16], passed[16];

	if (r->kind != TOP_REASON)
		top_format(to, top_in_unit(&r->rate, unit, false));
	if (r->kind == TOP_SERVICE || r->kind == TOP_PEER)
		top_format(back, top_in_unit(&r->rate, unit, true));
	top_format(dropped, r->rate.dropped);
	top_format(passed, r->rate.passed);
	fprintf(out, "  %-40s %9s %9s", r->name, to, back);
	if (r->kind == TOP_PAIR)
		fputc('\n', out);
	else
		fprintf(out, " %9s %9s\n", dropped, passed);
}

static void print_table(const struct top *t, const struct arguments *a, FILE *out)
{
	int kind = -1;

	for (size_t i = 0; i < t->n; i++) {
		if ((int)t->rows[i].kind != kind) {
			kind = t->rows[i].kind;
			fprintf(out, "%-42s %9s %9s %9s %9s\n", top_kind_names[kind],
				kind == TOP_REASON ? "" : top_unit_names[a->unit],
				kind == TOP_SERVICE || kind == TOP_PEER ? "back" : "",
				kind == TOP_PAIR ? "" : "dropped",
				kind == TOP_PAIR ? "" : "passed");
		}
		print_row(&t->rows[i], a->unit, out);
	}
	fputc('\n', out);
}

static void print_text(const char *text, FILE *out)
{
	fputc('"', out);
	for (; *text; text++)
		fprintf(out, *text == '"' || *text == '\\' ? "\\%c" : "%c", *text);
	fputc('"', out);
}

/* Prints all counters as one line of JSON; names have no control characters. */
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
		print_text(t->rows[i].name, out);
		fprintf(out,
			", \"packets\": %.3f, \"bytes\": %.3f, \"packets_back\": %.3f, "
			"\"bytes_back\": %.3f, \"dropped\": %.3f, \"passed\": %.3f}",
			r->packets_to, r->bytes_to, r->packets_back, r->bytes_back, r->dropped,
			r->passed);
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

	if (rc) {
		top_free(&now);
		return rc;
	}
	top_rates(&now, t);
	top_free(t);
	*t = now;
	return 0;
}

static void pause_for(double seconds)
{
	struct timespec t = { .tv_sec = seconds, .tv_nsec = (seconds - (time_t)seconds) * 1e9 };

	nanosleep(&t, NULL);
}

static bool is_interrupted(void)
{
	return interrupted;
}

/* Shows the rates on the whole screen until the user quits. Returns 0, -EOPNOTSUPP if the terminal
 * cannot do that, or another -errno. */
static int run_screen(const struct global *g, const struct arguments *a)
{
	struct top_view v = { .sort = a->sort, .unit = a->unit, .interval = a->interval };
	struct top t = { 0 };
	int rc = read_counters(g, &t) ?: top_screen_begin();
	bool on = !rc;

	snprintf(v.filter, sizeof(v.filter), "%s", a->filter ?: "");
	while (!rc && top_screen_show(&t, g->instance, &v, is_interrupted))
		rc = read_again(g, &t);
	if (on)
		top_screen_end();
	if (rc == -ENOENT && on)
		running_not_up(g->instance);	/* again, because the screen has hidden it */
	top_free(&t);
	return rc;
}

/* Prints a copy of t, sorted and filtered. Returns 0 or -ENOMEM. */
static int print_sorted(const struct top *t, const struct arguments *a, double seconds)
{
	struct top shown = *t;

	shown.rows = malloc((t->n + 1) * sizeof(*t->rows));
	if (!shown.rows)
		return -ENOMEM;
	if (t->n)
		memcpy(shown.rows, t->rows, t->n * sizeof(*t->rows));
	top_sort(&shown, a->sort, a->unit, a->filter);
	if (a->json)
		print_json(&shown, seconds, stdout);
	else
		print_table(&shown, a, stdout);
	top_free(&shown);
	return 0;
}

static int run_printing(const struct global *g, struct arguments *a)
{
	struct top t = { 0 };
	int rc = read_counters(g, &t);

	while (!rc) {
		double before = t.at;

		pause_for(a->interval);
		if (interrupted)
			break;
		rc = read_again(g, &t) ?: print_sorted(&t, a, t.at - before);
		if (rc || fflush(stdout) || (a->left && !--a->left))
			break;	/* the reader has ended, or all tables are printed */
	}
	top_free(&t);
	return rc;
}

/* ---- the command ---- */

static int parse_interval(void *member, const struct command_option *o, char *value)
{
	char *end;
	double seconds = strtod(value, &end);

	*(double *)member = seconds;
	return end != value && !*end && seconds >= 0.1 && seconds <= 3600 ? 0 :
	       option_wrong(o, value, "this is not a number of seconds: write one from 0.1 to "
				      "3600");
}

static int run_top(const struct global *g, int argc, char **argv)
{
	struct arguments a = { .interval = 2 };
	struct sigaction action = { .sa_handler = on_signal };
	int rc;

	if (!options_parse(&top_command, argc, argv, &a, NULL))
		return EXIT_USAGE;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	rc = !a.json && !a.left && isatty(STDOUT_FILENO) && isatty(STDIN_FILENO) ?
	     run_screen(g, &a) : -EOPNOTSUPP;
	rc = rc == -EOPNOTSUPP ? run_printing(g, &a) : rc;
	return rc ? EXIT_FAILED : EXIT_DONE;
}

static const struct command_option options[] = {
	{ 'i', "interval", "SECONDS", offsetof(struct arguments, interval),
	  "seconds between two readings, from 0.1 to 3600 (default: 2)", parse_interval },
	{ 'n', "number", "NUMBER", offsetof(struct arguments, left),
	  "end after printing this many tables", parse_number },
	{ 's', "sort", "KEY", offsetof(struct arguments, sort),
	  "sort the rows by rate (default), dropped, passed or name",
	  parse_choice, .values = "rate dropped passed name" },
	{ 'u', "units", "UNIT", offsetof(struct arguments, unit),
	  "unit of the rates: bits (default), bytes or packets",
	  parse_choice, .values = "bits bytes packets" },
	{ 'f', "filter", "TEXT", offsetof(struct arguments, filter),
	  "print only rows whose name contains TEXT" },
	{ 'j', "json", NULL, offsetof(struct arguments, json),
	  "print a JSON object each interval, with all rates per second; bytes include the IP "
	  "header" },
	{ 0 },
};

const struct command top_command = {
	.name = "top",
	.summary = "show current rates of services, peers and sites",
	.usage = "[-i SECONDS] [-n NUMBER] [-s KEY] [-u UNIT] [-f TEXT] [-j|--json]",
	.about = "Shows a table of the rates of services, peers, pairs of blind sites, and reasons "
		 "for drops, once per interval. The first rate is to the backend, or from the peer "
		 "or site. The second rate is back from the backend, or to the peer. Dropped and "
		 "passed are packets per second. On a terminal it uses the whole screen, and the "
		 "last line explains its keys. With -n or --json it prints tables one after the "
		 "other. Stop it with q or Ctrl-C.",
	.run = run_top,
	.options = options,
	.only_prints = true,
};
