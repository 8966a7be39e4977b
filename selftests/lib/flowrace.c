/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * flowrace DIRECTORY IFINDEX IFINDEX MAC MAC: new clients of a masquerading service on two CPUs at once, through the XDP program
 * (BPF_PROG_TEST_RUN) of the instance that is pinned in DIRECTORY. They arrive by the first link, on which the firewall has the first MAC,
 * and their answers by the second. All clients are in 10.0.0.0/8 and use the same port, so they all ask for the same port of the pool. The
 * service is 198.51.100.1:51820. Its backend 192.168.1.10:51820 sees them as 192.168.1.1.
 *
 * Both CPUs wait for each other before each client. Each client sends, is answered, and sends again. All send once more at the end.
 * A flow may give way to the other CPU's new client until its answer has made it LIVE: then the client's second packet gets another
 * port, and the client is answered there. Prints
 *
 *     clients N refused N ports N gave_way N twice N stolen N unanswered N changed N
 *
 * refused: clients for which no port was left
 * ports: different ports; gave_way: flows that gave way before they were LIVE
 * twice: ports of LIVE flows that two clients got
 * stolen: answers of LIVE flows that reached another client; unanswered: answers that reached none
 * changed: clients whose LIVE flow had a new port at the end
 *
 * If BREAK is set, a port is freed while a client uses it.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include "abi.h"
#include "dataplane/map_info.h"
#include "flow_packets.h"

enum { CLIENTS = 1500, CLIENT_PORT = 20000, ALL = CLIENTS * CPUS };

static void die(const char *what)
{
	fprintf(stderr, "flowrace: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int flow_index;
static __u32 n_lines;
static __be16 port_of[ALL];		/* 0: refused */
static atomic_int owners[65536];
static atomic_ulong refused, gave_way, twice, stolen, unanswered, changed;

enum outcome { REACHED, STOLEN, UNANSWERED };

static __be32 client(int i)
{
	return htonl(10 << 24 | (i + 1));
}

static __be16 ask(int i)
{
	struct frame out;

	return run(wan, wan_mac, client(i), htons(CLIENT_PORT), public, htons(PORT), &out) ? out.udp.source : 0;
}

static enum outcome answer(int i)
{
	struct frame out;

	if (!run(lan, lan_mac, backend, htons(PORT), ours, port_of[i], &out))
		return UNANSWERED;
	if (out.ip.saddr != public || out.ip.daddr != client(i) || out.udp.source != htons(PORT) || out.udp.dest != htons(CLIENT_PORT))
		return STOLEN;
	return REACHED;
}

static void count(enum outcome outcome)
{
	stolen += outcome == STOLEN;
	unanswered += outcome == UNANSWERED;
}

/* Makes a client's flow LIVE: sets port_of, 0 if the client is refused. */
static void connect_client(int i)
{
	port_of[i] = ask(i);
	while (port_of[i]) {
		enum outcome outcome = answer(i);
		__be16 again = ask(i);

		if (again == port_of[i]) {
			count(outcome);
			return;
		}
		gave_way++;
		port_of[i] = again;
	}
	refused++;
}

static void set_free(int i)
{
	static struct learned_line none;
	__u32 line = (i * 7919U) % n_lines;

	bpf_map_update_elem(flow_index, &line, &none, BPF_ANY);
}

static void *newcomers(void *data)
{
	int cpu = (long)data;

	stay_on_cpu(cpu);
	for (int n = 0; n < CLIENTS; n++) {
		int i = n * CPUS + cpu;

		meet();
		connect_client(i);
		if (port_of[i] && atomic_fetch_add(&owners[ntohs(port_of[i])], 1))
			twice++;
		if (getenv("BREAK") && n % 10 == 5)
			set_free(i);
	}
	meet();
	for (int i = cpu; i < ALL; i += CPUS)
		if (port_of[i] && ask(i) != port_of[i])
			changed++;
		else if (port_of[i])
			count(answer(i));
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[CPUS];
	unsigned int ports = 0;
	char path[256];

	if (argc != 6 || !flow_packets_open(argv + 1))
		return 2;
	snprintf(path, sizeof(path), "%s/flow_index", argv[1]);
	flow_index = bpf_obj_get(path);
	if (flow_index < 0)
		die(path);
	n_lines = map_entries(flow_index);
	for (long cpu = 0; cpu < CPUS; cpu++)
		if (pthread_create(&threads[cpu], NULL, newcomers, (void *)cpu))
			die("a thread");
	for (int cpu = 0; cpu < CPUS; cpu++)
		pthread_join(threads[cpu], NULL);
	for (int i = 0; i < 65536; i++)
		ports += owners[i] > 0;
	printf("clients %d refused %lu ports %u gave_way %lu twice %lu stolen %lu unanswered %lu changed %lu\n", ALL, refused, ports, gave_way,
	       twice, stolen, unanswered, changed);
	return 0;
}
