/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The interfaces that a configuration names, whether the host has them or not. plan/, show/,
 * doctor/ and gen/ include it.
 */
#pragma once
#include "config/config.h"

/* Returns one name after the other, each once; *at begins as 0. NULL: no more. ret_role: ROLE_WAN
 * for an interface that services only listen on, ROLE_TUNNEL for one that is only the device of a
 * peer. */
const char *config_interface(const struct config *c, size_t *at, enum link_role *ret_role);
