/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements the part of wireguard.h that reads a device. Answers of the kernel and of wireguard-go
 * are checked like any input from outside.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/genetlink.h>
#include <linux/time_types.h>
#include <linux/wireguard.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "lib/memory.h"
#include "net/wireguard.h"

#ifdef WITH_SODIUM
#include <sodium.h>
#endif
#include "lib/grow.h"
#include "lib/library.h"
#include "net/netlink_talk.h"
#include "net/udp_socket.h"
#include "net/wireguard.h"

#ifndef TEMP_FAILURE_RETRY		/* musl has none */
#define TEMP_FAILURE_RETRY(expression) ({ \
		long result; \
		do \
			result = (expression); \
		while (result < 0 && errno == EINTR); \
		result; \
	})
#endif

/* Longest answer of wireguard-go, in bytes; a longer one is an error. */
#define ANSWER_LIMIT (64 << 20)
#define ANSWER_SECONDS 5		/* wireguard-go on a busy host may be slow */

void wg_free(struct wg_device *d)
{
	for (size_t i = 0; i < d->n_peers; i++)
		free(d->peers[i].allowed);
	if (d->n_peers)
		/* Overwrite the preshared keys of the peers. */
		explicit_bzero(d->peers, d->n_peers * sizeof(*d->peers));
	free(d->peers);
	memset(d, 0, sizeof(*d));
}

const struct wg_peer *wg_find_peer(const struct wg_device *d, const struct wg_key *key)
{
	for (size_t i = 0; i < d->n_peers; i++)
		if (!wg_key_compare(&d->peers[i].key, key))
			return &d->peers[i];
	return NULL;
}

bool wg_has_endpoint(const struct wg_peer *p, const struct address *a, __be16 port)
{
	return p->endpoint_port == port && address_equal(&p->endpoint, a);
}

struct address wg_inside(const struct wg_peer *p)
{
	struct address found = { .family = 0 };
	int longest = -1;

	for (size_t i = 0; i < p->n_allowed; i++) {
		const struct prefix *a = &p->allowed[i];
		int len = a->len + (a->family == FAMILY_IPV4 ? 96 : 0);

		if (len <= longest)
			continue;
		longest = len;
		found = (struct address){ a->addr, a->family };
	}
	/* A prefix's first address belongs to no host, so take the second. */
	if (longest >= 0 && longest < 128)
		found.addr.b[15] |= 1;
	return found;
}

void wg_nudge(const char *device, const struct address *inside)
{
	int fd = inside->family ? udp_socket(inside, htons(WG_NUDGE_PORT), device) : -1;

	if (fd < 0)
		return;
	send(fd, "", 0, 0);
	close(fd);
}

/* ---- the kernel's WireGuard ---- */

static void read_endpoint(const struct nlattr *a, struct wg_peer *p)
{
	struct sockaddr_in in = { 0 };
	struct sockaddr_in6 in6 = { 0 };

	attr_copy(a, &in, sizeof(in));
	attr_copy(a, &in6, sizeof(in6));
	if (in.sin_family == AF_INET) {
		p->endpoint = address_from_ipv4(in.sin_addr);
		p->endpoint_port = in.sin_port;
	} else if (in6.sin6_family == AF_INET6) {
		p->endpoint = address_from_ipv6(in6.sin6_addr);
		p->endpoint_port = in6.sin6_port;
	}
}

static __u64 attr_u64(const struct nlattr *a)
{
	__u64 n = 0;

	attr_copy(a, &n, sizeof(n));
	return n;
}

