/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The streams to other blind relays that have the same key and sites (`relays` of `blind`). Each
 * relay serves the sites that send to it. It tells the others which sites these are, and the
 * indices of their sessions. So it forwards messages for other sites to the relay that serves them,
 * and the sessions of a site continue when the site moves to another relay. blind.c includes it.
 */
#pragma once
#include "daemon/blind_link.h"
#include "daemon/blind_sites.h"

struct relays;				/* all other relays */

/* Another relay asks whether the site with this number is here. data: as in relays_new(). */
typedef void relays_asked(void *data, __u32 number);

/* Returns NULL if there is no memory. */
struct relays *relays_new(struct relay_links *links, struct sites *s, relays_asked *asked,
			  void *data);
/* Connects to the relays of the configuration; ends other connections, and all if no maps are
 * open. */
void relays_reconfigure(struct relays *r);
/* Returns whether the other relays have said which sites they serve, or have had time to. Until
 * then this host's own WireGuard must not call saved sites, because they may be at another relay
 * by now, and would come here. */
bool relays_have_spoken(const struct relays *r);
/* Begins new connections, in which everything is sent again, and the wait of relays_have_spoken().
 * Call it when there are new sites or maps. */
void relays_restart(struct relays *r);
/* Sends changes at once, for example when a site has moved. */
void relays_send(struct relays *r);
/* Asks the relay at which the site is whether it hears the site. */
void relays_ask(struct relays *r, __u32 number);
/* Tells all other relays when this relay has heard the site. */
void relays_say_here(struct relays *r, __u32 number);
