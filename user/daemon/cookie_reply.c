/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * A cookie reply from its Ethernet header on: type, the initiation's sender index, nonce, and the
 * cookie, encrypted for the sender, which knows the initiation's mac1 and the responder's public
 * key.
 */
#include <endian.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/random.h>
#include <unistd.h>
#include "blake2s.h"
#include "daemon/tasks.h"
#include "lib/log.h"
#include "net/packet_make.h"

#define NONCE_LEN 24
#define JUNK_MAX (COOKIE_FRAME_MAX - UDP_FRAME_HEADERS - COOKIE_LEN)

struct cookie_message {			/* cookie reply of the whitepaper, section 5.4.7 */
	__le32 type, receiver;
	__u8 nonce[NONCE_LEN], cookie[2 * MAC_LEN];
};
_Static_assert(sizeof(struct cookie_message) == COOKIE_LEN, "a cookie reply is 64 bytes");

/* A signal may end getrandom(2) early. Any other error, for example of a system call filter, ends
 * the process: no cookie may be guessable. */
static void fill_random(void *to, size_t n)
{
	for (size_t done = 0; done < n;) {
		ssize_t got = getrandom((__u8 *)to + done, n - done, 0);

		if (got < 0 && errno != EINTR) {
			log_error("the kernel gives no random bytes: %s", strerror(errno));
			_exit(EXIT_FAILED);
		}
		done += got < 0 ? 0 : got;
	}
}

void cookie_secret(struct cookie_key *ret)
{
	__u8 secret[32];

	fill_random(secret, sizeof(secret));
	blake2s_key(ret->h, secret, sizeof(secret), MAC_LEN);
	explicit_bzero(secret, sizeof(secret));
}

void cookie_of(const struct challenge *c, const struct cookie_key *secret, __u8 ret[MAC_LEN])
{
	struct blake2s_work w;
	struct {
		struct addr addr;
		__le32 port;
	} input = { c->client, htole32(ntohs(c->client_port)) };

	memcpy(w.h, secret->h, sizeof(w.h));
	blake2s_block(&w, &input, COOKIE_INPUT, BLAKE2S_BLOCK + COOKIE_INPUT, 1);
	for (int i = 0; i < 4; i++)
		w.h[i] = htole32(w.h[i]);
	memcpy(ret, w.h, MAC_LEN);
}

#ifdef WITH_SODIUM
#include <sodium.h>

#define FUNCTIONS(X) X(crypto_aead_xchacha20poly1305_ietf_encrypt)

static struct library_functions {
	FUNCTIONS(LIBRARY_POINTER)
} sodium;
static const struct library_function functions[] = { FUNCTIONS(LIBRARY_FUNCTION) };

int cookie_open(char why[LIBRARY_WHY_LEN])
{
	return LIBRARY_OPEN(&library_sodium, functions, &sodium, why);
}

static int encrypt(struct cookie_message *m, const __u8 cookie[MAC_LEN], const struct challenge *c,
		   const struct public_key *public)
{
	__u8 key[32];

	blake2s_label(key, "cookie--", public->b);
	return sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(m->cookie, NULL, cookie, MAC_LEN,
		c->mac1, MAC_LEN, NULL, m->nonce, key) ? -EINVAL : 0;
}
#else
int cookie_open(char why[LIBRARY_WHY_LEN])
{
	return library_open(&library_sodium, NULL, 0, NULL, why);
}

static int encrypt(struct cookie_message *m, const __u8 cookie[MAC_LEN], const struct challenge *c,
		   const struct public_key *public)
{
	return -EOPNOTSUPP;		/* config_check_guard() refuses such a configuration */
}
#endif

static int make_message(struct cookie_message *m, const struct challenge *c, const struct guard *g,
			const struct public_key *key, const struct cookie_key *secret)
{
	__u32 first = le32toh(g->header[MESSAGE_COOKIE - 1]), number;
	__u8 cookie[MAC_LEN];

	cookie_of(c, secret, cookie);
	m->receiver = c->index;
	fill_random(m->nonce, sizeof(m->nonce));
	fill_random(&number, sizeof(number));
	m->type = htole32(first + number % (g->span[MESSAGE_COOKIE - 1] + 1));
	return encrypt(m, cookie, c, key);
}

int cookie_reply(const struct challenge *c, const struct guard *g, const struct public_key *key,
		 const struct cookie_key *secret, __u8 frame[COOKIE_FRAME_MAX])
{
	size_t junk = g->junk[MESSAGE_COOKIE - 1];
	__u8 payload[JUNK_MAX + COOKIE_LEN];
	struct cookie_message m;
	int rc;

	if (junk > JUNK_MAX || junk + COOKIE_LEN > g->junk[MESSAGE_INITIATION - 1] + INITIATION_LEN)
		return -EMSGSIZE;
	rc = make_message(&m, c, g, key, secret);
	if (rc)
		return rc;
	fill_random(payload, junk);
	memcpy(payload + junk, &m, sizeof(m));
	return udp_frame(frame, &c->local, c->local_port, &c->client, c->client_port, payload,
			 junk + sizeof(m));
}