static void read_allowed(const struct nlattr *list, struct wg_peer *p)
{
	const struct nlattr *row, *a;

	mnl_attr_for_each_nested(row, list) {
		const struct nlattr *address = NULL;
		struct prefix found;
		__u8 family = 0, len = 0;

		mnl_attr_for_each_nested(a, row) {
			__u16 type = mnl_attr_get_type(a), size = mnl_attr_get_payload_len(a);

			if (type == WGALLOWEDIP_A_FAMILY && size >= sizeof(__u16))
				family = mnl_attr_get_u16(a);
			else if (type == WGALLOWEDIP_A_CIDR_MASK && size)
				len = mnl_attr_get_u8(a);
			else if (type == WGALLOWEDIP_A_IPADDR)
				address = a;
		}
		found = attr_prefix(address, family, len);
		if (!found.family || !address || len > (family == AF_INET ? 32 : 128) ||
		    mnl_attr_get_payload_len(address) != (family == AF_INET ? 4 : 16))
			continue;
		*append(p->allowed, p->n_allowed) = found;
	}
}

/* Reads a peer of a dump. A peer with the key of the one before continues it, with more
 * AllowedIPs. */
static void read_peer(const struct nlattr *row, struct wg_device *d)
{
	struct wg_peer *last = d->n_peers ? &d->peers[d->n_peers - 1] : NULL, *p;
	const struct nlattr *a;
	struct wg_key key = { 0 };

	mnl_attr_for_each_nested(a, row)
		if (mnl_attr_get_type(a) == WGPEER_A_PUBLIC_KEY)
			attr_copy(a, &key, sizeof(key));
	if (wg_key_is_none(&key))
		return;
	p = last && !wg_key_compare(&last->key, &key) ? last : append(d->peers, d->n_peers);
	p->key = key;
	mnl_attr_for_each_nested(a, row) {
		struct __kernel_timespec time = { 0 };

		switch (mnl_attr_get_type(a)) {
		case WGPEER_A_ENDPOINT:
			read_endpoint(a, p);
			break;
		case WGPEER_A_LAST_HANDSHAKE_TIME:
			attr_copy(a, &time, sizeof(time));
			p->handshake = time.tv_sec;
			p->handshake_nsec = time.tv_nsec;
			break;
		case WGPEER_A_RX_BYTES:
			p->rx_bytes = attr_u64(a);
			break;
		case WGPEER_A_TX_BYTES:
			p->tx_bytes = attr_u64(a);
			break;
		case WGPEER_A_PRESHARED_KEY:
			attr_copy(a, &p->preshared, sizeof(p->preshared));
			break;
		case WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL:
			if (mnl_attr_get_payload_len(a) >= sizeof(__u16))
				p->keepalive = mnl_attr_get_u16(a);
			break;
		case WGPEER_A_ALLOWEDIPS:
			read_allowed(a, p);
			break;
		}
	}
}

int wg_message(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *a, *row;
	struct wg_device *d = data;

	if (nlh->nlmsg_len < NLMSG_HDRLEN + sizeof(struct genlmsghdr))
		return MNL_CB_OK;
	mnl_attr_for_each(a, nlh, sizeof(struct genlmsghdr)) {
		switch (mnl_attr_get_type(a)) {
		case WGDEVICE_A_PUBLIC_KEY:
			attr_copy(a, &d->key, sizeof(d->key));
			break;
		case WGDEVICE_A_LISTEN_PORT:
			if (mnl_attr_get_payload_len(a) >= sizeof(__u16))
				d->port = htons(mnl_attr_get_u16(a));
			break;
		case WGDEVICE_A_FWMARK:
			attr_copy(a, &d->fwmark, sizeof(d->fwmark));
			break;
		case WGDEVICE_A_PEERS:
			mnl_attr_for_each_nested(row, a)
				read_peer(row, d);
			break;
		}
	}
	return MNL_CB_OK;
}

static int read_kernel(const char *device, struct wg_device *ret)
{
	char buffer[256];
	struct mnl_socket *sock;
	struct nlmsghdr *request;
	__u16 family;
	int rc = nl_genl_open(WG_GENL_NAME, &sock, &family);

	if (rc)
		return rc;
	request = nl_genl_request(buffer, family, WG_CMD_GET_DEVICE, WG_GENL_VERSION);
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	mnl_attr_put_strz(request, WGDEVICE_A_IFNAME, device);
	rc = nl_talk(sock, request, wg_message, ret);
	mnl_socket_close(sock);
	return rc;
}

