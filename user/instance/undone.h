/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reports which changes made by commands a new configuration undoes, because the user may have
 * forgotten to save them in the file. cmd/ and daemon/ include it.
 */
#pragma once
#include "config/config.h"

/* Prints a line for each change by a command that loading `new` undoes. old: the configuration
 * before; NULL: none. done: `new` is loaded already; otherwise the lines say "would". Returns
 * whether there is any. */
bool undone_report(const struct config *old, const struct config *new, bool done);
