/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp top: who sends how much now.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "cmd/command.h"
#include "lib/log.h"
#include "instance/running.h"
#include "show/top_screen.h"

const char top_help[] =
	"[-i SECONDS] [-n NUMBER] [-s KEY] [-u UNIT] [-f TEXT] [-j|--json]\n\n"
	"Rates of services, peers, pairs of blind sites and reasons, a table each interval: to the backend, or from the peer or site; back from\n"
	"the backend, or to the peer; and what was dropped and passed up, in packets a second. On a terminal it has the whole screen, and its last\n"
	"line names the keys; -n and --json print. Ends with q or Ctrl-C.\n\n"
	"  -i, --interval SECONDS  between two readings, 0.1 to 3600 (default: 2)\n"
	"  -n, --number NUMBER     end after so many tables\n"
	"  -s, --sort KEY          by rate (default), dropped, passed or name\n"
	"  -u, --units UNIT        bits (default), bytes or packets\n"
	"  -f, --filter TEXT       only rows whose name holds it\n"
	"  -j, --json              a JSON object each interval, with all of it; rates a second, bytes with the IP header\n";

struct arguments {
	double interval;
	unsigned long left;		/* tables to print; 0: without end */
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
			fprintf(out, "%-42s %9s %9s %9s %9s\n", top_kind_names[kind], kind == TOP_REASON ? "" : top_unit_names[a->unit],
				kind == TOP_SERVICE || kind == TOP_PEER ? "back" : "", kind == TOP_PAIR ? "" : "dropped", kind == TOP_PAIR ? "" : "passed");
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

/* A line: names have no control characters */
static void print_json(const struct top *t, double seconds, FILE *out)
{
	static const char *const kinds[] = { "service", "peer", "site_pair", "reason" };
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	fprintf(out, "{\"time\": %lld.%03ld, \"seconds\": %.3f, \"rows\": [", (long long)now.tv_sec, now.tv_nsec / 1000000, seconds);
	for (size_t i = 0; i < t->n; i++) {
		const struct top_count *r = &t->rows[i].rate;

		fprintf(out, "%s{\"kind\": \"%s\", \"name\": ", i ? ", " : "", kinds[t->rows[i].kind]);
		print_text(t->rows[i].name, out);
		fprintf(out, ", \"packets\": %.3f, \"bytes\": %.3f, \"packets_back\": %.3f, \"bytes_back\": %.3f, \"dropped\": %.3f, \"passed\": %.3f}",
			r->packets_to, r->bytes_to, r->packets_back, r->bytes_back, r->dropped, r->passed);
	}
	fputs("]}\n", out);
}

/* ---- looking ---- */

/* What runs may be other maps than before. 0 or -errno, told. */
static int look(const struct global *g, struct top *ret)
{
	struct dataplane *dp = NULL;
	int rc = dataplane_open(g->instance, &dp);

	if (rc)
		return rc;
	if (!dp->running) {
		running_not_up(g->instance);
		rc = -ENOENT;
	} else {
		rc = top_read(dp, ret);
		if (rc)
			log_error("cannot read the maps of instance %s: %s", g->instance, strerror(-rc));
	}
	dataplane_close(dp);
	return rc;
}

static void pause_for(double seconds)
{
	struct timespec t = { .tv_sec = seconds, .tv_nsec = (seconds - (time_t)seconds) * 1e9 };

	nanosleep(&t, NULL);
}

static bool ended(void)
{
	return interrupted;
}

/* On the whole screen, until the user goes; -EOPNOTSUPP: there is none */
static int run_screen(const struct global *g, const struct arguments *a)
{
	struct top_view v = { .sort = a->sort, .unit = a->unit, .interval = a->interval };
	struct top before = { 0 }, now = { 0 };
	int rc = look(g, &before) ?: top_screen_begin();
	bool on = !rc;

	snprintf(v.filter, sizeof(v.filter), "%s", a->filter ?: "");
	while (!rc && top_screen_show(&before, g->instance, &v, ended)) {
		rc = look(g, &now);
		if (rc)
			break;
		top_rates(&now, &before);
		top_free(&before);
		before = now;
		now = (struct top){ 0 };
	}
	if (on)
		top_screen_end();
	if (rc == -ENOENT && on)
		running_not_up(g->instance);	/* what was said before is behind the screen */
	top_free(&before);
	return rc;
}

static int run(const struct global *g, struct arguments *a)
{
	struct top before = { 0 }, now = { 0 };
	int rc = look(g, &before);

	while (!rc && !interrupted) {
		struct top shown;

		pause_for(a->interval);
		if (interrupted)
			break;
		rc = look(g, &now);
		if (rc)
			break;
		top_rates(&now, &before);
		shown = (struct top){ .rows = malloc((now.n + 1) * sizeof(*now.rows)), .n = now.n, .at = now.at };
		if (!shown.rows) {
			rc = -ENOMEM;
			break;
		}
		if (now.n)
			memcpy(shown.rows, now.rows, now.n * sizeof(*now.rows));
		top_sort(&shown, a->sort, a->unit, a->filter);
		if (a->json)
			print_json(&shown, now.at - before.at, stdout);
		else
			print_table(&shown, a, stdout);
		top_free(&shown);
		top_free(&before);
		before = now;
		now = (struct top){ 0 };
		if (fflush(stdout) || (a->left && !--a->left))
			break;			/* who read it has gone, or has enough */
	}
	top_free(&now);
	top_free(&before);
	return rc;
}

/* ---- arguments ---- */

static int word(const char *option, const char *const *words, const char *text)
{
	for (int i = 0; words[i]; i++)
		if (!strcmp(words[i], text))
			return i;
	log_error("top: %s %s: %s, %s, %s%s%s is wanted", option, text, words[0], words[1], words[2], words[3] ? ", " : "", words[3] ?: "");
	return -1;
}

static int take(int option, struct arguments *a)
{
	char *end = NULL;
	int i = 0;

	switch (option) {
	case 'i':
		a->interval = strtod(optarg, &end);
		if (end != optarg && !*end && a->interval >= 0.1 && a->interval <= 3600)
			return 0;
		log_error("top: -i %s: seconds from 0.1 to 3600 are wanted", optarg);
		return -1;
	case 'n':
		a->left = strtoul(optarg, &end, 10);
		if (!*end && *optarg >= '0' && *optarg <= '9' && a->left)
			return 0;
		log_error("top: -n %s: a number from 1 on is wanted", optarg);
		return -1;
	case 's':
		i = word("-s", top_sort_names, optarg);
		a->sort = i < 0 ? a->sort : (enum top_sort)i;
		return i < 0 ? -1 : 0;
	case 'u':
		i = word("-u", top_unit_names, optarg);
		a->unit = i < 0 ? a->unit : (enum top_unit)i;
		return i < 0 ? -1 : 0;
	case 'f':
		a->filter = optarg;
		return 0;
	default:
		a->json = true;
		return 0;
	}
}

static int parse(int argc, char **argv, struct arguments *a)
{
	static const struct option options[] = {
		{ "interval", required_argument, NULL, 'i' }, { "number", required_argument, NULL, 'n' }, { "sort", required_argument, NULL, 's' },
		{ "units", required_argument, NULL, 'u' }, { "filter", required_argument, NULL, 'f' }, { "json", no_argument, NULL, 'j' }, { 0 },
	};
	int option;

	opterr = 0;
	while ((option = getopt_long(argc, argv, ":i:n:s:u:f:j", options, NULL)) != -1) {
		if (option == ':' || option == '?') {
			option_error("top", option, argv);
			return -1;
		}
		if (take(option, a))
			return -1;
	}
	if (optind == argc)
		return 0;
	log_error("top: %s: it takes options alone", argv[optind]);
	return -1;
}

int cmd_top(const struct global *g, int argc, char **argv)
{
	struct arguments a = { .interval = 2 };
	struct sigaction action = { .sa_handler = on_signal };
	int rc;

	if (parse(argc, argv, &a))
		return EXIT_USAGE;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	rc = !a.json && !a.left && isatty(STDOUT_FILENO) && isatty(STDIN_FILENO) ? run_screen(g, &a) : -EOPNOTSUPP;
	rc = rc == -EOPNOTSUPP ? run(g, &a) : rc;
	return rc ? EXIT_FAILED : EXIT_DONE;
}
