/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Stores the text of the running configuration in a BPF map that is pinned as `config`, beside the
 * maps that were made from it. A new text gets a new map, whose pin replaces the old one
 * atomically. dataplane/, instance/, daemon/, show/ and cmd/ include it.
 */
#pragma once
#include <linux/types.h>
#include <stddef.h>

#define CONFIG_PIN "config"

/* Makes a map that contains the n bytes of a configuration's text, without a NUL. Returns its fd,
 * never 0, or -errno. */
int config_text_make(const char *text, size_t n);
/* Reads the running configuration's text and adds a NUL. The caller frees *ret. Returns 0 or
 * -errno; -ENOENT if the instance has none. */
int config_text_read(const char *instance, char **ret);
/* Returns the id of the map that contains the running configuration's text; 0: there is none. */
__u32 config_text_id(const char *instance);
