/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A configuration as it is in this program's memory, array after array: for the same program to read back without the work that
 * YAML is (a hundred thousand prefixes: 0.1 s). No other program may: layouts and numbers are those of this build.
 */
#pragma once
#include "config/config.h"

/* To the end of out, whose errors are the caller's to see */
void config_image_write(const struct config *c, FILE *out);
/* All of data is one; -EINVAL: it is not, or -ENOMEM */
int config_image_read(const void *data, size_t n, struct config **ret);
