/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The exit codes of wgxdp(8). Commands return them, and so do the parts of a command in other
 * rooms.
 */
#pragma once

enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,			/* usage, or an invalid configuration */
	EXIT_HOST = 3,	/* the configuration is valid, but something on this host is wrong */
};
