/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The exit codes of wgxdp(8). cmd/ returns them, and so do functions of other rooms that carry out
 * a command.
 */
#pragma once

enum exit_code {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,			/* wrong usage, or an invalid configuration */
	EXIT_HOST = 3,	/* the configuration is valid, but something on this host is wrong */
};
