/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Which prefixes an overlay and its peers may have. config/, plan/, daemon/, gen/ and cmd/ include
 * it.
 */
#pragma once
#include "lib/addr.h"

/* Returns what is wrong, in words that follow the prefix ("is …"); NULL: nothing. */
const char *relay_overlay_wrong(const struct prefix *overlay);
/* The words end so that the overlay may follow in parentheses. */
const char *relay_prefix_wrong(const struct prefix *prefix, const struct prefix *overlay);
