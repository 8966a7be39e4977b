/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reports which changes made by commands a new configuration undoes, because the user may have
 * forgotten to save them in the file. cmd/ and daemon/ include it.
 */
#pragma once
#include "config/config.h"

/* Prints a line for each undone change. old: the former configuration, or NULL. done: they are
 * undone now; otherwise they would be. Returns whether there are any. */
bool undone_report(const struct config *old, const struct config *new, bool done);
