/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The lists allow and deny of a service. cmd_service.c includes it.
 */
#pragma once
#include "cmd/edit.h"

/* Options that permit a drastic change: --refuse-others permits to refuse all clients outside the
 * first list of `allow`, and --everyone to let in or refuse every client. */
struct clients_may {
	bool refuse_others, everyone;
};

/* Changes the lists of a service. verb: "allow add", "allow del", "deny add" or "deny del". Adding
 * a prefix that the list has, or removing one that it lacks, is no error. Returns 0 or -errno
 * (reported). */
int clients_change(struct service_config *s, const char *verb, const struct prefix_list *prefixes,
		   const struct clients_may *may);
