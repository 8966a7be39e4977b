/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * udptool: sends and counts UDP packets, for the selftests. Each packet carries a mark and a sequence number. The
 * receiver prints how many came, and how many different ones.
 *
 *   udptool send [OPTION]... DEVICE MAC FROM TO      whole frames, from any source address
 *   udptool ask [OPTION]... FROM TO                  from sockets connected to TO: counts only its answers
 *   udptool listen [OPTION]... ADDRESS               receives until SIGTERM, then prints what came
 *
 * FROM, TO, ADDRESS: 192.0.2.1:51820 or [2001:db8::1]:51820
 *   -n NUMBER  packets (1)                  -r RATE    packets a second (0: as fast as possible)
 *   -c NUMBER  clients: consecutive source addresses from FROM on, in turns (1)
 *   -s BYTES   payload (32)                 -t TTL     or hop limit (64)
 *   -z         no UDP checksum (IPv4)       -w MS      ask: how long to wait for the last answer (2000)
 *   -f         send: first fragments, with random ids and sources (24 bits of them), without later ones
 *   -F         send: the same, from one source
 *   -a         send: each from another source (24 bits; IPv6: and another /64) and port
 *   -e         listen: answer each          -g MS      listen: report each silence of at least that long, when it ends
 *   -d         ask, listen: do not set DF   -D         ask: set DF always, else only on packets that are sent alone
 *   -l NUMBER  ask: at most so many packets without an answer, unless no answer comes
 *   -u NUMBER  ask: give so many packets to the kernel at once (UDP_SEGMENT) -W  send: packets that begin like WireGuard's data
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MARK 0x77677864702e7465ULL
#define SEQUENCES (1 << 24)
#define PAYLOAD_MAX 9000
#define CLIENTS_MAX 4096

struct payload {
	uint64_t mark;
	uint32_t sequence;
};

union endpoint {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static struct {
	uint32_t number, rate, clients, size, ttl, wait_ms, gap_ms, segments, unanswered;
	bool no_checksum, echo, fragments, one_source, spoofed, no_df, always_df, wireguard;
} option = { .number = 1, .clients = 1, .size = 32, .ttl = 64, .wait_ms = 2000, .segments = 1, .unanswered = UINT32_MAX };

static uint8_t seen[SEQUENCES / 8];
static uint64_t received, distinct;
static volatile sig_atomic_t ended;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static socklen_t endpoint_len(const union endpoint *e)
{
	return e->any.sa_family == AF_INET ? sizeof(e->v4) : sizeof(e->v6);
}

static union endpoint endpoint_parse(const char *s)
{
	union endpoint e = {};
	char text[64];
	const char *colon = strrchr(s, ':');
	bool v6 = s[0] == '[';
	size_t len = colon ? colon - s : 0;

	if (!colon || len >= sizeof(text) || (v6 && (len < 2 || s[len - 1] != ']')))
		errx(1, "'%s' is not ADDRESS:PORT or [ADDRESS]:PORT", s);
	memcpy(text, s + v6, len - 2 * v6);
	text[len - 2 * v6] = '\0';
	e.any.sa_family = v6 ? AF_INET6 : AF_INET;
	e.v4.sin_port = htons(atoi(colon + 1));	/* at the same offset for IPv6 */
	if (inet_pton(e.any.sa_family, text, v6 ? (void *)&e.v6.sin6_addr : (void *)&e.v4.sin_addr) != 1)
		errx(1, "'%s' is not an address", text);
	return e;
}

/* Returns the nth address after e */
static union endpoint endpoint_add(union endpoint e, uint32_t n)
{
	uint32_t *low = e.any.sa_family == AF_INET ? &e.v4.sin_addr.s_addr : &e.v6.sin6_addr.s6_addr32[3];

