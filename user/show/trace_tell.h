/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Describes the result of trace as a row of a document, for its plain form and JSON alike. Included
 * by `wgxdp trace`.
 */
#pragma once
#include "lib/document.h"
#include "show/trace.h"

/* Adds the row. frames: with the bytes of the frame that leaves, in hex. Returns 0. */
int trace_tell(const struct trace *t, __u32 ifindex, const struct trace_frame *in,
	       const struct trace_result *r, bool frames, struct node list);
