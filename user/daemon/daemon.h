/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The daemon keeps the data path as the configuration says, when the kernel, DNS or other commands
 * change something. cmd_daemon.c and cmd_knock.c include it.
 */
#pragma once

/* Runs the daemon until a signal or `down` ends it, and returns the program's exit code. file NULL:
 * the daemon follows the running configuration. */
int daemon_run(const char *instance, const char *file);
