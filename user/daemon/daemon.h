/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The daemon: what runs is kept as the configuration wants it, whatever the kernel, DNS or other commands change.
 */
#pragma once

/* Returns when it is told to end, or the instance went down: the program's exit code. file: NULL: what runs is followed */
int daemon_run(const char *instance, const char *file);
