/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Explains in words why an interface has its plane and mode (XDP native or generic, or tc). show/
 * includes it.
 */
#pragma once
#include "plan/plan.h"

/* Explains a running port: the mode of each of its nics, or why it has none. links: the n running
 * links. p: from plan_running(). Returns a text that the caller frees, or NULL if there is no
 * memory. */
char *why_port(const struct plan *p, const struct host *h, const struct link *links, size_t n,
	       __u32 ifindex);
