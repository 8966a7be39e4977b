/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * The state of each service, interface, peer and site of a running instance, and why it is not a
 * better one. Only this file decides it. show, its JSON, the metrics, the status page, doctor and
 * the daemon's log use the result.
 */
#pragma once
#include "plan/resolved_backends.h"
#include "findings/facts.h"
#include "dataplane/dataplane.h"
#include "plan/plan.h"
#include "show/site_view.h"

enum service_state {
	SERVICE_LISTENING,		/* everything works, as far as this host can see */
	SERVICE_PARTIAL,		/* some packets or clients are not served */
	SERVICE_WAITING,		/* no packet is forwarded */
	SERVICE_STATES
};
enum interface_state {
	INTERFACE_ATTACHED, INTERFACE_WAITING, INTERFACE_DOWN, INTERFACE_GONE, INTERFACE_ELSEWHERE,
	INTERFACE_STATES
};

/* Reasons why a service does not listen that are no findings. */
enum fault {
	FAULT_NONE, FAULT_INTERFACE, FAULT_NO_ADDRESS, FAULT_ADDRESS_GONE, FAULT_NOT_LISTENING,
	FAULT_BACKEND
};

#define CONDITION_WHY 240

struct service_condition {
	enum service_state state;
	enum fault fault;
	enum finding_id finding;	/* the finding that says why, or FINDING_none */
	struct address address;		/* address of FAULT_ADDRESS_GONE and FAULT_NOT_LISTENING */
	char why[CONDITION_WHY];	/* reason in words; "": the service is listening */
};

struct interface_condition {
	/* "(7)": the interface with ifindex 7, which no longer exists. */
	char name[IFNAMSIZ];
	enum link_role role;
	/* NULL: the data path is not attached to the interface. */
	const struct link *link;
	enum interface_state state;
	bool slow;			/* only tc handles its packets: XDP was detached */
	char why[CONDITION_WHY];	/* reason in words; "": attached */
};

struct conditions {
	const struct dataplane *dp;
	const struct config *config;	/* from conditions_config() */
	/* Links and addresses; empty if the instance is in another network namespace. */
	struct host h;
	struct facts facts;
	struct findings findings;	/* none if the instance is in another namespace */
	struct resolved_backends answers;
	struct nl_neighbour *neighbours;
	struct link *links;
	size_t n_links;
	struct service_name *names;	/* indexed by service id */
	struct service_condition *services;	/* indexed by service id */
	size_t n_services;
	struct interface_condition *interfaces;
	size_t n_interfaces;
};

/* Returns the running configuration; NULL: it cannot be read. Parsing takes seconds if it is long,
 * so the result is kept, until the text changes. It is valid until the next call. Not
 * thread-safe. */
const struct config *conditions_config(const char *instance);
/* Reads how services and interfaces of a running instance are. Returns 0 or -errno. */
int conditions_read(const struct dataplane *dp, struct conditions *ret);
void conditions_free(struct conditions *k);
/* Returns whether a nic's XDP program, or the present one if it was replaced, is wgxdp's own. */
bool nic_has_own_xdp(const struct nl_link *nic);
/* Returns how many packets the device's driver failed to send. */
__u64 conditions_transmit_failed(const struct conditions *k, __u32 ifindex);
/* Returns whether the packets of peer `id` are forwarded. If not, writes the reason to `why`. */
bool peer_is_attached(const struct conditions *k, const struct relay_view *v, __u32 id,
		      char why[CONDITION_WHY]);
/* Returns whether WireGuard has authenticated a site's address. If not, writes why to `why`. */
bool site_is_there(const struct conditions *k, const struct blind_view_site *s,
		   char why[CONDITION_WHY]);

const char *service_state_name(enum service_state s);
const char *interface_state_name(enum interface_state s);

/* The part of conditions_read() in condition_service.c. */
int conditions_of_services(struct conditions *k);

/* Explains a running port: in which mode each of its nics is attached, or why it has no nic. p:
 * from plan_running(). links: the n running links. The caller frees the text. */
char *why_port(const struct plan *p, const struct host *h, const struct link *links, size_t n,
	       __u32 ifindex);
