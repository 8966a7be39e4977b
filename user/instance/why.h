/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Explains in words why an interface has its plane and mode, for show/.
 */
#pragma once
#include "plan/plan.h"

/* Explains a running port: for each of its nics, or why it has none. links are the n that run; p is
 * of plan_running(). Returns a text to be freed, or NULL: no memory. */
char *why_port(const struct plan *p, const struct host *h, const struct link *links, size_t n,
	       __u32 ifindex);
