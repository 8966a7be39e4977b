/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The options that describe a firewall in one line, as `up` and `doctor` accept them: rows for
 * their tables.
 */
#pragma once
#include "cmd/options.h"
#include "config/quick_service.h"

static inline int parse_quick_service(void *member, const struct command_option *o, char *value)
{
	return quick_service_option(member, o->id, value);
}

/* Options of a quick service. member: offset of a struct quick_service in the command's struct. */
#define QUICK_SERVICE_OPTIONS(member) \
	{ 0, "wan", "IF", member, \
	  "the interface on which clients arrive; the service listens on all its addresses", \
	  parse_quick_service, QUICK_WAN, "@interface" }, \
	{ 0, "to", "BACKEND", member, \
	  "the WireGuard host's IPv4 address, IPv6 address or both, with :PORT (default 51820; " \
	  "then put IPv6 in brackets). A host name stands for the family without an address; " \
	  "alone, for IPv4.", \
	  parse_quick_service, QUICK_TO }, \
	{ 0, "lan", "IF", member, \
	  "the interface to the WireGuard host (default: by the routing table)", \
	  parse_quick_service, QUICK_LAN, "@interface" }, \
	{ 0, "port", "PORTS", member, \
	  "UDP ports to listen on, such as 51820,443 or 400-450 (default: 51820)", \
	  parse_quick_service, QUICK_PORT }, \
	{ 0, "nat", "MODE", member, \
	  "dnat (default): IPv4 is translated to the backend, IPv6 passes to the backend's own " \
	  "address. none: neither is translated. masquerade: the backend sees an address of this " \
	  "host, and clients of either family reach it.", \
	  parse_quick_service, QUICK_NAT, "dnat none masquerade" }
