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
#include "lib/addr.h"

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

/* ---- packets in words ---- */

#define PACKET_WORDS 400

struct packet_words {
	/* Source and destination: an address, with :PORT if there is one. "": no IP. */
	char from[64], to[64];
	char what[PACKET_WORDS]; /* such as "UDP, WireGuard data, 80 bytes, TTL 64" */
	struct address end[2];	/* source, destination; family 0: the frame is not IP */
	__be16 port[2];			/* source, destination; 0: not readable */
	bool udp; /* it has a UDP header, so is no later fragment */
	__u32 message;	/* for UDP: the type of WireGuard message it looks like; else 0 */
};

/* Describes a frame of len bytes, from its Ethernet header on. "bytes" in the text is the length of
 * the IP packet. */
void packet_words(const void *frame, size_t len, struct packet_words *ret);
/* Returns the name of a message type, such as "data"; "" for 0. */
const char *message_name(__u32 message);