/* ---- wireguard-go's ---- */

static unsigned int hex_digit(char c)
{
	return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

static int hex_key(const char *text, struct wg_key *ret)
{
	if (strspn(text, "0123456789abcdefABCDEF") != 2 * WG_KEY_LEN || text[2 * WG_KEY_LEN])
		return -EINVAL;
	for (size_t i = 0; i < WG_KEY_LEN; i++)
		ret->b[i] = hex_digit(text[2 * i]) << 4 | hex_digit(text[2 * i + 1]);
	return 0;
}

static int parse_number(const char *text, __u64 most, __u64 *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(text, &end, 10);
	return errno || end == text || *end || *text < '0' || *text > '9' || *ret > most ? -EINVAL
											 : 0;
}

/* Parses an endpoint. A link-local IPv6 address may have a zone (%…), which is dropped. */
static int uapi_endpoint(const char *value, struct wg_peer *p)
{
	const char *zone = strchr(value, '%'), *close = strchr(value, ']');
	char text[ADDRESS_STRLEN];

	if (zone && close && zone < close && strlen(value) < sizeof(text)) {
		snprintf(text, sizeof(text), "%.*s%s", (int)(zone - value), value, close);
		value = text;
	}
	return endpoint_parse(value, &p->endpoint, &p->endpoint_port);
}

static int uapi_allowed(const char *value, struct wg_peer *p)
{
	struct prefix found;

	if (prefix_parse(value, &found))
		return -EINVAL;
	*append(p->allowed, p->n_allowed) = found;
	return 0;
}

void wg_public_key(const struct wg_key *private, struct wg_key *ret)
{
#ifdef WITH_SODIUM
	static struct library_functions {
		typeof(crypto_scalarmult_curve25519_base) *crypto_scalarmult_curve25519_base;
	} sodium;
	static const struct library_function functions[] = {
		LIBRARY_FUNCTION(crypto_scalarmult_curve25519_base)
	};
	char why[LIBRARY_WHY_LEN];

	if (!LIBRARY_OPEN(&library_sodium, functions, &sodium, why))
		sodium.crypto_scalarmult_curve25519_base(ret->b, private->b);
#endif
}

/* Reads the private key that wireguard-go sends, and keeps only the public key. */
static int uapi_own_key(const char *value, struct wg_device *d)
{
	struct wg_key private;
	int rc = hex_key(value, &private);

	if (!rc && !wg_key_is_none(&private))
		wg_public_key(&private, &d->key);
	explicit_bzero(&private, sizeof(private));
	return rc;
}

static int uapi_device_line(const char *key, const char *value, struct wg_device *d)
{
	__u64 number;
	int rc = 0;

	if (!strcmp(key, "private_key"))
		return uapi_own_key(value, d);
	if (!strcmp(key, "listen_port")) {
		rc = parse_number(value, 65535, &number);
		d->port = htons(number);
	} else if (!strcmp(key, "fwmark")) {
		rc = parse_number(value, 0xffffffff, &number);
		d->fwmark = number;
	}
	return rc;
}

/* Reads one line. Lines before the first peer are about the device; unknown ones are ignored. */
static int uapi_line(const char *key, const char *value, struct wg_device *d)
{
	static const struct {
		const char *key;
		size_t offset;
	} numbers[] = {
		{ "last_handshake_time_sec", offsetof(struct wg_peer, handshake) },
		{ "last_handshake_time_nsec", offsetof(struct wg_peer, handshake_nsec) },
		{ "rx_bytes", offsetof(struct wg_peer, rx_bytes) },
		{ "tx_bytes", offsetof(struct wg_peer, tx_bytes) },
	};
	struct wg_peer *p = d->n_peers ? &d->peers[d->n_peers - 1] : NULL;
	__u64 number;
	int rc = 0;

	if (!strcmp(key, "public_key"))
		return hex_key(value, &append(d->peers, d->n_peers)->key);
	if (!p)
		return uapi_device_line(key, value, d);
	if (!strcmp(key, "endpoint"))
		return uapi_endpoint(value, p);
	if (!strcmp(key, "allowed_ip"))
		return uapi_allowed(value, p);
	if (!strcmp(key, "preshared_key"))
		return hex_key(value, &p->preshared);
	if (!strcmp(key, "persistent_keepalive_interval")) {
		rc = parse_number(value, 65535, &number);
		p->keepalive = number;
	}
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (!strcmp(key, numbers[i].key))
			return parse_number(value, ~0ULL, (__u64 *)((char *)p + numbers[i].offset));
	return rc;
}

/* The answer ends with the line "errno=N" and an empty line. */
int wg_uapi(const char *text, size_t n, struct wg_device *ret)
{
	struct wg_device d = { 0 };
	char *copy = xstrndup(text, n), *rest = copy, *line, *value;
	int rc = 0;
	bool ended = false;

	while (!rc && !ended && (line = strsep(&rest, "\n"))) {
		value = strchr(line, '=');
		/* each line must end with a newline */
		if (!value || !rest) {
			rc = -EPROTO;
			break;
		}
		*value++ = '\0';
		if (!strcmp(line, "errno")) {
			__u64 error;

			ended = true;
			rc = parse_number(value, ~0ULL, &error) || strcmp(rest, "\n") ? -EPROTO
									       : -(int)error;
		} else {
			rc = uapi_line(line, value, &d);
			rc = rc == -EINVAL ? -EPROTO : rc;
		}
	}
	rc = rc ?: ended ? 0 : -EPROTO;
	free(copy);
	if (rc)
		wg_free(&d);
	else
		*ret = d;
	return rc;
}

/* Reads an answer up to and including its empty line. */
static int read_answer(int fd, char **ret, size_t *ret_n)
{
	size_t room = 0, n = 0;
	char *text = NULL;
	ssize_t got = 1;

	while (got > 0 && !(n >= 2 && text[n - 1] == '\n' && text[n - 2] == '\n')) {
		if (n == room) {
			room = room ? 2 * room : 8192;
			if (room > ANSWER_LIMIT) {
				free(text);
				return -EMSGSIZE;
			}
			text = xreallocarray(text, room, 1);
		}
		got = TEMP_FAILURE_RETRY(recv(fd, text + n, room - n, 0));
		n += got > 0 ? got : 0;
	}
	*ret = text;
	*ret_n = n;
	return got < 0 ? -errno : 0;
}

int wg_talk(const char *device, const char *question, char **ret, size_t *ret_n)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct timeval limit = { .tv_sec = ANSWER_SECONDS };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), rc;
	ssize_t n = strlen(question);

	if (fd < 0)
		return -errno;
	snprintf(address.sun_path, sizeof(address.sun_path), WG_SOCKET_DIR "/%s.sock", device);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	/* A signal interrupts a call on a socket with a timeout even if SA_RESTART is set. */
	if (TEMP_FAILURE_RETRY(connect(fd, (struct sockaddr *)&address, sizeof(address))) ||
	    TEMP_FAILURE_RETRY(send(fd, question, n, MSG_NOSIGNAL)) != n)
		rc = errno == ENOENT || errno == ECONNREFUSED ? -EOPNOTSUPP : -errno;
	else
		rc = read_answer(fd, ret, ret_n);
	close(fd);
	return rc == -EAGAIN ? -ETIMEDOUT : rc;
}

