// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sockets for datagrams to one address have the family of the address, so that they work without IPv6
 * (ipv6.disable=1).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "net/udp_socket.h"

/* Sends a datagram to a socket on the loopback address, which must get it from the address itself. */
static void sent(const char *text, int family)
{
	struct sockaddr_in6 at, from;
	socklen_t len = sizeof(at), n = sizeof(from);
	int listener = socket(family, SOCK_DGRAM, 0), fd, domain;
	struct address a, sender;
	char byte;

	assert_int_equal(address_parse(text, &a), 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&at, address_to_socket(&a, 0, 0, &at))) {
		print_message("this host has no address %s\n", text);
		close(listener);
		return;
	}
	assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
	fd = udp_socket(&a, at.sin6_port, NULL);
	assert_true(fd >= 0);
	len = sizeof(domain);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len), 0);
	assert_int_equal(domain, family);
	assert_int_equal(send(fd, "x", 1, 0), 1);
	assert_int_equal(recvfrom(listener, &byte, 1, 0, (struct sockaddr *)&from, &n), 1);
	sender = address_from_socket(&from);
	assert_true(address_equal(&sender, &a));
	close(fd);
	close(listener);
}

static void ipv4(void **state)
{
	sent("127.0.0.1", AF_INET);
}

static void ipv6(void **state)
{
	sent("::1", AF_INET6);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(ipv4), cmocka_unit_test(ipv6) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