	*low = htonl(ntohl(*low) + n);
	return e;
}

/* Fills in bytes that depend on their offset and on the datagram's number */
static void payload_rest(uint8_t *at, size_t len, uint32_t sequence)
{
	size_t i;

	for (i = sizeof(struct payload); i < len; i++)
		at[i] = (i * 40503 + sequence) >> 3;
}

static void payload_fill(uint8_t *at, uint32_t sequence)
{
	struct payload p = { .mark = MARK, .sequence = sequence };

	payload_rest(at, option.size, sequence);
	memcpy(at, &p, sizeof(p));
	if (option.wireguard)
		memcpy(at, "\4\0\0", 4);
}

/* Counts a received packet. Ignores packets of other programs and changed ones. */
static void payload_note(const uint8_t *at, ssize_t len)
{
	static uint8_t want[65536];
	struct payload p;

	if (len < (ssize_t)sizeof(p))
		return;
	memcpy(&p, at, sizeof(p));
	payload_rest(want, len, p.sequence);
	if (p.mark != MARK || memcmp(at + sizeof(p), want + sizeof(p), len - sizeof(p)))
		return;
	p.sequence %= SEQUENCES;
	received++;
	distinct += !(seen[p.sequence / 8] >> p.sequence % 8 & 1);
	seen[p.sequence / 8] |= 1 << p.sequence % 8;
}

/* Returns when packet n is due, if there is a rate. A sender that was kept from its CPU catches up by a burst of at
 * most 5 ms, because a slow machine's queues are short. But a flood must reach its rate. */
static uint64_t turn(uint64_t *start, uint32_t n)
{
	uint64_t at = *start + n * 1000000000ULL / (option.rate ?: 1), now = now_ns();

	*start += !option.spoofed && now > at + 5000000 ? now - at : 0;
	return option.rate ? at : 0;
}

static void sleep_until(uint64_t ns)
{
	struct timespec t = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };

	if (ns > now_ns())
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

/* ---- send ---- */

static uint32_t sum(const void *data, size_t len, uint32_t start)
{
	const uint8_t *b = data;
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		start += b[i] << 8 | b[i + 1];
	return start + (len & 1 ? b[len - 1] << 8 : 0);
}

static uint16_t sum_end(uint32_t s)
{
	s = (s & 0xffff) + (s >> 16);
	s = (s & 0xffff) + (s >> 16);
	return htons(~s);
}

static size_t fill_ip4(uint8_t *at, const union endpoint *from, const union endpoint *to, size_t len)
{
	struct iphdr ip = {
		.version = 4, .ihl = 5, .tot_len = htons(sizeof(ip) + len), .ttl = option.ttl, .protocol = IPPROTO_UDP,
		.saddr = from->v4.sin_addr.s_addr, .daddr = to->v4.sin_addr.s_addr,
	};

	if (option.fragments) {
		ip.id = random();
		ip.frag_off = htons(0x2000);
		ip.check = 0;
	}
	ip.check = sum_end(sum(&ip, sizeof(ip), 0));
	memcpy(at, &ip, sizeof(ip));
	return sizeof(ip);
}

static size_t fill_ip6(uint8_t *at, const union endpoint *from, const union endpoint *to, size_t len)
{
	struct ip6_hdr ip = {
		.ip6_flow = htonl(6 << 28), .ip6_plen = htons(len), .ip6_nxt = IPPROTO_UDP, .ip6_hlim = option.ttl,
		.ip6_src = from->v6.sin6_addr, .ip6_dst = to->v6.sin6_addr,
	};

	if (option.fragments) {
		struct ip6_frag more = { .ip6f_nxt = IPPROTO_UDP, .ip6f_offlg = IP6F_MORE_FRAG, .ip6f_ident = random() };

		ip.ip6_nxt = IPPROTO_FRAGMENT;
		ip.ip6_plen = htons(len + sizeof(more));
		memcpy(at, &ip, sizeof(ip));
		memcpy(at + sizeof(ip), &more, sizeof(more));
		return sizeof(ip) + sizeof(more);
	}
	memcpy(at, &ip, sizeof(ip));
	return sizeof(ip);
}

/* Writes everything behind the Ethernet header; returns its length */
static size_t fill(uint8_t *at, const union endpoint *from, const union endpoint *to, uint32_t sequence)
{
	bool v4 = to->any.sa_family == AF_INET;
	size_t len = sizeof(struct udphdr) + option.size;
	size_t off = v4 ? fill_ip4(at, from, to, len) : fill_ip6(at, from, to, len);
	size_t addresses = v4 ? 8 : 32;
	struct udphdr udp = { .source = from->v4.sin_port, .dest = to->v4.sin_port, .len = htons(len) };

	payload_fill(at + off + sizeof(udp), sequence);
	memcpy(at + off, &udp, sizeof(udp));
	if (!option.no_checksum && !option.fragments) {
		udp.check = sum_end(sum(at + off - addresses, addresses + len, IPPROTO_UDP + len)) ?: 0xffff;
		memcpy(at + off, &udp, sizeof(udp));
	}
	return off + len;
}

static int open_device(const char *device)
{
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_ifindex = if_nametoindex(device) };
	int fd = socket(AF_PACKET, SOCK_RAW, 0);
	int memory = 1 << 26;	/* a full ring holds packets that count against this limit until they are sent */

