/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * why: in words, why an interface is carried by the plane and in the mode that it is.
 */
#pragma once
#include "plan/plan.h"

/* Why XDP was refused, by the (positive) errno */
/* Of a running port: for each of its nics, or why it has none. links are the n that run, p is of plan_running(). A text to be
 * freed, or NULL: no memory. */
char *why_port(const struct plan *p, const struct host *h, const struct link *links, size_t n, __u32 ifindex);
