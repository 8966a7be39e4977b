/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reports which changes made by commands a new configuration undoes, because the user may have
 * forgotten to save them in the file. cmd/ and daemon/ include it.
 */
#pragma once
#include "config/config.h"

/* If a command has changed `old`, prints in one line what loading `new` changes. old: the
 * configuration before; NULL: none. done: `new` is loaded already. Returns whether it printed
 * anything. */
bool undone_report(const struct config *old, const struct config *new, bool done);
