/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The core tier takes fewer of many like cases (scripts/test).
 */
#pragma once
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static inline bool takes_few(void)
{
	const char *tier = getenv("WGXDP_TIER");

	return tier && !strcmp(tier, "core");
}
