/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Explains in words why an interface has its plane and mode (XDP native or generic, or tc). show/
 * includes it.
 */
#pragma once
#include "plan/plan.h"

/* Explains a running port: in which mode each of its nics is attached, or why it has no nic. p:
 * from plan_running(). links: the n running links. The caller frees the text. */
char *why_port(const struct plan *p, const struct host *h, const struct link *links, size_t n,
	       __u32 ifindex);
