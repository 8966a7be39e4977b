/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The lists allow and deny of a service. cmd_service.c includes it.
 */
#pragma once
#include "cmd/edit.h"

/* Consent to drastic changes. --refuse-others: all clients outside the first prefix in `allow` are
 * refused. --everyone: every client is let in, or refused. */
struct clients_may {
	bool refuse_others, everyone;
};

/* Changes a service's list. verb: "allow add", "allow del", "deny add" or "deny del". It is no
 * error to add what is there, or to remove what is not. Returns 0, or -errno after printing an
 * error. */
int clients_change(struct service_config *s, const char *verb, const struct prefix_list *prefixes,
		   const struct clients_may *may);
