// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * No echo reply or ICMP error makes `wgxdp mtu` crash, run for ever, or believe a size that was not answered. An
 * input is a byte of options and two of the longest size, then a packet for each read from a socket. This is none, an
 * answer to a probe, the same with a byte changed, from another host, or any bytes; errors also have their contents.
 * A whole measurement runs; sockets and the clock are replaced. It must end. An answer counts only if it has a
 * probe's contents and address, and only once. No size passes that was not answered.
 */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <linux/errqueue.h>
#include <uv.h>
#include "fuzz_quiet.h"
#include "doctor/mtu_probe.h"

#define OUR_SOCKET 999
#define MS 1000000ULL

enum { SENT_MAX = 8192, HEAD = 24, PACKET = 96 };

static const uint8_t *rest;
static size_t left;
static bool ipv6, raw;
static uint64_t now;
static struct address to, other;
static struct { uint8_t head[HEAD]; unsigned int size; bool answered; } sent[SENT_MAX];
static unsigned int n_sent;
static unsigned int right;		/* answers */
static unsigned int longest;		/* the longest answered size */

static uint8_t next(void)
{
	if (!left)
		return 0;
	left--;
	return *rest++;
}

/* ---- replaces the kernel and the clock ---- */

uint64_t __wrap_uv_hrtime(void);
int __wrap_socket(int domain, int type, int protocol);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t n);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t n);
int __wrap_close(int fd);
int __wrap_poll(struct pollfd *fds, nfds_t n, int ms);
ssize_t __wrap_sendto(int fd, const void *data, size_t n, int flags, const struct sockaddr *address, socklen_t len);
ssize_t __wrap_recvfrom(int fd, void *data, size_t n, int flags, struct sockaddr *address, socklen_t *len);
ssize_t __wrap_recvmsg(int fd, struct msghdr *m, int flags);

uint64_t __wrap_uv_hrtime(void)
{
	return now;
}

int __wrap_socket(int domain, int type, int protocol)
{
	right = longest = 0;
	if (raw && (type & 15) == SOCK_DGRAM) {
		errno = EACCES;
		return -1;
	}
	return OUR_SOCKET;
}

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t n)
{
	return 0;
}

int __wrap_connect(int fd, const struct sockaddr *address, socklen_t n)
{
	return 0;
}

int __wrap_close(int fd)
{
	return 0;
}

int __wrap_poll(struct pollfd *fds, nfds_t n, int ms)
{
	MUST(ms > 0);
	now += (left && next() & 1 ? 1 : ms) * MS;
	return 1;
}

/* A probe starts with the bytes that its answer must have. It may get lost */
ssize_t __wrap_sendto(int fd, const void *data, size_t n, int flags, const struct sockaddr *address, socklen_t len)
{
	static const int errors[] = { EMSGSIZE, ENOBUFS, EHOSTUNREACH, EAGAIN };
	uint8_t how = next();

	MUST(n + (ipv6 ? 40 : 20) <= MTU_MAX && n_sent < SENT_MAX);
	if (how >= 240) {
		errno = errors[how % 4];
		return -1;
	}
	MUST(n >= HEAD);
	memcpy(sent[n_sent].head, data, HEAD);
	sent[n_sent].size = n + (ipv6 ? 40 : 20);
	sent[n_sent++].answered = false;
	return n;
}

/* ---- answers ---- */

static bool answers(const uint8_t *head, const uint8_t *p, size_t n)
{
	return n >= HEAD && p[0] == (ipv6 ? 129 : 0) && !p[1] && (!raw || !memcmp(p + 4, head + 4, 2)) && !memcmp(p + 6, head + 6, HEAD - 6);
}

/* Counts a received packet if it is an answer, by its contents alone */
static void count(const uint8_t *p, size_t n, bool from_other)
{
	size_t at = !ipv6 && raw && n >= 20 ? (p[0] & 15) * 4 : 0;

	if (n < at || from_other)
		return;
	for (unsigned int i = 0; i < n_sent; i++)
		if (!sent[i].answered && answers(sent[i].head, p + at, n - at)) {
			sent[i].answered = true;
			right++;
			longest = sent[i].size > longest ? sent[i].size : longest;
		}
}

/* Writes the answer to the packet sent `back` packets ago, behind an IP header if there is one */
static size_t put_answer(uint8_t *p, unsigned int back)
{
	const uint8_t *head = sent[n_sent - 1 - back % n_sent].head;
	size_t at = 0;

	memset(p, 0, PACKET);
	if (!ipv6 && raw) {
		p[0] = 0x45;
		at = 20;
	}
	memcpy(p + at, head, HEAD);
	p[at] = ipv6 ? 129 : 0;
	return at + HEAD;
}