	if (!ll.sll_ifindex || fd < 0 || bind(fd, (void *)&ll, sizeof(ll)))
		err(1, "device %s", device);
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &memory, sizeof(memory)))
		err(1, "SO_SNDBUFFORCE");
	return fd;
}

static void send_all(char **argv)
{
	uint8_t frame[ETH_HLEN + 60 + PAYLOAD_MAX], *mac = frame;
	union endpoint from = endpoint_parse(argv[2]), to = endpoint_parse(argv[3]), client;
	int fd = open_device(argv[0]);
	uint32_t sent = 0, refused = 0, n;
	uint64_t start;

	if (from.any.sa_family != to.any.sa_family)
		errx(1, "FROM and TO are not of one family");
	memset(frame, 0, sizeof(frame));
	if (sscanf(argv[1], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", mac, mac + 1, mac + 2, mac + 3, mac + 4, mac + 5) != 6)
		errx(1, "'%s' is not a MAC address", argv[1]);
	frame[6] = 2;		/* a locally administered source MAC */
	frame[12] = from.any.sa_family == AF_INET ? 0x08 : 0x86;
	frame[13] = from.any.sa_family == AF_INET ? 0x00 : 0xdd;
	start = now_ns();
	for (n = 0; n < option.number && !ended; n++) {
		client = endpoint_add(from, (option.fragments && !option.one_source) || option.spoofed ? random() & 0xffffff : n % option.clients);
		if (option.spoofed) {
			client.v4.sin_port = random();			/* at the same offset for IPv6 */
			client.v6.sin6_addr.s6_addr32[1] = random();	/* not in an IPv4 address */
		}
		sleep_until(turn(&start, option.spoofed ? n & ~63 : n));	/* 64 at a time, because timers cost much */
		while (write(fd, frame, ETH_HLEN + fill(frame + ETH_HLEN, &client, &to, n)) < 0) {
			if (errno != ENOBUFS && errno != EAGAIN && errno != EINTR)
				err(1, "write");
			refused += errno == ENOBUFS;
		}
		sent++;
	}
	printf("sent %u refused %u\n", sent, refused);
}

static void set_df(int fd)
{
	int discover = option.no_df ? IP_PMTUDISC_DONT : IP_PMTUDISC_DO;

	if ((option.no_df || option.always_df) && setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &discover, sizeof(discover)))
		err(1, "IP_MTU_DISCOVER");
}

/* ---- ask ---- */

static struct pollfd asking[CLIENTS_MAX];

static void open_clients(const union endpoint *from, const union endpoint *to)
{
	int one = 1, big = 4 << 20, ttl = option.ttl, size = option.size;
	bool v4 = from->any.sa_family == AF_INET;
	uint32_t i;

	for (i = 0; i < option.clients; i++) {
		union endpoint client = endpoint_add(*from, i);
		int fd = socket(from->any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK, 0);

		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof(big));
		setsockopt(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TTL : IPV6_UNICAST_HOPS, &ttl, sizeof(ttl));
		set_df(fd);
		if (bind(fd, &client.any, endpoint_len(&client)) || connect(fd, &to->any, endpoint_len(to)))
			err(1, "client %u", i);
		if (option.segments > 1 && setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)))
			err(1, "UDP_SEGMENT");
		asking[i] = (struct pollfd){ .fd = fd, .events = POLLIN };
	}
}

