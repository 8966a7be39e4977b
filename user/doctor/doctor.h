/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * wgxdp doctor: its data about this host, and the list of its findings. Each doctor_*.c checks one
 * part of the host and appends findings in the order in which cmd_doctor.c prints them.
 */
#pragma once
#include "plan/resolved_backends.h"
#include "dataplane/dataplane.h"
#include "findings/facts.h"
#include "instance/source.h"
#include "lib/memory.h"
#include "show/condition.h"

struct doctor_backend {
	const struct service_config *service;
	const char *text;		/* address or name in the configuration */
	__u8 family;
	__be16 port;
	struct address address;	/* family 0: the name does not resolve */
	bool was;			/* it had an address at `up` */
	__u32 vrf;
	struct nl_way way;
	bool routed;			/* `way` is set: there is a route */
	bool suspect;		/* an earlier finding says why it does not answer */
	int socket;			/* for probes; -1: closed */
	/* errno with which sending a probe failed, or of the backend's own ICMP error; 0: none */
	int refused;
	bool denied;	/* this host's own rules refuse probes, so nothing is known */
	struct address refuser;	/* router that refused a probe; family 0: none */
	int refuser_error;	/* errno of its ICMP error */
	bool probed;	/* a probe was sent, and no earlier finding explains its result */
	bool reported;			/* a finding says that it does not answer */
};

/* Packets of a service, of XDP and tc together. */
struct doctor_traffic {
	__u64 sent, bytes;		/* packets to the backend; sum of their IP lengths */
	__u64 replies;			/* packets from the backend */
};

/* A nic whose frames doctor receives, and tags that came for which it has no VLAN interface. */
struct seen_vlans {
	__u32 ifindex;
	bool bare;			/* its frames have no Ethernet header */
	int socket;
	__u16 id[8];
	size_t n;
};

/* A client whose packets wgxdp does not forward. */
struct seen_client {
	__u32 ifindex;			/* interface at which they arrived */
	struct address from;
	const struct nl_route *route;	/* it leads to the client over another interface; NULL: */
	__be16 port;			/* no service has this port, to which handshakes came */
	bool answered;			/* yet something answered from there */
	size_t n;
};

struct doctor {
	const char *instance;
	/* First words of a fix: "wgxdp", with --instance unless it is the default instance. */
	char wgxdp[64];
	/* Command that applies the running configuration again: the end of a fix after which `up`
	 * can attach or add something. */
	char again[PATH_MAX + 160];
	const char *config;		/* file that the next start of the instance reads */
	bool only_file;			/* a configuration is examined, not an instance */
	bool up;			/* the instance is up, even if without a data path */
	char file[PATH_MAX];		/* configuration file; "": none */
	enum source_state source;
	bool file_keeps;		/* source_keeps_options() */
	struct conditions is;	/* states of a running instance; empty if none runs */
	/* End of a fix that changes the running configuration: writes it to the file; "": no
	 * file. */
	char keep[6 * PATH_MAX + 128];
	const struct config *c;	/* running configuration, or the file's */
	struct dataplane *dp;	/* running data path; NULL: none */
	struct host h;
	struct resolved_backends answers;
	struct link *links;		/* links of the running data path */
	size_t n_links;
	struct plan *plan;	/* from plan_running(); NULL: no running data path */
	struct doctor_backend *backends;
	size_t n_backends;
	struct device_fact *devices;
	size_t n_devices;
	struct seen_vlans *vlans;
	size_t n_vlans;
	struct seen_client *seen;
	size_t n_seen;
	struct dataplane_reason *before;	/* counters of reasons when doctor began */
	size_t n_before;
	struct doctor_traffic *traffic;	/* by service id, when doctor began */
	unsigned int seconds;	/* how long to listen, then how long it listened */
	struct facts facts;
	struct finding *findings;
	size_t n_findings;
};

/* Adds a finding. fix: a shell command, allocated; NULL: no fix is known. */
void doctor_report(struct doctor *k, enum state state, const char *check, const char *subject,
		   char *fix, const char *format, ...) __attribute__((format(printf, 6, 7)));
#define doctor_ok(k, check, subject, ...) \
	doctor_report(k, STATE_OK, check, subject, NULL, __VA_ARGS__)

/* Reads ports, backends and WireGuard devices from configuration and host into k. Returns 0 or
 * -errno. */
int doctor_gather(struct doctor *k);
/* Makes the findings that other commands print too, and notes in ports and backends what they
 * explain. */
void doctor_find(struct doctor *k);
/* Returns the configuration file's name for use in a fix; NULL: there is no file, or a shell would
 * need quotes for its name. */
const char *doctor_file(const struct doctor *k);
/* Returns commands that write the running configuration to that file, or NULL. */
char *doctor_save(const struct doctor *k);
/* Returns that name if the file has the running configuration, with its mode and `express`, or
 * NULL. */
const char *doctor_same_file(const struct doctor *k);
/* Returns the port with this ifindex; NULL: wgxdp does not use the interface. */
struct interface_fact *doctor_port(struct doctor *k, __u32 ifindex);
/* Returns the nic below a VLAN, bridge …; an interface without one is its own nic. */
const struct nl_link *doctor_nic(const struct doctor *k, const struct nl_link *link);
/* Returns the running data path's entry for an interface, or NULL. */
const struct link *doctor_running_link(const struct doctor *k, __u32 ifindex);
const char *doctor_link_name(const struct doctor *k, __u32 ifindex);

/* Returns whether wgxdp is attached to a port that exists; if not, adds a finding. */
bool doctor_is_attached(struct doctor *k, struct interface_fact *port);

/* Returns the command that starts the instance's daemon, for the caller to free; NULL: unknown. */
char *doctor_start(const struct doctor *k);
void doctor_instance(struct doctor *k);		/* checks the daemon, the file, and the services */
void doctor_kernel(struct doctor *k);		/* checks the kernel, bpffs, and the clock */
void doctor_interfaces(struct doctor *k);	/* checks links, drivers, XDP, and offloads */
/* Checks the queues of a nic, and those of all ports of a bond or bridge. */
void doctor_queues(struct doctor *k, const struct nl_link *nic);
void doctor_forwarding(struct doctor *k);	/* checks sysctls */
void doctor_routes(struct doctor *k);		/* checks routes to backends, and policy routing */
void doctor_mtu(struct doctor *k);
void doctor_rules(struct doctor *k);		/* checks the rules of nftables */
/* Probes the backends and receives frames for k->seconds, or longer if a service still waits for
 * its first reply. doctor_backends() later adds the findings. */
void doctor_listen(struct doctor *k);
/* Opens a socket for the frames of a nic. */
void doctor_listen_at(struct doctor *k, const struct nl_link *nic);
/* Reads a frame, and notes what it shows. Returns false if no frame is there. */
bool doctor_frame(struct doctor *k, struct seen_vlans *v);
void doctor_frames(struct doctor *k);		/* reports clients that the frames showed */
int doctor_backends(struct doctor *k);		/* returns 0 or -EIO */
/* Reads the traffic with which the next two functions compare. */
void doctor_begin_replies(struct doctor *k);
/* Returns whether a backend has got packets since, and WireGuard there has not replied. */
bool doctor_awaits_reply(const struct doctor *k);
void doctor_replies(struct doctor *k);	/* checks replies; call it after doctor_backends() */
void doctor_wireguard(struct doctor *k); /* checks the WireGuard devices and peers of this host */
/* Checks guards: their keys, and handshakes without an answer. */
void doctor_guards(struct doctor *k);
void doctor_counters(struct doctor *k);
