// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * No answer of a DNS server or of OVH's API makes `wgxdp ddns` crash, hang, or hide a failure. An input is a byte of
 * options, then the answers: two bytes of length, of which the top four bits are an error or a kind of status, and
 * the bytes. A whole run is fuzzed, with one address to publish and two names. libcurl and sockets are replaced,
 * libldns is real. It must end with a known status and a word for each name, and report each failure.
 */
#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/socket.h>
#include "fuzz_quiet.h"
#include "ddns/ddns.h"
#include "lib/library.h"
#include "ddns/ddns_secret.h"
#include "net/netlink.h"

#define OUR_SOCKET 999

enum { REQUESTS_MAX = 64 };

static const uint8_t *rest;
static size_t left;
static unsigned int requests;
static uint8_t question_id[2];
static bool by_tcp;
static const uint8_t *part;		/* for TCP: the rest of the present answer, length first */
static uint8_t length[2];
static size_t part_left, length_left;
static struct { size_t (*to)(char *, size_t, size_t, void *); void *data; long status; } curl;

/* The next answer; its kind */
static unsigned int next(const uint8_t **ret, size_t *ret_n)
{
	unsigned int kind;
	size_t n;

	*ret = rest;
	*ret_n = 0;
	if (left < 2 || ++requests > REQUESTS_MAX)
		return 15;
	kind = rest[0] >> 4;
	n = (rest[0] & 15) << 8 | rest[1];
	rest += 2;
	left -= 2;
	n = n < left ? n : left;
	*ret = rest;
	*ret_n = n;
	rest += n;
	left -= n;
	return kind;
}

/* ---- in place of the kernel's word, of files, and of libcurl ---- */

unsigned int if_nametoindex(const char *name)
{
	return 3;
}

int nl_addresses(struct nl_address **ret, size_t *ret_n)
{
	*ret = calloc(2, sizeof(**ret));
	*ret_n = 2;
	MUST(!address_parse("2001:db8:7::7", &(*ret)[0].local) && !address_parse("198.41.0.4", &(*ret)[1].local));
	for (int i = 0; i < 2; i++) {
		(*ret)[i].ifindex = 3;
		(*ret)[i].prefix_len = i ? 24 : 64;
		(*ret)[i].preferred = ~0U;
	}
	return 0;
}

int __wrap_secret_read(const char *file, char **ret, bool *ret_open, char why[SECRET_WHY_LEN]);

int __wrap_secret_read(const char *file, char **ret, bool *ret_open, char why[SECRET_WHY_LEN])
{
	*ret = strdup(*file == 'o' ? "OVH_APP_KEY=apple\nOVH_APP_SECRET=pear\nOVH_CONSUMER_KEY=plum\n" : "hmac-sha256:k:YWJjZA==\n");
	*ret_open = false;
	return *ret ? 0 : -ENOMEM;
}

static CURL *fake_init(void)
{
	return (CURL *)&curl;
}

static void fake_nothing(CURL *c)
{
}

static CURLcode fake_setopt(CURL *c, CURLoption option, ...)
{
	va_list list;

	va_start(list, option);
	if (option == CURLOPT_WRITEFUNCTION)
		curl.to = va_arg(list, typeof(curl.to));
	else if (option == CURLOPT_WRITEDATA)
		curl.data = va_arg(list, void *);
	va_end(list);
	return CURLE_OK;
}

static CURLcode fake_perform(CURL *c)
{
	const uint8_t *bytes;
	size_t n;
	unsigned int kind = next(&bytes, &n);

	curl.status = kind < 12 ? 200 : kind == 12 ? 404 : 500;
	for (size_t at = 0; at < n; at += 1 + n / 2) {
		size_t each = n - at < 1 + n / 2 ? n - at : 1 + n / 2;

		if (curl.to((char *)bytes + at, 1, each, curl.data) != each)
			return CURLE_WRITE_ERROR;
	}
	return kind == 15 ? CURLE_COULDNT_CONNECT : CURLE_OK;
}

static CURLcode fake_getinfo(CURL *c, CURLINFO info, ...)
{
	va_list list;

	va_start(list, info);
	*va_arg(list, long *) = curl.status;
	va_end(list);
	return CURLE_OK;
}

