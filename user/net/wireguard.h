/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * What WireGuard says of a device's peers, by generic netlink or by wireguard-go's socket, and the
 * names that wg-quick's file gives them. Everything that knows peers includes it.
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
	struct address endpoint;	/* family 0: unknown */
	__be16 endpoint_port;
	__u64 handshake;		/* the latest one, in seconds since 1970; 0: none yet */
	__u64 rx_bytes, tx_bytes;
	struct wg_key preshared;	/* all zeros: none */
	__u16 keepalive;		/* seconds; 0: off */
	struct prefix *allowed;		/* AllowedIPs */
	size_t n_allowed;
};

struct wg_device {
	/* Its own public key; none: it has none, or wireguard-go's is unknown without libsodium. */
	struct wg_key key;
	__be16 port;			/* where it listens; 0: nowhere */
	__u32 fwmark;			/* of the packets that it sends; 0: none */
	struct wg_peer *peers;
	size_t n_peers;
};

/* Reads the peers of a device of this network namespace. 0; -ENODEV: there is no such device;
 * -EOPNOTSUPP: it is not WireGuard's; or another -errno. Reports nothing. */
int wg_read(const char *device, struct wg_device *ret);
void wg_free(struct wg_device *d);
/* Returns the peer with this key. NULL: the device has none. */
const struct wg_peer *wg_find_peer(const struct wg_device *d, const struct wg_key *key);
/* Returns an address of the peer in the tunnel, by the longest of its AllowedIPs. family 0: none.
 */
struct address wg_inside(const struct wg_peer *p);
/* Sends an empty datagram to an address in the tunnel (family 0: nothing), to port 9, discard, so
 * that WireGuard sends a message to the peer's endpoint. */
void wg_nudge(const char *device, const struct address *inside);
/* Sets a peer's endpoint, until the peer itself moves: for a device that has just been made. 0 or
 * -errno. */
int wg_set_endpoint(const char *device, const struct wg_key *peer, const struct address *a,
		    __be16 port);
/* Drops the session with a peer, as wg_read() has it: the next packet begins with a handshake. If
 * another host has taken the peer's place, that would otherwise come after 15 s. Only the peer's
 * endpoint (NULL: none, until it sends) and its counters change; packets that wait for it are lost.
 * 0; -E2BIG: it has more than a thousand AllowedIPs; or another -errno. */
int wg_renew_peer(const char *device, const struct wg_peer *p, const struct address *a,
		  __be16 port);

/* Sends one question to wireguard-go's socket and reads the answer, which the caller frees. 0;
 * -EOPNOTSUPP: there is no socket; or another -errno. */
int wg_talk(const char *device, const char *question, char **ret, size_t *ret_n);

/* ---- parsers: parts of wg_read, for tests ---- */

/* Reads one message of WG_CMD_GET_DEVICE's dump, as a libmnl callback; data: struct wg_device *. A
 * peer may continue in the next message. */
int wg_message(const struct nlmsghdr *nlh, void *data);
/* Reads the whole answer to "get=1". -EPROTO: it is none, or cut short; errno=N in it: -N. */
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

/* Reads names as people write them in wg-quick's file: `# friendly_name=NAME` in a [Peer]'s section
 * or above it, else the comment right above it. A character that names do not allow becomes '-'.
 * Peers without a name, or with that of another, are not in the list. */
int wg_names_parse(const char *text, struct wg_names *ret);
/* Reads a device's file; without it, or without permission, the list is empty. */
void wg_names_read(const char *device, struct wg_names *ret);
void wg_names_free(struct wg_names *names);
/* The name of a key: from the list, else its first 8 characters. */
void wg_name_of(const struct wg_names *names, const struct wg_key *key, char ret[NAME_LEN]);
