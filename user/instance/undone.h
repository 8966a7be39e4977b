/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reports which changes made by commands a new configuration undoes, because the user may have
 * forgotten to save them in the file. cmd/ and daemon/ include it.
 */
#pragma once
#include "config/config.h"

/* Prints a line for each change by hand that a new configuration undoes. old: the former
 * configuration, or NULL. done: the changes are undone now; otherwise they would be. Returns
 * whether there are any. */
bool undone_report(const struct config *old, const struct config *new, bool done);