/* Receives answers until `until`, or until all have come */
static void take_answers(uint64_t until, uint32_t asked)
{
	uint8_t buffer[PAYLOAD_MAX];
	uint64_t now = now_ns();
	struct timespec wait = {};
	ssize_t len;
	uint32_t i;

	do {
		wait.tv_sec = until > now ? (until - now) / 1000000000 : 0;
		wait.tv_nsec = until > now ? (until - now) % 1000000000 : 0;
		if (ppoll(asking, option.clients, &wait, NULL) > 0)
			for (i = 0; i < option.clients; i++)
				while (asking[i].revents && (len = recv(asking[i].fd, buffer, sizeof(buffer), 0)) >= 0)
					payload_note(buffer, len);
		now = now_ns();
	} while (now < until && distinct < asked && !ended);
}

/* Waits for room in the socket, so that no packet is lost */
static ssize_t send_waiting(int fd, const uint8_t *buffer, size_t len)
{
	struct pollfd full = { .fd = fd, .events = POLLOUT };
	ssize_t rc;

	while ((rc = send(fd, buffer, len, 0)) < 0 && errno == EAGAIN)
		poll(&full, 1, 100);
	return rc;
}

/* Before 6.11 the kernel refuses UDP_SEGMENT (EIO) if the device computes no checksums. Then each packet is sent by
 * itself. */
static void send_together(int fd, const uint8_t *buffer, uint32_t n)
{
	static bool refused;
	uint32_t i;
	int none = 0;

	if (!refused && send_waiting(fd, buffer, n * option.size) >= 0)
		return;
	refused |= option.segments > 1 && errno == EIO;
	if (!refused) {
		send_waiting(fd, buffer, n * option.size);	/* the first call returned an old ICMP error */
		return;
	}
	setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &none, sizeof(none));
	for (i = 0; i < n; i++)
		send_waiting(fd, buffer + i * option.size, option.size);
}

static void ask_all(char **argv)
{
	uint8_t buffer[65536];
	union endpoint from = endpoint_parse(argv[0]), to = endpoint_parse(argv[1]);
	uint64_t start = now_ns(), before;
	uint32_t n, i, fd;

	if (from.any.sa_family != to.any.sa_family)
		errx(1, "FROM and TO are not of one family");
	open_clients(&from, &to);
	for (n = 0; n < option.number && !ended; n += i) {
		take_answers(turn(&start, n), n);
		if (n - distinct >= option.unanswered)
			take_answers(now_ns() + option.wait_ms * 1000000ULL, n + 1 - option.unanswered);
		sleep_until(turn(&start, n));
		fd = asking[n / option.segments % option.clients].fd;
		for (i = 0; i < option.segments && n + i < option.number; i++)
			payload_fill(buffer + i * option.size, n + i);
		send_together(fd, buffer, i);
	}
	do {
		before = received;
		take_answers(now_ns() + option.wait_ms * 1000000ULL, n);
	} while (received != before && distinct < n && !ended);
	printf("asked %u answered %lu answers %lu\n", n, distinct, received);
}

/* ---- listen ---- */

