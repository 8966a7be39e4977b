/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A service that import makes: functions that compare it, and add to it. services*.c and import.c
 * include it.
 */
#pragma once
#include "import/import.h"

/* Returns whether the services differ in nothing but their ports, addresses and rules. */
bool service_same_result(const struct import_service *a, const struct import_service *b);
bool service_same_place(const struct backend_config *a, const struct backend_config *b);
bool service_same_addresses(const struct service_config *a, const struct service_config *b);
bool service_same_ports(const struct service_config *a, const struct service_config *b);
bool service_has_port(const struct service_config *s, __be16 port);
/* Returns whether the service has all ports from first to last, in host order. */
bool service_has_ports(const struct service_config *s, unsigned int first, unsigned int last);
/* Adds the address, unless the service has it. */
void service_add_address(struct service_config *s, const struct address *a);
/* Moves the rules of a service to another one, and frees it. */
void service_absorb(struct import_service *to, struct import_service *from);
void service_free(struct import_service *i);	/* frees the members, not *i itself */

struct trial;
/* Lets a service follow the named sets that decide about the packets of a trial, if its lists do
 * the same as the rules. Returns false if it must copy their elements. */
bool service_follow_sets(struct trial *t, struct import_service *made);
/* Removes the lists of a service, which then copies the elements of sets. */
void service_drop_lists(struct import_service *i);

/* Joins services that differ only in address; those that differ only in family. */
void services_join_addresses(struct import *im);
void services_join_families(struct import *im);
/* Adds a service with these ports, or gives the ports to a like service. Takes *made. */
void service_add(struct import *im, struct import_service *made, unsigned int first,
		 unsigned int last);
/* Sets allow or deny, and the names of all services. */
void services_finish(struct import *im);
