/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What an overlay may be, and which prefixes a peer may have in it.
 */
#pragma once
#include "lib/addr.h"

/* What is wrong, in words that follow the prefix ("is …"); NULL: nothing */
const char *relay_overlay_wrong(const struct prefix *overlay);
/* The words end so that the overlay may follow in parentheses */
const char *relay_prefix_wrong(const struct prefix *prefix, const struct prefix *overlay);