static int read_socket(const char *device, struct wg_device *ret)
{
	char *text = NULL;
	size_t n;
	int rc = wg_talk(device, "get=1\n\n", &text, &n) ?: wg_uapi(text, n, ret);

	if (text)
		explicit_bzero(text, n);
	free(text);
	return rc;
}

int wg_read(const char *device, struct wg_device *ret)
{
	struct wg_device d = { 0 };
	int rc = -EINTR;

	if (wg_asks_other(device, ret, &rc))
		return rc;
	if (!if_nametoindex(device))
		return -ENODEV;
	for (int tries = 0; rc == -EINTR && tries < DUMP_TRIES; tries++) {
		wg_free(&d);
		rc = read_kernel(device, &d);
	}
	if (rc == -EOPNOTSUPP) /* a device of another driver, or a kernel without WireGuard */
		rc = read_socket(device, &d);
	if (rc)
		wg_free(&d);
	else
		*ret = d;
	return rc;
}

/* ---- questions to another process ----
 * A question is a device's name. The answer is a struct answer, the peers, and then the
 * AllowedIPs of each peer. Both processes run the same program. */

struct answer {
	int rc;
	struct wg_device device;	/* its pointer is not valid */
};

static int other = -1;

void wg_read_through(int fd)
{
	other = fd;
}

