/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements the part of wireguard.h that changes a device: sets a peer's endpoint, or makes
 * WireGuard begin a new session with it.
 */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/wireguard.h>
#include <string.h>
#include <sys/socket.h>
#include "lib/memory.h"
#include "net/netlink_talk.h"
#include "lib/text.h"
#include "net/wireguard.h"

#define ROOM 1024			/* bytes of a message, without AllowedIPs */
#define ROOM_ALLOWED 48			/* bytes for each AllowedIP, more than it needs */
/* Longest message in bytes: an attribute's length has 16 bits. */
#define PEERS_MAX 65000

/* ---- the kernel's WireGuard ---- */

static void put_peer(struct nlmsghdr *request, const struct wg_key *key, __u32 flags)
{
	mnl_attr_put(request, WGPEER_A_PUBLIC_KEY, sizeof(*key), key);
	mnl_attr_put_u32(request, WGPEER_A_FLAGS, flags);
}

/* Adds the endpoint attribute, unless a is NULL. */
static void put_endpoint(struct nlmsghdr *request, const struct address *a, __be16 port)
{
	struct sockaddr_in6 to;
	socklen_t len = a ? address_to_socket(a, port, 0, &to) : 0;

	if (a)
		mnl_attr_put(request, WGPEER_A_ENDPOINT, len, &to);
}

static void put_allowed(struct nlmsghdr *request, const struct wg_peer *p)
{
	struct nlattr *list = mnl_attr_nest_start(request, WGPEER_A_ALLOWEDIPS);

	for (size_t i = 0; i < p->n_allowed; i++) {
		const struct prefix *prefix = &p->allowed[i];
		struct nlattr *row = mnl_attr_nest_start(request, 0);
		bool ipv4 = prefix->family == FAMILY_IPV4;

		mnl_attr_put_u16(request, WGALLOWEDIP_A_FAMILY, ipv4 ? AF_INET : AF_INET6);
		mnl_attr_put(request, WGALLOWEDIP_A_IPADDR, ipv4 ? 4 : 16,
			     prefix->addr.b + (ipv4 ? 12 : 0));
		mnl_attr_put_u8(request, WGALLOWEDIP_A_CIDR_MASK, prefix->len);
		mnl_attr_nest_end(request, row);
	}
	mnl_attr_nest_end(request, list);
}

static void put_renewed(struct nlmsghdr *request, const struct wg_peer *p, const struct address *a,
			__be16 port)
{
	struct nlattr *row = mnl_attr_nest_start(request, 0);

	put_peer(request, &p->key, WGPEER_F_REMOVE_ME);
	mnl_attr_nest_end(request, row);
	row = mnl_attr_nest_start(request, 0);
	put_peer(request, &p->key, WGPEER_F_REPLACE_ALLOWEDIPS);
	mnl_attr_put(request, WGPEER_A_PRESHARED_KEY, sizeof(p->preshared), &p->preshared);
	put_endpoint(request, a, port);
	mnl_attr_put_u16(request, WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, p->keepalive);
	put_allowed(request, p);
	mnl_attr_nest_end(request, row);
}

/* Sets a peer's endpoint in the kernel's WireGuard. renew: not NULL: removes this peer first, and
 * adds it again with the endpoint. */
static int set_kernel(const char *device, const struct wg_key *peer, const struct wg_peer *renew,
		      const struct address *a, __be16 port)
{
	size_t size = ROOM + (renew ? renew->n_allowed : 0) * ROOM_ALLOWED;
	struct nlmsghdr *request;
	struct mnl_socket *sock;
	struct nlattr *peers, *row;
	__u16 family;
	char *buffer;
	int rc;

	if (size > PEERS_MAX)
		return -E2BIG;
	rc = nl_genl_open(WG_GENL_NAME, &sock, &family);
	if (rc)
		return rc;
	buffer = xmalloc(size);
	request = nl_genl_request(buffer, family, WG_CMD_SET_DEVICE, WG_GENL_VERSION);
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	mnl_attr_put_strz(request, WGDEVICE_A_IFNAME, device);
	peers = mnl_attr_nest_start(request, WGDEVICE_A_PEERS);
	if (renew) {
		put_renewed(request, renew, a, port);
	} else {
		row = mnl_attr_nest_start(request, 0);
		put_peer(request, peer, WGPEER_F_UPDATE_ONLY);
		put_endpoint(request, a, port);
		mnl_attr_nest_end(request, row);
	}
	mnl_attr_nest_end(request, peers);
	rc = nl_talk(sock, request, NULL, NULL);
	mnl_socket_close(sock);
	explicit_bzero(buffer, size);
	free(buffer);
	return rc;
}

/* ---- wireguard-go's socket ---- */

static void write_key(FILE *f, const char *name, const struct wg_key *key)
{
	fprintf(f, "%s=", name);
	for (int i = 0; i < WG_KEY_LEN; i++)
		fprintf(f, "%02x", key->b[i]);
	fputc('\n', f);
}

static void write_renewed(FILE *f, const struct wg_peer *p)
{
	char prefix[ADDRESS_STRLEN];

	fputs("remove=true\n", f);
	write_key(f, "public_key", &p->key);
	write_key(f, "preshared_key", &p->preshared);
	for (size_t i = 0; i < p->n_allowed; i++)
		fprintf(f, "allowed_ip=%s\n", prefix_format(&p->allowed[i], prefix));
	fprintf(f, "persistent_keepalive_interval=%u\n", p->keepalive);
}

static int set_socket(const char *device, const struct wg_key *peer, const struct wg_peer *renew,
		      const struct address *a, __be16 port)
{
	char text[ADDRESS_STRLEN], *question, *answer = NULL;
	size_t room, n = 0;
	FILE *f = text_open(&question, &room);
	int rc;

	fputs("set=1\n", f);
	write_key(f, "public_key", peer);
	if (renew)
		write_renewed(f, renew);
	else
		fputs("update_only=true\n", f);
	if (a)
		fprintf(f, "endpoint=%s\n", endpoint_format(a, port, text));
	fputc('\n', f);
	fclose(f);
	rc = wg_talk(device, question, &answer, &n);
	if (!rc && (n < 8 || strncmp(answer, "errno=0\n", 8)))
		rc = -EPROTO;
	explicit_bzero(question, room);
	free(question);
	free(answer);
	return rc;
}

/* ---- either ---- */

static int set_peer(const char *device, const struct wg_key *peer, const struct wg_peer *renew,
		    const struct address *a, __be16 port)
{
	int rc = set_kernel(device, peer, renew, a, port);

	return rc == -EOPNOTSUPP || rc == -ENOENT ? set_socket(device, peer, renew, a, port) : rc;
}

int wg_set_endpoint(const char *device, const struct wg_key *peer, const struct address *a,
		    __be16 port)
{
	return set_peer(device, peer, NULL, a, port);
}

int wg_renew_peer(const char *device, const struct wg_peer *p, const struct address *a, __be16 port)
{
	return set_peer(device, &p->key, p, a, port);
}
