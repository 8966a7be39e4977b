// SPDX-License-Identifier: GPL-2.0-or-later
/* The cost of a careful user-space relay: recvmmsg and sendmmsg in batches of 64, a connected socket for each client
 * towards the backend, epoll. The first client's socket is bound to FROM, so that the bench knows where its replies
 * go. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 64
#define CLIENTS 4096
#define PLACES 8192			/* places of the hash of clients: 32 - 19 bits */
#define PACKET 2048

struct client {
	struct sockaddr_in address;
	int fd;
};

static struct sockaddr_in backend, from;
static struct client clients[CLIENTS], *places[PLACES];
static int n_clients, epoll_fd, listener;
static char buffers[BATCH][PACKET];
static struct iovec vectors[BATCH];
static struct sockaddr_in names[BATCH];
static struct mmsghdr messages[BATCH];

static int parse(const char *text, struct sockaddr_in *ret_address)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	const char *colon = strrchr(text, ':');
	char host[64] = "";

	if (!colon || colon - text >= (long)sizeof(host))
		return -EINVAL;
	memcpy(host, text, colon - text);
	a.sin_port = htons(atoi(colon + 1));
	*ret_address = a;
	return inet_pton(AF_INET, host, &ret_address->sin_addr) == 1 ? 0 : -EINVAL;
}

/* room for bursts: a packet of the bench keeps a page */
static int open_socket(const struct sockaddr_in *bind_to, unsigned int id)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = id };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), size = 4 << 20;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	if ((bind_to && bind(fd, (const struct sockaddr *)bind_to, sizeof(*bind_to))) ||
	    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev)) {
		int err = -errno;

		close(fd);
		return err;
	}
	return fd;
}

/* Returns the client's place, or the free one where it belongs */
static struct client **place_of(const struct sockaddr_in *address)
{
	unsigned int at = (address->sin_addr.s_addr ^ (unsigned int)address->sin_port << 16) * 0x9e3779b1 >> 19;

	while (places[at] && (places[at]->address.sin_addr.s_addr != address->sin_addr.s_addr ||
			      places[at]->address.sin_port != address->sin_port))
		at = (at + 1) % PLACES;
	return &places[at];
}

static struct client *client_of(const struct sockaddr_in *address)
{
	struct client **place = place_of(address), *c = *place;

	if (c || n_clients == CLIENTS)
		return c;
	c = &clients[n_clients];
	c->address = *address;
	c->fd = open_socket(n_clients ? NULL : &from, n_clients + 1);
	if (c->fd < 0 || connect(c->fd, (const struct sockaddr *)&backend, sizeof(backend)))
		return NULL;
	n_clients++;
	*place = c;
	return c;
}

static int receive(int fd, int with_names)
{
	for (int i = 0; i < BATCH; i++) {
		vectors[i] = (struct iovec){ buffers[i], PACKET };
		messages[i].msg_hdr = (struct msghdr){ .msg_iov = &vectors[i], .msg_iovlen = 1,
						       .msg_name = with_names ? &names[i] : NULL,
						       .msg_namelen = with_names ? sizeof(names[i]) : 0 };
	}
	return recvmmsg(fd, messages, BATCH, MSG_DONTWAIT, NULL);
}

static void send_all(int fd, int first, int end, struct sockaddr_in *to)
{
	for (int i = first; i < end; i++) {
		vectors[i].iov_len = messages[i].msg_len;
		messages[i].msg_hdr.msg_name = to;
		messages[i].msg_hdr.msg_namelen = to ? sizeof(*to) : 0;
	}
	while (first < end) {
		int n = sendmmsg(fd, messages + first, end - first, 0);

		first += n > 0 ? n : 1;
	}
}

/* neighbours in a batch that are of one client go out in one call */
static void relay_originals(void)
{
	int n = receive(listener, 1), first, end;

	for (first = 0; first < n; first = end) {
		struct client *c = client_of(&names[first]);

		for (end = first + 1; end < n && !memcmp(&names[end], &names[first], sizeof(*names)); end++)
			;
		if (c)
			send_all(c->fd, first, end, NULL);
	}
}

static void relay_replies(struct client *c)
{
	int n = receive(c->fd, 0);

	if (n > 0)
		send_all(listener, 0, n, &c->address);
}

int main(int argc, char **argv)
{
	struct sockaddr_in listen_on;
	struct epoll_event events[BATCH];
	struct rlimit files = { CLIENTS + BATCH, CLIENTS + BATCH };

	if (argc != 4 || parse(argv[1], &listen_on) || parse(argv[2], &backend) || parse(argv[3], &from)) {
		fputs("usage: relay LISTEN:PORT BACKEND:PORT FROM:PORT\n", stderr);
		return 2;
	}
	setrlimit(RLIMIT_NOFILE, &files);
	epoll_fd = epoll_create1(0);
	listener = open_socket(&listen_on, 0);
	if (epoll_fd < 0 || listener < 0) {
		perror("relay");
		return 1;
	}
	for (;;) {
		int n = epoll_wait(epoll_fd, events, BATCH, -1);

		for (int i = 0; i < n; i++) {
			if (events[i].data.u32)
				relay_replies(&clients[events[i].data.u32 - 1]);
			else
				relay_originals();
		}
	}
}