static void listen_on(char **argv)
{
	union endpoint e = endpoint_parse(argv[0]), peer;
	uint8_t buffer[PAYLOAD_MAX];
	int fd = socket(e.any.sa_family, SOCK_DGRAM, 0), big = 64 << 20;
	struct timeval patience = { .tv_usec = 100000 };	/* SIGTERM may come just before recvfrom */
	uint64_t last = 0, now, before;
	socklen_t peer_len;
	ssize_t len;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &big, sizeof(big));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	set_df(fd);
	if (bind(fd, &e.any, endpoint_len(&e)))
		err(1, "%s", argv[0]);
	puts("listening");
	for (;;) {
		peer_len = sizeof(peer);
		len = recvfrom(fd, buffer, sizeof(buffer), ended ? MSG_DONTWAIT : 0, &peer.any, &peer_len);
		if (len < 0 && errno == EAGAIN && ended)
			break;
		if (len < 0)
			continue;
		before = received;
		payload_note(buffer, len);
		if (received == before)
			continue;
		now = now_ns();
		if (option.gap_ms && last && now - last >= option.gap_ms * 1000000ULL)
			printf("silent %lu ms\n", (now - last) / 1000000);
		last = now;
		if (option.echo)
			sendto(fd, buffer, len, 0, &peer.any, peer_len);
	}
	printf("received %lu distinct %lu\n", received, distinct);
}

static void end(int signal)
{
	ended = 1;
}

#define usage() errx(1, "send [OPTION]... DEVICE MAC FROM TO | ask [OPTION]... FROM TO | listen [OPTION]... ADDRESS")
static void options(int argc, char **argv)
{
	const char *most = getenv("UDPTOOL_MOST");	/* limit for -r, because an emulated CPU is slow */

	for (int c; (c = getopt(argc, argv, "n:r:c:s:t:zfaw:eg:dDu:Wl:F")) != -1;)
		switch (c) {
		case 'n': option.number = atoi(optarg); break;
		case 'r': option.rate = atoi(optarg); break;
		case 'c': option.clients = atoi(optarg); break;
		case 's': option.size = atoi(optarg); break;
		case 't': option.ttl = atoi(optarg); break;
		case 'z': option.no_checksum = true; break;
		case 'f': option.fragments = true; break;
		case 'F': option.fragments = option.one_source = true; break;
		case 'a': option.spoofed = true; break;
		case 'w': option.wait_ms = atoi(optarg); break;
		case 'e': option.echo = true; break;
		case 'g': option.gap_ms = atoi(optarg); break;
		case 'd': option.no_df = true; break;
		case 'D': option.always_df = true; break;
		case 'l': option.unanswered = atoi(optarg); break;
		case 'u': option.segments = atoi(optarg); break;
		case 'W': option.wireguard = true; break;
		default: usage();
		}
	if (most && !option.spoofed && option.rate > atoi(most))
		option.rate = atoi(most);
	if (option.size < sizeof(struct payload) || option.size > PAYLOAD_MAX - 60)
		errx(1, "%u bytes of payload: %zu to %d go", option.size, sizeof(struct payload), PAYLOAD_MAX - 60);
	if (!option.segments || option.segments * option.size > 65000)
		errx(1, "%u packets of %u bytes at once: 65,000 bytes go", option.segments, option.size);
	if (!option.clients || option.clients > CLIENTS_MAX)
		errx(1, "%u clients: 1 to %d go", option.clients, CLIENTS_MAX);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(char **argv);
		int arguments;
	} commands[] = { { "send", send_all, 4 }, { "ask", ask_all, 2 }, { "listen", listen_on, 1 } };
	struct sigaction action = { .sa_handler = end };

	setvbuf(stdout, NULL, _IOLBF, 0);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	if (argc < 2)
		usage();
	options(argc - 1, argv + 1);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(argv[1], commands[i].name) && argc - 1 - optind == commands[i].arguments) {
			commands[i].run(argv + 1 + optind);
			return 0;
		}
	usage();
}
