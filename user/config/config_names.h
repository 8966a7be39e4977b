/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What a configuration names that need not be there: interfaces.
 */
#pragma once
#include "config/config.h"

/* One after the other, each once; *at begins as 0. NULL: no more. ret_role: ROLE_WAN of one that is only listened on,
 * ROLE_TUNNEL of one that is only a peer's device */
const char *config_interface(const struct config *c, size_t *at, enum link_role *ret_role);