static bool send_all(int fd, const void *data, size_t n)
{
	ssize_t sent;

	for (const char *at = data; n; at += sent, n -= sent) {
		sent = send(fd, at, n, MSG_NOSIGNAL);
		if (sent <= 0)
			return false;
	}
	return true;
}

static bool receive_all(int fd, void *data, size_t n)
{
	return !n || recv(fd, data, n, MSG_WAITALL) == (ssize_t)n;
}

bool wg_answer(int fd)
{
	struct answer a = { 0 };
	char device[IF_NAMESIZE];
	bool sent;

	if (!receive_all(fd, device, sizeof(device)))
		return false;
	device[sizeof(device) - 1] = '\0';
	a.rc = wg_read(device, &a.device);
	for (size_t i = 0; i < a.device.n_peers; i++)
		memset(&a.device.peers[i].preshared, 0, sizeof(struct wg_key));
	sent = send_all(fd, &a, sizeof(a)) &&
	       send_all(fd, a.device.peers, a.device.n_peers * sizeof(*a.device.peers));
	for (size_t i = 0; sent && i < a.device.n_peers; i++) {
		const struct wg_peer *p = &a.device.peers[i];

		sent = send_all(fd, p->allowed, p->n_allowed * sizeof(*p->allowed));
	}
	wg_free(&a.device);
	return sent;
}

/* Receives the peers of d->n_peers. */
static bool receive_peers(struct wg_device *d)
{
	size_t n = d->n_peers;

	d->n_peers = 0;
	d->peers = xcalloc(n + 1, sizeof(*d->peers));
	if (!receive_all(other, d->peers, n * sizeof(*d->peers)))
		return false;
	for (; d->n_peers < n; d->n_peers++) {
		struct wg_peer *p = &d->peers[d->n_peers];

		p->allowed = xcalloc(p->n_allowed + 1, sizeof(*p->allowed));
		if (!receive_all(other, p->allowed, p->n_allowed * sizeof(*p->allowed))) {
			free(p->allowed);
			return false;
		}
	}
	return true;
}

bool wg_asks_other(const char *device, struct wg_device *ret, int *ret_rc)
{
	char name[IF_NAMESIZE] = "";
	struct answer a;

	if (other < 0)
		return false;
	strncpy(name, device, sizeof(name) - 1);
	if (!send_all(other, name, sizeof(name)) || !receive_all(other, &a, sizeof(a))) {
		a = (struct answer){ .rc = -EIO };
	} else if (!a.rc && !receive_peers(&a.device)) {
		/* The rest of the answer would be read as the next one. */
		shutdown(other, SHUT_RDWR);
		wg_free(&a.device);
		a.rc = -EIO;
	}
	if (!a.rc)
		*ret = a.device;
	*ret_rc = a.rc;
	return true;
}
