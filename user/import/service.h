/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A service that import makes: functions that compare it, and add to it. live*.c and
 * services_join.c include it.
 */
#pragma once
#include "import/import.h"

/* Returns whether the services differ in nothing but their ports, addresses and rules. */
bool service_same_result(const struct import_service *a, const struct import_service *b);
bool service_same_place(const struct backend_config *a, const struct backend_config *b);
bool service_same_ports(const struct service_config *a, const struct service_config *b);
/* Adds the address, unless the service has it. */
void service_add_address(struct service_config *s, const struct address *a);
/* Moves the rules of a service to another one, and frees it. */
void service_absorb(struct import_service *to, struct import_service *from);
void service_free(struct import_service *i);	/* frees the members, not *i itself */

/* Joins services that differ only in address; those that differ only in family. */
void services_join_addresses(struct import *im);
void services_join_families(struct import *im);
/* Adds a service with this port, or gives the port to a like service. Takes *made. */
void service_add(struct import *im, struct import_service *made, unsigned int port);
/* Names all services, and limits their lists. */
void services_finish(struct import *im);
