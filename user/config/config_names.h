/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Enumerates the interfaces that a configuration names, whether or not the host has them. plan/,
 * show/, doctor/ and gen/ include it.
 */
#pragma once
#include "config/config.h"

/* Returns the next name with each call, each name once, and NULL after the last. *at must be 0
 * before the first call. *ret_role is the configured role. Without one it is ROLE_WAN for an
 * interface named under listen, or ROLE_TUNNEL for the device of a peer. */
const char *config_interface(const struct config *c, size_t *at, enum link_role *ret_role);
