/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Sends the probes: one socket, one size at a time. ICMP errors come from the error queue.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <uv.h>
#include "net/echo.h"
#include "net/udp_socket.h"
#include "doctor/mtu_probe.h"

#define MS 1000000ULL			/* nanoseconds, as uv_hrtime() counts */
#define SMALL_SENT 16 /* most small packets, which measure round trip time and loss */
#define SMALL_ENOUGH 8			/* answers to small packets that suffice */
#define SMALL_NONE 10	/* small packets without any answer before it gives up */
#define SMALL_WAIT_MS 300
#define REMEMBERED 256

struct sent {
	__u64 at;		/* uv_hrtime() when it was sent; 0: not sent */
	unsigned int size;
	__u16 sequence;
	bool answered;
};

struct prober {
	const struct mtu_way *way;
	struct mtu_path *path;
	struct echo_socket echo;
	__u16 sequence;			/* number of the next packet */
	struct sent sent[REMEMBERED];
	unsigned int answers;
	__u64 rtt_sum, rtt_max;
};

/* ---- sending ---- */

static int send_one(struct prober *p, unsigned int size)
{
	unsigned int length = size - (p->way->to.family == FAMILY_IPV6 ? 40 : 20);
	struct sent *s = &p->sent[p->sequence % REMEMBERED];
	int rc;

	*s = (struct sent){ .at = uv_hrtime(), .size = size, .sequence = p->sequence };
	rc = echo_socket_send(&p->echo, &p->way->to, p->way->scope, p->sequence++, length);
	s->answered = rc;		/* a packet that was not sent needs no answer */
	return rc;
}

/* ---- receiving ---- */

static struct sent *find_sent(struct prober *p, __u16 sequence)
{
	struct sent *s = &p->sent[sequence % REMEMBERED];

	return s->at && s->sequence == sequence ? s : NULL;
}

/* Receives one packet. Returns -EAGAIN if there is none, otherwise whether it answers a probe of
 * that size. */
static int receive_answer(struct prober *p, unsigned int size)
{
	struct address from;
	__u16 sequence;
	struct sent *s;
	__u64 took;
	int rc = echo_socket_receive(&p->echo, &from, &sequence);

	if (rc)
		return rc == -EAGAIN ? rc : false;
	s = find_sent(p, sequence);
	if (!s || s->answered || !address_equal(&from, &p->way->to))
		return false;
	took = uv_hrtime() - s->at;
	s->answered = true;
	p->answers++;
	p->rtt_sum += took;
	p->rtt_max = took > p->rtt_max ? took : p->rtt_max;
	return s->size == size;
}

/* Receives one ICMP error. Returns -EAGAIN if there is none, otherwise whether it says that a probe
 * of that size is too long. */
