/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Copies netlink messages without understanding them, and sends many of them at once.
 */
#include <net/if.h>
#include <netinet/in.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include "lib/memory.h"
#include "net/netlink_talk.h"
#include "rehearsal/parts.h"

#define SEND_BUFFER (256 << 20)		/* the largest transaction, in bytes */

/* ---- attributes ---- */

const struct nlattr *attr_of(const struct nlmsghdr *m, size_t header, int type)
{
	const struct nlattr *a;

	if (mnl_nlmsg_get_payload_len(m) < header)
		return NULL;
	mnl_attr_for_each(a, m, header)
		if (mnl_attr_get_type(a) == type)
			return a;
	return NULL;
}

const struct nlattr *attr_in(const struct nlattr *nest, int type)
{
	const struct nlattr *a;

	if (nest)
		mnl_attr_for_each_nested(a, nest)
			if (mnl_attr_get_type(a) == type)
				return a;
	return NULL;
}

const char *attr_text(const struct nlattr *a)
{
	return a && memchr(mnl_attr_get_payload(a), 0, mnl_attr_get_payload_len(a)) ?
	       mnl_attr_get_str(a) : "";
}

__u32 attr_number(const struct nlattr *a)
{
	return a ? ntohl(attr_u32(a)) : 0;
}

__u64 attr_number64(const struct nlattr *a)
{
	__u64 n = 0;

	if (a)
		attr_copy(a, &n, sizeof(n));
	return be64toh(n);
}

/* ---- dumps ---- */

static void *room_in(struct dump *d, size_t room)
{
	if (d->n + room > d->size) {
		d->size = 2 * d->size + room + 4096;
		d->data = xreallocarray(d->data, d->size, 1);
	}
	return d->data + d->n;
}

struct keeping {
	struct dump *d;
	size_t header;
};

static int keep(const struct nlmsghdr *m, void *data)
{
	const struct keeping *k = data;

	if (k->d && mnl_nlmsg_get_payload_len(m) >= k->header) {
		memcpy(room_in(k->d, NLMSG_ALIGN(m->nlmsg_len)), m, m->nlmsg_len);
		k->d->n += NLMSG_ALIGN(m->nlmsg_len);
	}
	return MNL_CB_OK;
}

int dump_read(int bus, struct nlmsghdr *request, size_t header, struct dump *d)
{
	size_t before = d ? d->n : 0;
	int rc = -EINTR;

	for (int i = 0; i < DUMP_TRIES && rc == -EINTR; i++) {
		struct mnl_socket *sock;

		rc = nl_open(bus, &sock);
		if (rc)
			return rc;
		if (d)
			d->n = before;
		rc = nl_talk(sock, request, keep, &(struct keeping){ d, header });
		mnl_socket_close(sock);
	}
	return rc;
}

/* ---- requests ---- */

void put_attribute(struct nlmsghdr *m, const struct nlattr *a)
{
	memcpy(mnl_nlmsg_get_payload_tail(m), a, a->nla_len);
	m->nlmsg_len += MNL_ALIGN(a->nla_len);
}

struct nlmsghdr *request_begin(void *buffer, __u16 type, __u16 flags, size_t header)
{
	struct nlmsghdr *m = mnl_nlmsg_put_header(buffer);

	m->nlmsg_type = type;
	m->nlmsg_flags = NLM_F_REQUEST | flags;
	memset(mnl_nlmsg_put_extra_header(m, header), 0, header);
	return m;
}

void request_copy(struct nlmsghdr *to, const struct nlmsghdr *from, __u16 type, __u16 flags,
		  size_t header, __u64 without)
{
	const struct nlattr *a;

	request_begin(to, type, flags, header);
	memcpy(mnl_nlmsg_get_payload(to), mnl_nlmsg_get_payload(from), header);
	mnl_attr_for_each(a, from, header) {
		__u16 t = mnl_attr_get_type(a);

		if (t < 64 && without >> t & 1)
			continue;
		put_attribute(to, a);
	}
}

struct nlmsghdr *batch_next(struct batch *b, size_t room)
{
	return memset(room_in(&b->requests, room), 0, room);
}

void batch_skip(struct batch *b)
{
	if (++b->n >= b->n_errors) {
		b->errors = xreallocarray(b->errors, 2 * b->n + 64, sizeof(*b->errors));
		memset(b->errors + b->n_errors, 0,
		       (2 * b->n + 64 - b->n_errors) * sizeof(*b->errors));
		b->n_errors = 2 * b->n + 64;
	}
}

void batch_add(struct batch *b, struct nlmsghdr *m)
{
	batch_skip(b);
	m->nlmsg_seq = b->n;
	if (!b->errors[b->n])
		b->requests.n += NLMSG_ALIGN(m->nlmsg_len);
}

void batch_begin(struct batch *b)
{
	b->requests.n = b->n = 0;
}

/* Writes the beginning or the end of a transaction. */
static void put_edge(void *buffer, __u16 type)
{
	struct nlmsghdr *m = request_begin(buffer, type, 0, GEN);

	((struct nfgenmsg *)mnl_nlmsg_get_payload(m))->res_id = htons(NFNL_SUBSYS_NFTABLES);
}

static int receive_errors(struct batch *b, int fd)
{
	static char buffer[65536];
	int refused = 0;
	ssize_t n;

	while ((n = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT)) > 0) {
		int left = n;

		for (struct nlmsghdr *m = (void *)buffer; mnl_nlmsg_ok(m, left);
		     m = mnl_nlmsg_next(m, &left)) {
			const struct nlmsgerr *e = mnl_nlmsg_get_payload(m);

			if (m->nlmsg_type != NLMSG_ERROR || !e->error)
				continue;
			if (!m->nlmsg_seq || m->nlmsg_seq > b->n)
				return e->error;
			refused += !b->errors[m->nlmsg_seq];
			b->errors[m->nlmsg_seq] = e->error;
		}
	}
	return refused;
}

int batch_send(struct batch *b, int bus, bool transaction)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK };
	char edges[2][64] = { 0 };
	struct iovec iov[3] = { { edges[0], NLMSG_ALIGN(NLMSG_HDRLEN + GEN) },
				{ b->requests.data, b->requests.n },
				{ edges[1], NLMSG_ALIGN(NLMSG_HDRLEN + GEN) } };
	struct msghdr message = { .msg_name = &to, .msg_namelen = sizeof(to),
				  .msg_iov = iov + !transaction,
				  .msg_iovlen = transaction ? 3 : 1 };
	int size = SEND_BUFFER, on = 1, fd, rc;
	struct mnl_socket *sock;

	rc = b->requests.n ? nl_open(bus, &sock) : 0;
	if (rc || !b->requests.n)
		return rc;
	fd = mnl_socket_get_fd(sock);
	put_edge(edges[0], NFNL_MSG_BATCH_BEGIN);
	put_edge(edges[1], NFNL_MSG_BATCH_END);
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	rc = sendmsg(fd, &message, 0) < 0 ? -errno : receive_errors(b, fd);
	mnl_socket_close(sock);
	return rc;
}

void batch_free(struct batch *b)
{
	free(b->requests.data);
	free(b->errors);
}