static size_t put_bytes(uint8_t *p, size_t max)
{
	size_t n = next() % max;

	for (size_t i = 0; i < n; i++)
		p[i] = next();
	return n;
}

ssize_t __wrap_recvfrom(int fd, void *data, size_t max, int flags, struct sockaddr *address, socklen_t *len)
{
	uint8_t p[PACKET] = { 0 }, how = next() % 8, at;
	struct sockaddr_in6 from;
	size_t n = 0;

	MUST(max >= PACKET);
	if (!left || how < 3 || (how < 7 && !n_sent)) {
		errno = how == 2 && left ? EINTR : EAGAIN;
		return -1;
	}
	if (how < 7)
		n = put_answer(p, how == 3 ? 0 : next());
	else
		n = put_bytes(p, PACKET);
	if (how == 5) {
		at = next() % n;
		p[at] ^= next();
	}
	count(p, n, how == 6);
	memcpy(data, p, n);
	if (address) {
		*len = address_to_socket(how == 6 ? &other : &to, 0, 0, &from);
		memcpy(address, &from, *len);
	}
	return n;
}

/* An error from the queue, with the quoted packet */
ssize_t __wrap_recvmsg(int fd, struct msghdr *m, int flags)
{
	static const int errors[] = { EMSGSIZE, EMSGSIZE, ECONNREFUSED, EHOSTUNREACH };
	struct { struct sock_extended_err e; struct sockaddr_in6 by; } said = { 0 };
	struct cmsghdr *c = (struct cmsghdr *)m->msg_control;
	uint8_t how = next() % 8;
	size_t n = 0, most = m->msg_iov->iov_len;

	if (!left || how < 3) {
		errno = how == 2 && left ? EINTR : EAGAIN;
		return -1;
	}
	MUST(m->msg_controllen >= CMSG_SPACE(sizeof(said)) && most >= PACKET);
	if (how < 7 && n_sent) {
		n = how < 6 ? HEAD : 8;
		memcpy(m->msg_iov->iov_base, sent[n_sent - 1 - next() % n_sent].head, n);
	} else {
		n = put_bytes(m->msg_iov->iov_base, PACKET);
	}
	said.e.ee_errno = errors[how % 4];
	said.e.ee_origin = how == 4 ? SO_EE_ORIGIN_LOCAL : ipv6 ? SO_EE_ORIGIN_ICMP6 : SO_EE_ORIGIN_ICMP;
	said.e.ee_info = next() << 8;
	said.e.ee_info |= next();
	if (how != 4)
		address_to_socket(&other, 0, 0, &said.by);
	c->cmsg_len = CMSG_LEN(sizeof(said));
	c->cmsg_level = ipv6 ? IPPROTO_IPV6 : IPPROTO_IP;
	c->cmsg_type = how == 3 ? next() : ipv6 ? IPV6_RECVERR : IP_RECVERR;
	memcpy(CMSG_DATA(c), &said, sizeof(said));
	m->msg_controllen = CMSG_SPACE(sizeof(said));
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mtu_way way = { .scope = 0 };
	unsigned int top;
	struct mtu_path path;
	int rc;

	if (size < 3)
		return 0;
	ipv6 = data[0] & 1, raw = data[0] & 2, way.believe = data[0] & 4;
	top = MTU_SMALL + (data[1] << 8 | data[2]) % ((data[0] & 16 ? MTU_MAX : 9000) - MTU_SMALL + 1);
	rest = data + 3, left = size - 3;
	n_sent = right = longest = 0;
	now = 1000 * MS;
	way.until = now + (data[0] & 8 ? 60000 : 2000) * MS;
	MUST(!address_parse(ipv6 ? "2001:db8::1" : "192.0.2.1", &to) && !address_parse(ipv6 ? "2001:db8::66" : "192.0.2.66", &other));
	way.to = to;
	memset(&path, 0xee, sizeof(path));
	rc = mtu_measure(&way, top, &path);
	MUST(!rc || rc == -ENOMSG || rc == -ETIME);
	if (rc == -ENOMSG)
		return 0;
	MUST(path.answered && path.answered <= right && path.answered <= path.sent);
	MUST(path.found.passes <= top && (path.found.passes <= MTU_SMALL || path.found.passes <= longest));
	MUST(!path.found.fails || (path.found.fails > path.found.passes && path.found.fails <= top));
	MUST(rc || !path.found.fails || path.found.fails == path.found.passes + 1);
	MUST(!path.found.said || path.found.error.mtu <= top);
	return 0;
}
