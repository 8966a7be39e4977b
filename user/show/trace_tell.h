/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What trace found out, in words: a row of a document, whose plain form and JSON say the same.
 */
#pragma once
#include "lib/document.h"
#include "show/trace.h"

/* frames: the bytes too, in hex. 0 or -errno */
int trace_tell(const struct trace *t, __u32 ifindex, const struct trace_frame *in, const struct trace_result *r, bool frames, struct node list);
