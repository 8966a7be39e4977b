/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What is said to the person at the terminal, on standard error: "wgxdp: error: …", "wgxdp: warning: …".
 */
#pragma once
#include <stdarg.h>

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
