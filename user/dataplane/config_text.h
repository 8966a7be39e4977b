/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The text of the running configuration. The kernel keeps it beside the maps that were made from
 * it, in the map that is pinned as `config`. A new text is a new map, whose pin replaces the old
 * one at once. `up`, the daemon and everything that reads the running configuration use it.
 */
#pragma once
#include <linux/types.h>
#include <stddef.h>

#define CONFIG_PIN "config"

/* Makes a map with the text, n bytes without a NUL. Returns its fd, which is never 0, or -errno. */
int config_text_make(const char *text, size_t n);
/* Reads the instance's text and adds a NUL; the caller frees it. 0 or -errno; -ENOENT: it has
 * none. */
int config_text_read(const char *instance, char **ret);
/* The id of the map that holds the text; 0: there is none. */
__u32 config_text_id(const char *instance);
