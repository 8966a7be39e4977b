/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Each call writes its line with one write(2), so that lines of two processes do not mix.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "lib/grow.h"
#include "lib/log.h"
#include "lib/text.h"

/* Time in s for which a text outside of rounds is not repeated. It is longer than the interval of
 * most retries, 60 s. */
#define QUIET_SECONDS 90

struct said {
	char *text;
	unsigned int round;		/* last round with this text; 0: none */
	time_t at;	/* time of the last call with this text, in s since boot; -1: none */
};

static struct said *said;
static size_t n_said;
static unsigned int round_now = 1;	/* number of the present or last round */
static bool in_round, in_rounds, again, no_info, silent, no_waiting, waited;
static int store = -1;	/* fd for the texts of rounds; -1: none */

/* Whether a repeated text is printed: always, only later, or never. */
enum repeat { REPEAT_ALWAYS, REPEAT_LATER, REPEAT_NEVER };

void log_again(bool on)
{
	again = on;
}

void log_silent(bool on)
{
	silent = on;
}

FILE *log_stream(void)
{
	static FILE *nowhere;

	if (silent && !nowhere)
		nowhere = fopen("/dev/null", "we");
	return silent && nowhere ? nowhere : stderr;
}

static bool in_last_rounds(const struct said *s)
{
	return s->round && s->round + 1 >= round_now;
}

static time_t seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec;
}

static void forget_old(time_t now)
{
	size_t kept = 0;

	for (size_t i = 0; i < n_said; i++)
		if (in_last_rounds(&said[i]) || now - said[i].at < QUIET_SECONDS)
			said[kept++] = said[i];
		else
			free(said[i].text);
	n_said = kept;
}

static struct said *find_said(const char *text)
{
	struct said *s;

	for (size_t i = 0; i < n_said; i++)
		if (!strcmp(said[i].text, text))
			return &said[i];
	s = append(said, n_said);
	s->text = xstrdup(text);
	s->at = -1;
	return s;
}

/* Returns whether the cause of the text lasts, so that it was printed already. */
static bool printed_already(const char *text)
{
	time_t now = seconds();
	struct said *s;
	bool printed;

	if (in_rounds)
		forget_old(now);
	s = find_said(text);
	printed = in_round ? in_last_rounds(s) :
		  s->at >= 0 && (!in_rounds || now - s->at < QUIET_SECONDS);
	s->at = now;
	if (in_round)
		s->round = round_now;
	if (in_round && store >= 0 && write(store, text, strlen(text) + 1) < 0)
		store = -1;		/* the daemon prints them again */
	return printed;
}

void log_store(int fd)
{
	store = fd;
}

void log_take(int fd)
{
	off_t n = fd < 0 ? 0 : lseek(fd, 0, SEEK_END), at = 0;
	char *texts = n > 0 ? xcalloc(1, n + 1) : NULL;

	if (texts && pread(fd, texts, n, 0) == n) {
		log_round(true);
		for (; at < n; at += strlen(texts + at) + 1)
			printed_already(texts + at);
		log_round(false);
	}
	free(texts);
	if (fd >= 0 && !ftruncate(fd, 0))
		lseek(fd, 0, SEEK_SET);
}

void log_round(bool begins)
{
	in_rounds = true;
	in_round = begins;
	round_now += begins;
}

static void print_line(FILE *out, const char *level, enum repeat repeat, const char *format,
		       va_list args)
{
	char text[2048], line[sizeof(text) + 512];

	if (silent)
		return;
	vsnprintf(text, sizeof(text), format, args);
	if ((repeat == REPEAT_NEVER || (repeat == REPEAT_LATER && in_rounds)) &&
	    printed_already(text) && !again)
		return;
	text_visible(line, sizeof(line), text);
	fprintf(out, "%s%s\n", level, line);
	fflush(out);
}

/* Prints the text that `format` makes from the variable arguments of the function around it. */
#define PRINT_LINE(out, level, repeat, format) \
	({ \
		va_list args; \
		va_start(args, format); \
		print_line(out, level, repeat, format, args); \
		va_end(args); \
	})

void log_error(const char *format, ...)
{
	PRINT_LINE(stderr, "wgxdp: error: ", REPEAT_LATER, format);
}

void log_error_at(const char *file, int line, int column, const char *format, ...)
{
	char level[4096 + 64] = "wgxdp: error: ";

	if (file && line)
		snprintf(level, sizeof(level), "%s:%d:%d: error: ", file, line, column);
	PRINT_LINE(stderr, level, REPEAT_LATER, format);
}

void log_warning(const char *format, ...)
{
	PRINT_LINE(stderr, "wgxdp: warning: ", REPEAT_LATER, format);
}

void log_waiting(const char *format, ...)
{
	if (no_waiting)
		return;
	waited = true;
	PRINT_LINE(stderr, "wgxdp: warning: ", REPEAT_NEVER, format);
}

bool log_waited(void)
{
	return waited;
}

void log_no_waiting(void)
{
	no_waiting = true;
}

void log_info(const char *format, ...)
{
	if (no_info)
		return;
	PRINT_LINE(stdout, "", REPEAT_LATER, format);
}

void log_no_info(void)
{
	no_info = true;
}

void log_event(const char *format, ...)
{
	if (no_info)
		return;
	PRINT_LINE(stdout, "", REPEAT_ALWAYS, format);
}
