/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What WireGuard says of a device's peers: the kernel's by generic netlink, wireguard-go's by its socket. And the names that
 * people give them in wg-quick's file.
 */
#pragma once
#include <linux/netlink.h>
#include <net/if.h>
#include "lib/addr.h"
#include "lib/wg_key.h"

#define WG_SOCKET_DIR "/var/run/wireguard"
#define WG_QUICK_DIR "/etc/wireguard"

struct wg_peer {
	struct wg_key key;
	struct address endpoint;	/* family 0: none known */
	__be16 endpoint_port;
	__u64 handshake;		/* the latest one, in seconds since 1970; 0: none yet */
	__u64 rx_bytes, tx_bytes;
	struct wg_key preshared;	/* all zeros: none */
	__u16 keepalive;		/* seconds; 0: off */
	struct prefix *allowed;		/* AllowedIPs */
	size_t n_allowed;
};

struct wg_device {
	struct wg_key key;		/* its own public one; none: it has none, or it is not known (wireguard-go, without libsodium) */
	__be16 port;			/* on which it listens; 0: on none */
	__u32 fwmark;			/* of the packets that it sends; 0: none */
	struct wg_peer *peers;
	size_t n_peers;
};

/* The peers of a device of this network namespace. 0; -ENODEV: there is no such device; -EOPNOTSUPP: it is none of WireGuard's;
 * or another -errno. Nothing is told. */
int wg_read(const char *device, struct wg_device *ret);
void wg_free(struct wg_device *d);
/* Returns the peer with this key. NULL: the device has none. */
const struct wg_peer *wg_find_peer(const struct wg_device *d, const struct wg_key *key);
/* Returns an address of the peer in the tunnel, by the longest of its AllowedIPs. family 0: none. */
struct address wg_inside(const struct wg_peer *p);
/* Sends an empty datagram to an address in the tunnel (family 0: nothing), to port 9, discard, so
 * that WireGuard sends a message to the peer's endpoint. */
void wg_nudge(const char *device, const struct address *inside);
/* Where a peer is, until it says otherwise: for a device that has just been made. 0 or -errno. */
int wg_set_endpoint(const char *device, const struct wg_key *peer, const struct address *a, __be16 port);
/* The session with a peer, as wg_read() has it, is forgotten: the next packet begins with a handshake, which where another host has taken the
 * other's place would come after 15 s. Nothing else of it changes but the endpoint (NULL: none, until it speaks) and its counters; packets that
 * wait for it are lost. 0; -E2BIG: it has more than a thousand AllowedIPs; or another -errno. */
int wg_renew_peer(const char *device, const struct wg_peer *p, const struct address *a, __be16 port);

/* One question to wireguard-go's socket and its answer, for the caller to free. 0; -EOPNOTSUPP: there is none; or another -errno */
int wg_talk(const char *device, const char *question, char **ret, size_t *ret_n);

/* ---- what arrives, apart from how: parts of wg_read ---- */

/* One message of WG_CMD_GET_DEVICE's dump, a libmnl callback; data: struct wg_device *. A peer may go on in the next message. */
int wg_message(const struct nlmsghdr *nlh, void *data);
/* The whole answer to "get=1". -EPROTO: none such, or cut short; errno=N in it: -N */
int wg_uapi(const char *text, size_t n, struct wg_device *ret);

/* ---- names ---- */

struct wg_name {
	struct wg_key key;
	char name[NAME_LEN];
};

struct wg_names {
	struct wg_name *list;
	size_t n;
};

/* From wg-quick's file, as people name peers there: `# friendly_name=NAME` in a [Peer]'s section or above it, else the comment
 * right above it. What a name may not have becomes '-'. Peers without a name, or with that of another, are not in the list. */
int wg_names_parse(const char *text, struct wg_names *ret);
/* Of a device's file; where there is none, or it may not be read, none */
void wg_names_read(const char *device, struct wg_names *ret);
void wg_names_free(struct wg_names *names);
/* The name of a key: from the list, else its first 8 characters */
void wg_name_of(const struct wg_names *names, const struct wg_key *key, char ret[NAME_LEN]);