int __real_library_open(const struct library *l, const struct library_function *list, size_t n, void *pointers, char why[LIBRARY_WHY_LEN]);
int __wrap_library_open(const struct library *l, const struct library_function *list, size_t n, void *pointers, char why[LIBRARY_WHY_LEN]);

int __wrap_library_open(const struct library *l, const struct library_function *list, size_t n, void *pointers, char why[LIBRARY_WHY_LEN])
{
	static const struct { const char *name; void *function; } fakes[] = {
		{ "curl_easy_init", fake_init }, { "curl_easy_cleanup", fake_nothing }, { "curl_easy_reset", fake_nothing },
		{ "curl_easy_setopt", fake_setopt }, { "curl_easy_perform", fake_perform }, { "curl_easy_getinfo", fake_getinfo },
	};

	MUST(!__real_library_open(l, list, n, pointers, why));
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < sizeof(fakes) / sizeof(*fakes); j++)
			if (!strcmp(fakes[j].name, list[i].name))
				*(void **)((char *)pointers + list[i].offset) = fakes[j].function;
	return 0;
}

/* ---- in place of the C library's ---- */

int __wrap_socket(int domain, int type, int protocol);
int __wrap_connect(int fd, const struct sockaddr *a, socklen_t n);
int __wrap_poll(struct pollfd *fds, nfds_t n, int ms);
ssize_t __wrap_send(int fd, const void *bytes, size_t n, int flags);
ssize_t __wrap_recv(int fd, void *to, size_t n, int flags);
int __real_close(int fd);
int __wrap_close(int fd);

int __wrap_socket(int domain, int type, int protocol)
{
	by_tcp = (type & 0xf) == SOCK_STREAM;
	part_left = length_left = 0;
	part = NULL;
	return OUR_SOCKET;
}

int __wrap_connect(int fd, const struct sockaddr *a, socklen_t n)
{
	return 0;
}

int __wrap_poll(struct pollfd *fds, nfds_t n, int ms)
{
	return requests > REQUESTS_MAX || (left < 2 && !part_left && !length_left) ? 0 : 1;
}

ssize_t __wrap_send(int fd, const void *bytes, size_t n, int flags)
{
	if (n > 2)
		memcpy(question_id, bytes, 2);
	return n;
}

/* The answer gets the question's id, which a forger would have to guess */
static ssize_t receive(uint8_t *to, size_t n)
{
	const uint8_t *bytes;
	size_t got;

	if (by_tcp && !part) {
		next(&part, &part_left);
		length[0] = part_left >> 8;
		length[1] = part_left;
		length_left = 2;
	}
	if (by_tcp && length_left) {
		*to = length[2 - length_left--];
		return 1;
	}
	if (by_tcp) {
		got = part_left < n ? part_left : n;
		bytes = part;
		part += got;
		part_left -= got;
	} else {
		next(&bytes, &got);
		got = got < n ? got : n;
	}
	memcpy(to, bytes, got);
	if (got > 2 && (!by_tcp || got == n))
		memcpy(to, question_id, 2);
	return got;
}

ssize_t __wrap_recv(int fd, void *to, size_t n, int flags)
{
	return receive(to, n);
}

int __wrap_close(int fd)
{
	return fd == OUR_SOCKET ? 0 : __real_close(fd);
}

/* ---- a run ---- */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ddns_text names[] = { { "wg-end.example.net" }, { "example.net" } };
	struct ddns_config c = { .interface = "eth0", .names = names, .n_names = 2, .ipv6 = true, .ttl = 300, .zone = "example.net",
				 .server = "2001:db8::53" };
	struct ddns_run run = { .config = &c, .instance = "default" };

	if (!size)
		return 0;
	c.by = data[0] & 1 ? DDNS_OVH : DDNS_RFC2136;
	c.ipv4 = data[0] & 2;
	run.dry_run = data[0] & 4;
	strcpy(c.secret, data[0] & 1 ? "o" : "t");
	rest = data + 1;
	left = size - 1;
	requests = 0;
	hush();
	ddns_carry_out(&run);
	ddns_tell(&run);
	speak();
	MUST(run.status == DDNS_DONE || run.status == DDNS_FAILED);
	MUST(run.n_lines >= c.n_names);
	ddns_free(&run);
	return 0;
}
