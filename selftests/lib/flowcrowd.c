/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * flowcrowd begin|check DIRECTORY IFINDEX IFINDEX MAC MAC CLIENTS FILE: many clients of a masquerading service, through the XDP program
 * (BPF_PROG_TEST_RUN) of the instance that is pinned in DIRECTORY. Originals arrive by the first link, on which the firewall has the first
 * MAC, and answers by the second. flow_packets.h has the service and the backend. The clients have the addresses after 100.64.0.0.
 *
 * begin: each client sends a packet, and the backend answers it. FILE gets our address and port of each flow.
 * check: the backend answers to that address and port, then the client sends again. Both print
 *
 *     clients N lost N moved N
 *
 * lost: clients that the answer did not reach; moved: clients whose packet did not leave with the address and port in FILE
 */
#include <errno.h>
#include <stdio.h>
#include "flow_packets.h"

struct own {
	__be32 addr;
	__be16 port, pad;
};

static void die(const char *what)
{
	fprintf(stderr, "flowcrowd: %s: %s\n", what, strerror(errno));
	exit(1);
}

static __be32 client(unsigned int i)
{
	return htonl((100 << 24 | 64 << 16) + i + 1);
}

/* Returns our address and port, with which the client's packet left; or zeros */
static struct own ask(unsigned int i)
{
	struct frame out;

	if (!run(wan, wan_mac, client(i), htons(PORT), public, htons(PORT), &out) || out.ip.daddr != backend)
		return (struct own){ 0 };
	return (struct own){ out.ip.saddr, out.udp.source, 0 };
}

/* Returns whether an answer to our address and port reaches the client */
static bool answer(const struct own *own, unsigned int i)
{
	struct frame out;

	return run(lan, lan_mac, backend, htons(PORT), own->addr, own->port, &out) && out.ip.saddr == public && out.ip.daddr == client(i) &&
	       out.udp.source == htons(PORT) && out.udp.dest == htons(PORT);
}

int main(int argc, char **argv)
{
	unsigned int n, lost = 0, moved = 0;
	struct own *own;
	bool begin;
	FILE *file;

	if (argc != 9 || !flow_packets_open(argv + 2))
		return 2;
	n = strtoul(argv[7], NULL, 0);
	begin = !strcmp(argv[1], "begin");
	own = calloc(n, sizeof(*own));
	file = fopen(argv[8], begin ? "w" : "r");
	if (!own || !file || (!begin && fread(own, sizeof(*own), n, file) != n))
		die(argv[8]);
	for (unsigned int i = 0; i < n; i++) {
		struct own now;

		lost += !begin && !answer(&own[i], i);
		now = ask(i);
		if (begin) {
			own[i] = now;
			lost += !answer(&own[i], i);
		}
		moved += !now.port || memcmp(&now, &own[i], sizeof(now));
	}
	if (begin && fwrite(own, sizeof(*own), n, file) != n)
		die(argv[8]);
	if (fclose(file))
		die(argv[8]);
	printf("clients %u lost %u moved %u\n", n, lost, moved);
	return 0;
}
