/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements wg_read_through(). A question is a device's name. The answer is a struct answer, the
 * peers, and then the AllowedIPs of each peer. Both processes run the same program.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include "lib/memory.h"
#include "net/wireguard.h"

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
