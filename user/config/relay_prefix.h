/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Checks which prefixes an overlay and its peers may have. config/, plan/, daemon/, gen/ and cmd/
 * include it.
 */
#pragma once
#include "lib/addr.h"

/* Returns what is wrong with the prefix of an overlay, in words that follow the prefix ("is …");
 * NULL: nothing. */
const char *relay_overlay_wrong(const struct prefix *overlay);
/* Returns what is wrong with a peer's prefix in this overlay; NULL: nothing. The words end with
 * "the overlay", and the caller appends the overlay's prefix. */
const char *relay_prefix_wrong(const struct prefix *prefix, const struct prefix *overlay);