static int receive_error(struct prober *p, unsigned int size, struct mtu_error *error)
{
	char control[512] __attribute__((aligned(8)));
	__u8 quoted[128];
	struct iovec part = { quoted, sizeof(quoted) };
	struct msghdr m = {
		.msg_iov = &part, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(p->echo.fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT);
	const struct sock_extended_err *e;
	struct sent *s = NULL;
	__u16 sequence;

	if (n < 0)
		return errno == EINTR ? false : -EAGAIN;
	e = socket_error(&m);
	if (!e)
		return false;
	if (e->ee_origin == SO_EE_ORIGIN_LOCAL)	/* this host's error is about the last probe */
		s = &p->sent[(__u16)(p->sequence - 1) % REMEMBERED];
	else if (echo_socket_quoted(&p->echo, quoted, n, &sequence))
		s = find_sent(p, sequence);
	if (!s)
		return false;
	if (e->ee_errno != EMSGSIZE) {
		p->path->error = e->ee_errno;
		p->path->error_by = address_from_socket(SO_EE_OFFENDER(e));
		return false;
	}
	if (s->size != size)
		return false;
	error->mtu = e->ee_info < size ? e->ee_info : 0;
	memset(&error->by, 0, sizeof(error->by));
	if (e->ee_origin != SO_EE_ORIGIN_LOCAL)
		error->by = address_from_socket(SO_EE_OFFENDER(e));
	return true;
}

/* Reads all pending packets and errors. Returns MTU_LOST if none of them is about a packet of that
 * size yet. */
static enum mtu_result read_pending(struct prober *p, unsigned int size, struct mtu_error *error)
{
	int rc;

	while ((rc = receive_answer(p, size)) != -EAGAIN)
		if (rc)
			return MTU_PASSED;
	while ((rc = receive_error(p, size, error)) != -EAGAIN)
		if (rc)
			return MTU_REPORTED;
	return MTU_LOST;
}

static enum mtu_result wait_for_result(struct prober *p, unsigned int size, __u64 ms,
				       struct mtu_error *error)
{
	__u64 until = uv_hrtime() + ms * MS, now;
	struct pollfd fd = { .fd = p->echo.fd, .events = POLLIN };
	enum mtu_result result;

	while ((result = read_pending(p, size, error)) == MTU_LOST && (now = uv_hrtime()) < until)
		poll(&fd, 1, (until - now) / MS + 1);
	return result;
}

/* ---- one size ---- */

/* Sends one probe and waits for its result. A packet that cannot be sent counts as lost, unless the
 * kernel says that it is too long. */
static enum mtu_result try_once(struct prober *p, unsigned int size, __u64 ms,
				struct mtu_error *error)
{
	int rc = send_one(p, size);

	if (rc && rc != -EMSGSIZE) {	/* may be an error about an earlier packet: try again */
		enum mtu_result result = read_pending(p, size, error);

		if (result != MTU_LOST)
			return result;
		rc = send_one(p, size);
	}
	if (rc && rc != -EMSGSIZE && rc != -ENOBUFS && rc != -EAGAIN) {
		p->path->error = -rc;
		p->path->error_by = (struct address){ .family = 0 };
	}
	return wait_for_result(p, size, ms, error);
}

static __u64 clamp(__u64 n, __u64 least, __u64 most)
{
	return n < least ? least : n > most ? most : n;
}

static int probe(void *data, unsigned int size, unsigned int tries, struct mtu_error *ret_error)
{
	struct prober *p = data;
	enum mtu_result result = MTU_LOST;

	if (p->way->progress)
		p->way->progress(p->way, size);
	for (unsigned int i = 1; i <= tries && result == MTU_LOST; i++) {
		__u64 rtt = p->rtt_max / MS;	/* grows with late answers */

		if (uv_hrtime() >= p->way->until)
			return -ETIME;
		result = try_once(p, size, i < tries ? clamp(rtt + 20, 30, 300) :
				  clamp(3 * rtt + 100, 250, 2000), ret_error);
	}
	return result;
}

/* ---- beginning ---- */

static int prepare_socket(int fd, const struct mtu_way *w)
{
	bool ipv6 = w->to.family == FAMILY_IPV6;
	int level = ipv6 ? IPPROTO_IPV6 : IPPROTO_IP, on = 1;
	/* IPV6_PMTUDISC_* have the values of IP_PMTUDISC_*. */
	int discover = w->believe ? IP_PMTUDISC_DO : IP_PMTUDISC_PROBE;
	struct sockaddr_in6 to;
	socklen_t len = address_to_socket(&w->to, 0, w->scope, &to);

	if ((w->device &&
	     setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, w->device, strlen(w->device))) ||
	    (w->mark && setsockopt(fd, SOL_SOCKET, SO_MARK, &w->mark, sizeof(w->mark))) ||
	    setsockopt(fd, level, ipv6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER, &discover,
		       sizeof(discover)) ||
	    socket_keep_errors(fd, w->to.family) ||
	    (ipv6 && setsockopt(fd, level, IPV6_DONTFRAG, &on, sizeof(on))) ||
	    connect(fd, (struct sockaddr *)&to, len))
		return -errno;
	return 0;
}

/* Sends small packets to measure the round trip time and the losses. Returns 0, -ENOMSG if none was
 * answered, or another -errno. */
static int measure_small(struct prober *p)
{
	struct mtu_path *path = p->path;
	struct mtu_error error;
	unsigned int n = 0;

	if (p->way->progress)
		p->way->progress(p->way, MTU_SMALL);
	while (n < (p->answers ? SMALL_SENT : SMALL_NONE) && p->answers < SMALL_ENOUGH &&
	       uv_hrtime() < p->way->until) {
		try_once(p, MTU_SMALL, SMALL_WAIT_MS, &error);
		n++;
	}
	if (p->answers < n)			/* wait for late answers */
		while (wait_for_result(p, MTU_SMALL, clamp(2 * p->rtt_max / MS, 100, 1000),
				       &error) == MTU_PASSED && p->answers < n)
			;
	if (!p->answers)
		return -ENOMSG;
	path->sent = n;
	path->answered = p->answers;
	path->rtt_ms = (double)p->rtt_sum / p->answers / MS;
	return 0;
}

int mtu_measure(const struct mtu_way *w, unsigned int top, struct mtu_path *ret)
{
	struct prober p = { .way = w, .path = ret, .echo.fd = -1 };
	int rc = echo_socket_open(w->to.family, &p.echo);

	*ret = (struct mtu_path){ 0 };
	rc = rc ?: prepare_socket(p.echo.fd, w);
	rc = rc ?: measure_small(&p);
	rc = rc ?: mtu_search(probe, &p, top, mtu_tries(ret->sent, ret->answered), &ret->found);
	echo_socket_close(&p.echo);
	return rc;
}
