/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Numbers of a topology that stay the same from run to run, each unique in its scope. Only
 * topology*.c include it.
 */
#pragma once
#include "gen/topology.h"

/* Names of scopes that belong to no site or gateway. Other scopes have the name of their site or
 * gateway; names of hosts and sites have no slash, so these never collide with them. */
#define SCOPE_SITES "/sites"
#define SCOPE_ENDS "/ends"
#define SCOPE_RELAYS "/relays"
#define TOPOLOGY_NUMBER_MAX 0xffff
#define OVERLAY_LONGEST 60
/* Largest prefix length of tunnels and mesh: 32 bits remain to number sites and hosts. */
#define ENDS_LONGEST 96

/* topology_kept() finds the number of a host or site by its name, ignoring case. topology_keeper()
 * finds which one has a number. Both return NULL if there is none in the scope. */
struct topology_kept *topology_kept(const struct topology_state *s, const char *scope,
				    const char *name);
struct topology_kept *topology_keeper(const struct topology_state *s, const char *scope,
				      unsigned int number);
void topology_keep(struct topology_state *s, const char *scope, const char *name,
		   unsigned int number);
void topology_forget(struct topology_state *s, struct topology_kept *k);
