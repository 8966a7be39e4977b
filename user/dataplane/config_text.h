/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The text of the configuration that runs. The kernel keeps it beside the maps that were made of it, in the map that is
 * pinned as `config`. A new text is a new map, whose pin replaces the old one at once.
 */
#pragma once
#include <linux/types.h>
#include <stddef.h>

#define CONFIG_PIN "config"

/* A map that holds the text, n bytes without a NUL: its fd, which is never 0, or -errno */
int config_text_make(const char *text, size_t n);
/* The instance's text, with a NUL behind it, to be freed. -ENOENT: it has none; -errno */
int config_text_read(const char *instance, char **ret);
/* The number of the map that holds it; 0: there is none */
__u32 config_text_id(const char *instance);
