/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The text of the configuration that runs. The kernel keeps it beside the maps that were made of it: the pinned map
 * `config` holds one map, and that one holds the text. One update replaces the old text by the new one.
 */
#pragma once
#include <linux/types.h>
#include <stddef.h>

#define CONFIG_PIN "config"

/* A map that holds the text, n bytes without a NUL: its fd, which is never 0, or -errno */
int config_text_make(const char *text, size_t n);
/* A map for such a map, to be pinned as CONFIG_PIN. like: the fd of one. fd, or -errno */
int config_text_holder(int like);
/* From now on the text of this map runs. 0 or -errno. */
int config_text_put(int holder, int text);

/* The instance's text, with a NUL behind it, to be freed. -ENOENT: it has none; -errno */
int config_text_read(const char *instance, char **ret);
/* A number that is another one after each change of the text; 0: there is no text */
__u32 config_text_id(const char *instance);
