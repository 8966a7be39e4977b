/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Names for the contents of the maps. `show`, metrics, monitor and doctor print them and include
 * this header.
 */
#pragma once
#include <stdbool.h>
#include <net/if.h>
#include <stddef.h>
#include "dataplane/dataplane.h"

const char *reason_name(__u16 reason);
const char *reason_text(__u16 reason);	/* the reason's meaning, a phrase */
/* Returns whether packets with this reason are dropped; otherwise they are passed up. */
bool reason_drops(__u16 reason);

/* Returns how many packets an id's reasons dropped, or passed up. direction, plane: ANY for all. */
enum { ANY = -1 };
__u64 reasons_sum(const struct dataplane_reason *list, size_t n, __u32 id, int direction, int plane,
		  bool drops);
/* Returns the next reason of the list, summed over both planes. *at: 0 at first. False: no more. */
bool reasons_next(const struct dataplane_reason *list, size_t n, size_t *at,
		  struct dataplane_reason *ret);

const char *direction_name(__u32 direction);
/* Sets ret to the name of the service or peer with the id of a reason_key; "": it has none. */
void name_of_id(const struct dataplane *dp, __u32 id, char ret[NAME_LEN]);
const char *plane_name(__u32 plane);
/* Returns the name of the interface, or its ifindex in digits. */
const char *interface_name(__u32 ifindex, char buf[IF_NAMESIZE]);
/* Returns "native", "generic" or "tc": how packets of a logical link arrive, by the nics that carry
 * it (itself, its VLAN's port, its bridge's ports). */
const char *mode_of_link(const struct link *links, size_t n, const struct link *link);
