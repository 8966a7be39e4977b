/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What is said to the person at the terminal: on standard error "wgxdp: error: …" and "wgxdp: warning: …", on standard output
 * what a command did.
 */
#pragma once
#include <stdarg.h>

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* As log_info(), also within rounds: for what happened, which may happen again */
void log_event(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* From now on log_info() says nothing: standard output is for what the command was asked for */
void log_no_info(void);

/* Begins a round of whoever does the same thing again and again: from now on a text that was said in the round before, or in
 * this one, is not said again. */
void log_round(void);
