/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp doctor: what was looked at on this host, what was found, and the command that cures it. One module a part of the host; each
 * adds its findings to one list, in the order in which they are told.
 */
#pragma once
#include "plan/answers.h"
#include "dataplane/dataplane.h"
#include "net/wireguard.h"

enum state { STATE_OK, STATE_WARNING, STATE_PROBLEM };

struct finding {
	const char *check;		/* a word for what was looked at: forwarding, mtu … */
	char subject[256];		/* of which it was: an interface, a backend, a service; "": the host */
	enum state state;
	char *found;
	char *cure;			/* for the shell; NULL: there is none that could be told */
};

struct doctor_port {			/* an interface that matters here */
	const struct nl_link *link;	/* NULL: it is not there */
	char name[IFNAMSIZ];
	enum link_role role;
	bool services;			/* packets of services come or go by it; else it is for peers, or for WireGuard's own packets */
	bool dead;			/* something is told of it without which nothing can pass */
};

struct doctor_backend {
	const struct service_config *service;
	char text[256];			/* as the configuration says it */
	__u8 family;
	__be16 port;
	struct address address;		/* family 0: a name without one */
	bool was;			/* it had one when this was brought up */
	__u32 vrf;
	struct nl_way way;
	bool routed, suspect;		/* there is a way; something was told of it that explains why it does not answer */
	int socket;			/* that asks it; -1: none */
	int refused;			/* the errno with which it answered; 0: none */
	bool told;			/* that it does not answer */
};

struct doctor_device {			/* of WireGuard, on this host */
	char name[IFNAMSIZ];
	struct wg_device wg;
	int error;			/* of wg_read() */
};

struct seen_vlans {			/* tags of frames that came in by a nic while it was listened to, and that no VLAN of it has */
	__u32 ifindex;
	int socket;
	__u16 id[8];
	size_t n;
};

struct doctor {
	const char *instance;
	const struct config *c;		/* what runs, or what is asked about */
	struct dataplane *dp;		/* NULL: this is not what runs */
	struct host h;
	struct answers answers;
	struct link *links;		/* of what runs */
	size_t n_links;
	struct plan *plan;		/* likewise: ports and nics; or NULL */
	struct doctor_port *ports;
	size_t n_ports;
	struct doctor_backend *backends;
	size_t n_backends;
	struct doctor_device *devices;
	size_t n_devices;
	struct seen_vlans *vlans;
	size_t n_vlans;
	struct dataplane_reason *before;	/* when it began */
	size_t n_before;
	unsigned int seconds;		/* to listen */
	struct finding *findings;
	size_t n_findings;
	int failed;			/* -errno of what should not */
};

/* Adds a finding; the cure is a text of its own or NULL, and belongs to the list from now on */
void doctor_say(struct doctor *k, enum state state, const char *check, const char *subject, char *cure, const char *format, ...)
	__attribute__((format(printf, 6, 7)));
/* A cure; NULL where there is no memory */
char *cure(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* What brings the running instance to its own configuration once more: ends cures after which `up` finds more than before */
#define CURE_AGAIN "wgxdp%s%s save | wgxdp%s%s up -c -"
#define CURE_INSTANCE(k) doctor_option(k), doctor_named(k), doctor_option(k), doctor_named(k)
const char *doctor_option(const struct doctor *k);	/* " --instance ", or nothing for the default one */
const char *doctor_named(const struct doctor *k);

/* Ports, backends and devices of WireGuard, as the configuration and the host have them. 0 or -errno */
int doctor_gather(struct doctor *k);
void doctor_free(struct doctor *k);
struct doctor_port *doctor_port(struct doctor *k, __u32 ifindex);
/* The nic below an interface, which may be itself */
const struct nl_link *doctor_nic(const struct doctor *k, const struct nl_link *link);
/* The interface's record in what runs; NULL: it has none */
const struct link *doctor_running_link(const struct doctor *k, __u32 ifindex);
const char *doctor_link_name(const struct doctor *k, __u32 ifindex);
/* -1: no such file; else the number that it begins with */
long doctor_sysctl(const char *format, ...) __attribute__((format(printf, 1, 2)));
bool doctor_needs(const struct doctor *k, __u8 family);	/* some service forwards packets of that family */

void doctor_kernel(struct doctor *k);		/* kernel, bpffs, clock */
void doctor_interfaces(struct doctor *k);	/* links, drivers, XDP, offloads */
void doctor_queues(struct doctor *k, const struct nl_link *nic);	/* those of one nic, or of all ports of a bond or bridge */
void doctor_forwarding(struct doctor *k);	/* sysctls */
void doctor_routes(struct doctor *k);		/* ways to backends, policy routing */
void doctor_mtu(struct doctor *k);
void doctor_rules(struct doctor *k);		/* nftables */
/* Asks backends and listens; what is told of it afterwards */
void doctor_listen(struct doctor *k);
void doctor_backends(struct doctor *k);
void doctor_wireguard(struct doctor *k);	/* devices and peers of this host */
void doctor_guards(struct doctor *k);		/* keys, and handshakes that nobody answers */
void doctor_counters(struct doctor *k);
