/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp doctor: its data about this host, and the list of its findings. Each doctor_*.c checks one
 * part of the host and appends findings in the order in which cmd_doctor.c prints them.
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
	const char *check;	/* name of the check in one word, such as "forwarding" or "mtu" */
	char subject[256];	/* interface, backend or service with the problem; "": the host */
	enum state state;
	char *found;
	char *fix;			/* shell command that fixes it; NULL: none is known */
};

/* An interface that wgxdp uses. */
struct doctor_port {
	const struct nl_link *link;	/* link of the interface; NULL: the host does not have it */
	char name[IFNAMSIZ];
	enum link_role role;
	bool services;	/* services use the interface; otherwise only peers or WireGuard do */
	bool dead;			/* an earlier finding says why no packet can pass here */
};

struct doctor_backend {
	const struct service_config *service;
	char text[256];			/* address or name of the backend in the configuration */
	__u8 family;
	__be16 port;
	struct address address;	/* address of the backend; family 0: the name does not resolve */
	bool was;			/* the backend had an address at `up` */
	__u32 vrf;
	struct nl_way way;
	enum reach reach;
	bool routed;			/* `way` is set */
	bool suspect;		/* an earlier finding explains why the backend does not answer */
	int socket;			/* fd of the socket that probes the backend; -1: none */
	int refused;	/* errno with which sending to the backend failed; 0: it did not fail */
	bool probed;			/* no earlier finding explains what the probe found */
	bool reported;			/* a finding says that the backend does not answer */
};

/* A WireGuard device of this host. */
struct doctor_device {
	char name[IFNAMSIZ];
	struct wg_device wg;
	int error;			/* return value of wg_read() for this device */
};

/* Packets of a service, both planes together. */
struct doctor_traffic {
	__u64 sent, bytes;		/* packets to the backend, and their IP lengths together */
	__u64 replies;			/* packets that came back */
};

/* VLAN tags that a nic received, but that no VLAN interface on it has. */
struct seen_vlans {
	__u32 ifindex;
	int socket;
	__u16 id[8];
	size_t n;
};

struct doctor {
	const char *instance;
	/* Start of a command: "wgxdp", with --instance if it is not the default instance. */
	char wgxdp[64];
	/* Command that applies the running configuration again. A fix ends with it if `up` can then
	 * attach or add something. */
	char again[160];
	bool only_file;			/* doctor examines a configuration, not an instance */
	bool up;			/* the instance is up, perhaps without a data path */
	char file[PATH_MAX];		/* file of the configuration; "": none */
	enum source_state source;
	struct conditions is;	/* states of what the instance runs; empty if nothing runs */
	/* End of a fix that changes the running configuration: it writes that to the file. "":
	 * there is no file. */
	char keep[3 * PATH_MAX + 128];
	const struct config *c;	/* configuration to examine: the running one, or the file's */
	struct dataplane *dp;	/* running data path; NULL: the configuration does not run */
	struct host h;
	struct resolved_backends answers;
	struct link *links;		/* links of the running data path */
	size_t n_links;
	struct plan *plan;	/* plan with the ports and nics of the running data path, or NULL */
	struct doctor_port *ports;
	size_t n_ports;
	struct doctor_backend *backends;
	size_t n_backends;
	struct doctor_device *devices;
	size_t n_devices;
	struct seen_vlans *vlans;
	size_t n_vlans;
	struct dataplane_reason *before;	/* counters of the reasons when doctor began */
	size_t n_before;
	struct doctor_traffic *traffic;	/* traffic of the services when doctor began, by id */
	unsigned int seconds;	/* seconds for which doctor listens; afterwards: listened */
	struct finding *findings;
	size_t n_findings;
	int failed;			/* -errno with which doctor itself failed; 0: it did not */
};

/* Appends a finding to the list. fix: allocated or NULL; it is freed with the list. */
void doctor_report(struct doctor *k, enum state state, const char *check, const char *subject,
		   char *fix, const char *format, ...) __attribute__((format(printf, 6, 7)));
#define doctor_ok(k, check, subject, ...) \
	doctor_report(k, STATE_OK, check, subject, NULL, __VA_ARGS__)
/* Formats a shell command for doctor_report(). Returns NULL if there is no memory. */
char *make_fix(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Reads ports, backends and WireGuard devices from the configuration and the host. Returns 0 or
 * -errno. */
int doctor_gather(struct doctor *k);
void doctor_free(struct doctor *k);
/* Returns the name of the file as a shell's word. Returns NULL if there is no file, or if its name
 * has characters that a shell would need quoted, so that no fix can name it. */
const char *doctor_file(const struct doctor *k);
/* Returns the port with this ifindex, or NULL if wgxdp does not use the interface. */
struct doctor_port *doctor_port(struct doctor *k, __u32 ifindex);
/* Returns the nic below an interface, or the interface itself if there is none. */
const struct nl_link *doctor_nic(const struct doctor *k, const struct nl_link *link);
/* Returns the interface's record in the running data path, or NULL if it has none. */
const struct link *doctor_running_link(const struct doctor *k, __u32 ifindex);
const char *doctor_link_name(const struct doctor *k, __u32 ifindex);

/* Returns whether wgxdp is attached to a port that the host has. If not, it adds a finding. */
bool doctor_is_attached(struct doctor *k, struct doctor_port *port);

void doctor_instance(struct doctor *k);		/* checks the daemon, the file, and the services */
void doctor_kernel(struct doctor *k);		/* checks the kernel, bpffs, and the clock */
void doctor_interfaces(struct doctor *k);	/* checks links, drivers, XDP, and offloads */
/* Checks the queues of a nic, and those of all ports of a bond or bridge. */
void doctor_queues(struct doctor *k, const struct nl_link *nic);
void doctor_forwarding(struct doctor *k);	/* checks sysctls */
void doctor_routes(struct doctor *k);		/* checks routes to backends, and policy routing */
void doctor_mtu(struct doctor *k);
void doctor_rules(struct doctor *k);		/* checks the rules of nftables */
/* Probes the backends and receives frames for k->seconds, or longer while a service awaits its
 * first reply. doctor_backends() then adds the findings. */
void doctor_listen(struct doctor *k);
void doctor_backends(struct doctor *k);
/* Reads the traffic with which the next two functions compare. Returns 0 or -ENOMEM. */
int doctor_begin_replies(struct doctor *k);
/* Returns whether a backend got packets since then that WireGuard answers, and did not reply. */
bool doctor_awaits_reply(const struct doctor *k);
void doctor_replies(struct doctor *k);	/* checks replies; call it after doctor_backends() */
void doctor_wireguard(struct doctor *k); /* checks the WireGuard devices and peers of this host */
/* Checks guards: their keys, and handshakes without an answer. */
void doctor_guards(struct doctor *k);
void doctor_counters(struct doctor *k);
