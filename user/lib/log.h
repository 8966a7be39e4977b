/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Prints messages: "wgxdp: error: …" and "wgxdp: warning: …" on standard error, and reports of
 * progress on standard output. Most rooms include it.
 */
#pragma once
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Prints "FILE:LINE:COLUMN: error: …". If file is NULL or line is 0, it does the same as
 * log_error(). */
void log_error_at(const char *file, int line, int column, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Warns once that a part of the configuration waits, for example for an interface.
 * log_no_waiting() turns this off: the daemon logs changes of states instead. log_waited() returns
 * whether there was such a warning. */
void log_waiting(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_no_waiting(void);
bool log_waited(void);
/* Prints a state. Use log_event() for an event, because it may occur again. */
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Prints like log_info(), but never suppresses a repeated text. */
void log_event(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Turns log_info() and log_event() off, for commands whose standard output is their result. */
void log_no_info(void);
/* on: prints nothing; off: prints again. */
void log_silent(bool on);
/* Returns the stream for errors in a text of the user: standard error, or /dev/null while
 * log_silent() is on. */
FILE *log_stream(void);

/* on: prints texts even if they were printed before; off: suppresses repeated texts, see
 * log_round(). */
void log_again(bool on);

/* Begins or ends a round of a repeated task, which says again what is still so. After the first
 * call, a text is printed in a round only if neither this round nor the one before had it. Outside
 * of rounds, it is printed only if no call had it in the last 90 s. */
void log_round(bool begins);
/* log_store(), in a child, stores the texts of its rounds in a file. log_take(), in the parent,
 * treats them as printed in a round of its own, and empties the file. */
void log_store(int fd);
void log_take(int fd);

/* ---- exit codes of wgxdp(8) ---- */

enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,			/* wrong usage, or an invalid configuration */
	EXIT_HOST = 3,	/* the configuration is valid, but something on this host is wrong */
};
