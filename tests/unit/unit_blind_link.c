// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A relay that ends each connection without a word is not connected, and fills no log (user/daemon/blind_link.c). The
 * test is the other relay, at another address of this host.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include "capture_stderr.h"
#include "daemon/blind_link.h"

static struct {
	int listener, connection;
	const char *says;		/* line that the other relay sends on each connection; NULL: it closes it */
	int accepted, begun;
	bool connected;			/* by l->connected, ever */
	uv_loop_t loop;
	uv_timer_t end;
} test;

static void begin(struct relay_link *l)
{
	test.begun++;
}

static void fill(struct relay_link *l, bool greet)
{
}

static void line(struct relay_link *l, const struct blind_line *line)
{
}

static void after(struct relay_link *l)
{
}

static void second(struct relay_link *l)
{
	test.connected |= l->connected != 0;
}

static const struct relay_link_ops ops = {
	.begin = begin, .fill = fill, .before = after, .line = line, .after = after, .second = second,
};

static void on_poll(uv_poll_t *poll, int status, int events)
{
	int fd = accept(test.listener, NULL, NULL);

	assert_true(fd >= 0);
	test.accepted++;
	if (test.says) {
		assert_int_equal(write(fd, test.says, strlen(test.says)), strlen(test.says));
		test.connection = fd;
	} else {
		close(fd);
	}
}

static void on_end(uv_timer_t *timer)
{
	uv_stop(timer->loop);
}

/* Runs the loop, and returns what the relay logs meanwhile, also as events on standard output. */
static const char *run(unsigned int ms)
{
	static struct captured captured;
	const char *text;
	int out;

	fflush(stdout);
	capture_stderr(&captured);
	out = dup(1);
	dup2(2, 1);
	uv_timer_start(&test.end, on_end, ms, 0);
	uv_run(&test.loop, UV_RUN_DEFAULT);
	fflush(stdout);
	dup2(out, 1);
	close(out);
	text = release_stderr(&captured);
	print_message("%s", text);
	return text;
}

static int lines_in(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void stranger(void **state)
{
	struct pair_config config = { 0 };
	struct relay_link link = { 0 };
	struct sockaddr_in6 at;
	socklen_t len = sizeof(at);
	char greeting[BLIND_LINE_LEN];
	const char *text;
	uv_poll_t poll;

	assert_int_equal(address_parse("127.0.0.1", &config.local), 0);
	assert_int_equal(address_parse("127.0.0.2", &config.peer), 0);
	test.listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(test.listener, (struct sockaddr *)&at, address_to_socket(&config.peer, 0, 0, &at)), 0);
	assert_int_equal(getsockname(test.listener, (struct sockaddr *)&at, &len), 0);
	assert_int_equal(listen(test.listener, 1), 0);
	config.port = at.sin6_port;
	uv_loop_init(&test.loop);
	uv_timer_init(&test.loop, &test.end);
	uv_poll_init(&test.loop, &poll, test.listener);
	uv_poll_start(&poll, UV_READABLE, on_poll);

	relay_link_init(&link, &test.loop, &ops, NULL);
	relay_link_begin(&link, &config);
	text = run(3600);
	assert_true(test.accepted >= 2 && test.begun >= 2);
	assert_false(test.connected);
	assert_int_equal(lines_in(text), 1);
	assert_non_null(strstr(text, "list this relay"));

	blind_line_format(&(struct blind_line){ .word = BLIND_WORD_PAIR, .number = BLIND_STREAM_VERSION }, greeting);
	test.says = greeting;
	text = run(1500);
	assert_true(link.connected);
	assert_int_equal(lines_in(text), 1);
	assert_non_null(strstr(text, "connected to the other relay at 127.0.0.2"));
	uv_poll_stop(&poll);		/* on a busy machine, the next connection could be there already */
	close(test.connection);
	text = run(200);
	assert_int_equal(link.connected, 0);
	assert_int_equal(lines_in(text), 1);
	assert_non_null(strstr(text, "the connection to the other relay at 127.0.0.2 ended"));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(stranger) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
