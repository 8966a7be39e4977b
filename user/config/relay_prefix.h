/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Checks which prefixes an overlay and its peers may have. config/, plan/, daemon/, gen/ and cmd/
 * include it.
 */
#pragma once
#include "lib/addr.h"

/* Returns what is wrong with an overlay, in words that follow the prefix ("is …"), or NULL if it is
 * valid. */
const char *relay_overlay_wrong(const struct prefix *overlay);
/* Returns what is wrong with the prefix of a peer, or NULL. The words end with "the overlay", so
 * that the overlay's prefix can follow. */
const char *relay_prefix_wrong(const struct prefix *prefix, const struct prefix *overlay);
