/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * apply: from a checked configuration to the running instance, and what to say of it.
 */
#pragma once
#include "config.h"

/* Loads, attaches and fills, or brings what runs to the configuration: all of it or nothing. The caller holds the
 * instance's lock (state_lock). Says on standard output which port got what. 0 or -errno, told. */
int apply(const char *instance, const struct config *c);
