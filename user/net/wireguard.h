/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Reads and changes the peers of a WireGuard device, through generic netlink or through the socket
 * of wireguard-go, and reads the peers' names from the file of wg-quick(8). plan/, daemon/,
 * doctor/, show/, cmd/ and others include it.
 */
#pragma once
#include <linux/netlink.h>
#include <net/if.h>
#include <stdio.h>
#include "lib/addr.h"
#include "lib/wg_key.h"

#define WG_SOCKET_DIR "/var/run/wireguard"
#define WG_QUICK_DIR "/etc/wireguard"

struct wg_peer {
	struct wg_key key;
	struct address endpoint;	/* family 0: unknown */
	__be16 endpoint_port;
	/* Latest handshake, in seconds since 1970, and nanoseconds besides; 0: none yet. */
	__u64 handshake, handshake_nsec;
	__u64 rx_bytes, tx_bytes;
	struct wg_key preshared;	/* all zeros: none */
	__u16 keepalive;		/* seconds between keepalives; 0: off */
	struct prefix *allowed;
	size_t n_allowed;
};

struct wg_device {
	/* All zeros: the device has no key, or it is wireguard-go's and libsodium is missing. */
	struct wg_key key;
	__be16 port;			/* listening port; 0: none */
	__u32 fwmark;		/* firewall mark of its packets; 0: none */
	struct wg_peer *peers;
	size_t n_peers;
};

/* Reads a device of this network namespace and its peers. Returns 0, -ENODEV if there is no such
 * device, -EOPNOTSUPP if it is not a WireGuard device, or another -errno. Prints nothing. */
int wg_read(const char *device, struct wg_device *ret);
void wg_free(struct wg_device *d);
/* Makes wg_read() of this process ask the process at the other end of a stream socket, which may
 * read WireGuard's devices. That process calls wg_answer() for each question. One thread at a time
 * may ask. */
void wg_read_through(int fd);
/* Waits for a question and answers it, without preshared keys. Returns false when the other end is
 * closed. */
bool wg_answer(int fd);
/* Returns the peer with this key, or NULL. */
const struct wg_peer *wg_find_peer(const struct wg_device *d, const struct wg_key *key);
bool wg_has_endpoint(const struct wg_peer *p, const struct address *a, __be16 port);
/* Returns an address of the peer inside the tunnel, from the longest of its AllowedIPs; family 0:
 * none. */
struct address wg_inside(const struct wg_peer *p);

#define WG_NUDGE_PORT 9			/* the discard port */
/* Makes WireGuard send a message to a peer, by an empty datagram to the discard port of an
 * address in the peer's AllowedIPs. Does nothing for family 0. */
void wg_nudge(const char *device, const struct address *inside);
/* Sets a peer's endpoint, which WireGuard replaces when the peer sends from another address.
 * Returns 0 or -errno. */
int wg_set_endpoint(const char *device, const struct wg_key *peer, const struct address *a,
		    __be16 port);
/* Drops the session with a peer, so that the next packet to it begins with a handshake. Use it when
 * another host has replaced the peer: WireGuard itself would try a handshake only after 15 s. It
 * removes the peer and adds it again as wg_read() returned it, with the endpoint a (NULL: none
 * until the peer sends). Its counters restart, and packets that wait for it are lost. Returns 0,
 * -E2BIG if the peer has more than a thousand AllowedIPs, or another -errno. */
int wg_renew_peer(const char *device, const struct wg_peer *p, const struct address *a,
		  __be16 port);

/* Sends a question to the socket of wireguard-go and reads the answer, which the caller frees.
 * Returns 0, -EOPNOTSUPP if there is no such socket, or another -errno. */
int wg_talk(const char *device, const char *question, char **ret, size_t *ret_n);

/* Derives the public key from a private one. Without libsodium *ret stays unchanged. */
void wg_public_key(const struct wg_key *private, struct wg_key *ret);

/* ---- parts of wg_read() ---- */

/* Asks the other process if wg_read_through() was called, and otherwise returns false. *ret_rc: the
 * result of wg_read() there, or -EIO. */
bool wg_asks_other(const char *device, struct wg_device *ret, int *ret_rc);

/* Reads one message of the dump of WG_CMD_GET_DEVICE, as a callback of libmnl. data: struct
 * wg_device *. A peer with many AllowedIPs continues in the next message. */
int wg_message(const struct nlmsghdr *nlh, void *data);
/* Parses the whole answer to "get=1". Returns 0, -EPROTO if it is invalid or incomplete, or -N if
 * it says errno=N. */
int wg_uapi(const char *text, size_t n, struct wg_device *ret);

/* ---- names ---- */

struct wg_name {
	struct wg_key key;
	char name[NAME_LEN];
	size_t position;		/* position in the file */
};

struct wg_names {			/* sorted by key, then by position */
	struct wg_name *list;
	size_t n;
};

/* Returns whether files of wg-quick(8), or AmneziaWG's awg-quick(8), have this setting. */
bool wg_quick_has(const char *key);
/* Reads peers' names from the text of a wg-quick(8) file: `# friendly_name=NAME` in or above a
 * [Peer] section, or else the comment directly above it. Characters that are not allowed in names
 * become '-'. Peers without a name, or with the name of an earlier peer, are not in the list. */
void wg_names_parse(const char *text, struct wg_names *ret);
/* Reads the names from the wg-quick(8) file of a device; none if it cannot be read. */
void wg_names_read(const char *device, struct wg_names *ret);
/* Returns when that file changed last, in ms since 1970; 0: there is none. */
long long wg_names_time(const char *device);
/* Adds names that take precedence: an entry of the list with the same key, or with the same name,
 * no longer counts. */
void wg_names_prefer(struct wg_names *names, const struct wg_name *list, size_t n);
void wg_names_free(struct wg_names *names);
/* Returns the name of the peer with this key in the list, or NULL. */
const char *wg_name_find(const struct wg_names *names, const struct wg_key *key);
/* Writes the name of the peer with this key: from the list, or else the first 8 characters of the
 * key. */
void wg_name_of(const struct wg_names *names, const struct wg_key *key, char ret[NAME_LEN]);

/* ---- the output of `wg show IF dump`, which may come from another host ---- */

struct wg_dump_peer {
	struct address endpoint;
	__be16 port;
	struct wg_key key;
	__u64 handshake;	/* latest handshake, in seconds since 1970; 0: none */
};

struct wg_dump {
	struct wg_dump_peer *peers;	/* those with an endpoint, sorted by endpoint */
	size_t n;
};

/* Reads a file ("-": standard input). Returns 0, or -errno after printing an error. */
int wg_dump_read(const char *file, struct wg_dump *ret);
/* Reads a stream. Error messages call it `name`. */
int wg_dump_parse(FILE *in, const char *name, struct wg_dump *ret);
void wg_dump_free(struct wg_dump *d);
/* Returns the peer with this endpoint, of several the one with the latest handshake; NULL: none. */
const struct wg_dump_peer *wg_dump_find(const struct wg_dump *d, const struct address *endpoint,
					__be16 port);
