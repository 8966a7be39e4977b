/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp doctor: what it knows of this host, and the list of its findings. Each doctor_*.c checks
 * one part of the host and appends findings in the order in which cmd_doctor.c prints them.
 */
#pragma once
#include "plan/resolved_backends.h"
#include "dataplane/dataplane.h"
#include "net/wireguard.h"
#include "plan/reach.h"
#include "instance/source.h"
#include "show/condition.h"

enum state { STATE_OK, STATE_WARNING, STATE_PROBLEM };

struct finding {
	const char *check;		/* one word: forwarding, mtu … */
	char subject[256];		/* an interface, a backend, a service; "": the host */
	enum state state;
	char *found;
	char *fix;			/* a shell command; NULL: none is known */
};

/* An interface that wgxdp uses */
struct doctor_port {
	const struct nl_link *link;	/* NULL: the host does not have it */
	char name[IFNAMSIZ];
	enum link_role role;
	bool services;			/* services use it; else only peers or WireGuard do */
	bool dead;			/* a finding says why no packet can pass here */
};

struct doctor_backend {
	const struct service_config *service;
	char text[256];			/* its address or name in the configuration */
	__u8 family;
	__be16 port;
	struct address address;		/* family 0: the name does not resolve */
	bool was;			/* it had an address at `up` */
	__u32 vrf;
	struct nl_way way;
	enum reach reach;
	bool routed;			/* `way` is known */
	bool suspect;			/* a finding explains why it does not answer */
	int socket;			/* probes it; -1: none */
	int refused;			/* the errno it answered with; 0: none */
	bool reported;			/* a finding says that it does not answer */
};

/* A WireGuard device of this host */
struct doctor_device {
	char name[IFNAMSIZ];
	struct wg_device wg;
	int error;			/* the return value of wg_read() */
};

/* VLAN tags that were received on a nic and that no VLAN interface on it has */
struct seen_vlans {
	__u32 ifindex;
	int socket;
	__u16 id[8];
	size_t n;
};

struct doctor {
	const char *instance;
	char wgxdp[64];			/* "wgxdp", with --instance if it is not the default one */
	/* The command that applies the running configuration again. A fix ends with it if `up` can
	 * then attach or add something */
	char again[160];
	bool only_file;			/* a configuration is examined, not an instance */
	bool up;			/* the instance is up, perhaps without a data path */
	char file[PATH_MAX];		/* the file that it was read from; "": none */
	enum source_state source;
	struct conditions is;		/* states of what runs; empty if nothing runs */
	/* The end of a fix that changes what runs: writes it to the file. "": there is no file */
	char keep[3 * PATH_MAX + 128];
	const struct config *c;		/* the running configuration, or the one to examine */
	struct dataplane *dp;		/* NULL: the configuration does not run */
	struct host h;
	struct resolved_backends answers;
	struct link *links;		/* links of the running data path */
	size_t n_links;
	struct plan *plan;		/* ports and nics of the running data path, or NULL */
	struct doctor_port *ports;
	size_t n_ports;
	struct doctor_backend *backends;
	size_t n_backends;
	struct doctor_device *devices;
	size_t n_devices;
	struct seen_vlans *vlans;
	size_t n_vlans;
	struct dataplane_reason *before;	/* the counters when doctor began */
	size_t n_before;
	unsigned int seconds;		/* how long to listen */
	struct finding *findings;
	size_t n_findings;
	int failed;			/* -errno of a failure of doctor itself */
};

/* Appends a finding. fix is allocated or NULL, and freed with the list */
void doctor_report(struct doctor *k, enum state state, const char *check, const char *subject,
		   char *fix, const char *format, ...) __attribute__((format(printf, 6, 7)));
#define doctor_ok(k, check, subject, ...) \
	doctor_report(k, STATE_OK, check, subject, NULL, __VA_ARGS__)
/* Formats a shell command for doctor_report(). NULL: no memory */
char *make_fix(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Reads ports, backends and WireGuard devices from the configuration and the host. 0 or -errno */
int doctor_gather(struct doctor *k);
void doctor_free(struct doctor *k);
/* Returns the file as a shell's word. NULL: there is none, or it has characters that would have to
 * be quoted, and no fix can name it */
const char *doctor_file(const struct doctor *k);
/* NULL: wgxdp does not use the interface */
struct doctor_port *doctor_port(struct doctor *k, __u32 ifindex);
/* Returns the nic below an interface, or the interface itself */
const struct nl_link *doctor_nic(const struct doctor *k, const struct nl_link *link);
/* Returns the interface's record in the running data path. NULL: it has none */
const struct link *doctor_running_link(const struct doctor *k, __u32 ifindex);
const char *doctor_link_name(const struct doctor *k, __u32 ifindex);
/* Returns the number at the beginning of a file. -1: no such file, or no number */
long doctor_sysctl(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Returns whether wgxdp is attached to a port that the host has; if not, adds a finding */
bool doctor_is_attached(struct doctor *k, struct doctor_port *port);

void doctor_instance(struct doctor *k);		/* daemon, file, services */
void doctor_kernel(struct doctor *k);		/* kernel, bpffs, clock */
void doctor_interfaces(struct doctor *k);	/* links, drivers, XDP, offloads */
/* Checks the queues of a nic, and those of all ports of a bond or bridge */
void doctor_queues(struct doctor *k, const struct nl_link *nic);
void doctor_forwarding(struct doctor *k);	/* sysctls */
void doctor_routes(struct doctor *k);		/* ways to backends, policy routing */
void doctor_mtu(struct doctor *k);
void doctor_rules(struct doctor *k);		/* nftables */
/* Probes backends and receives frames for k->seconds. doctor_backends() then adds the findings */
void doctor_listen(struct doctor *k);
void doctor_backends(struct doctor *k);
void doctor_replies(struct doctor *k);		/* after doctor_backends() */
void doctor_wireguard(struct doctor *k);	/* devices and peers of this host */
void doctor_guards(struct doctor *k);		/* keys, and handshakes without an answer */
void doctor_counters(struct doctor *k);
