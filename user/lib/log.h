/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Messages for the person at the terminal: "wgxdp: error: …" and "wgxdp: warning: …" on standard
 * error, reports of progress on standard output. Every room includes it.
 */
#pragma once
#include <stdarg.h>
#include <stdbool.h>

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* "FILE:LINE:COLUMN: error: …"; as log_error() if file is NULL or the line 0 */
void log_error_at(const char *file, int line, int column, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Warns of what waits for something. Silent in the daemon: its log of states says the same. */
void log_waiting(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_no_waiting(void);
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* As log_info(), but also repeats within rounds: for events, which may recur. */
void log_event(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Silences log_info(): standard output is for the command's result. */
void log_no_info(void);

/* While it is on, a text is printed again whatever was printed before. */
void log_again(bool on);

/* Begins a round of a repeated task: a text of the last round, or of this one, is not printed
 * again. */
void log_round(void);
