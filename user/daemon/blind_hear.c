/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Finds out from this host's own WireGuard where the sites of the blind relay are.
 */
#include "daemon/blind_sites.h"
#include "lib/log.h"
#include "lib/memory.h"

/* ---- time ---- */

/* Returns the sites_clock() of a time of day in ms since 1970, which is not later than now. */
static __u64 sites_clock_of(__u64 time_of_day)
{
	__u64 now = sites_time();

	return sites_clock() - (now > time_of_day ? now - time_of_day : 0);
}

/* ---- what WireGuard has heard ---- */

/* Returns the time of the latest handshake in ms since 1970; 0: none. */
static __u64 handshake_of(const struct wg_peer *p)
{
	return p->handshake * 1000 + p->handshake_nsec / 1000000;
}

/* Returns how many bytes WireGuard has received from the peer since it was last read; 0 also if
 * this is unknown. If the peer was removed and added again, its counters began again. */
static __u64 received_since(const struct blind_known *k, const struct wg_peer *p)
{
	if (!k->read && p->handshake)
		return 0;
	return p->rx_bytes - (p->rx_bytes >= k->received ? k->received : 0);
}

/* WireGuard sends data in a session for 180 s. This leaves some time for the question. */
#define SESSION_MS 175000
/* If so much came at once, the site sends all the time, and its next packet moves the endpoint
 * back. */
#define MUCH_DATA 4096

/* Returns whether these bytes are data, without an initiation among them. An initiation proves
 * nothing: an attacker can repeat one that the site sent to another relay with this key. WireGuard
 * counts it and moves the endpoint, but no handshake ends. The attacker can also make the relay ask
 * the site at the same time, so that data comes from the site's own endpoint. WireGuard pads data
 * to 16 bytes, but a packet with the length of the MTU remains as it is. */
static bool is_data(__u64 bytes)
{
	return bytes >= MUCH_DATA ? bytes % INITIATION_LEN : bytes && !(bytes % 16);
}

static bool ended_handshake(const struct blind_known *k, const struct wg_peer *p)
{
	return p->handshake && handshake_of(p) != k->handshake;
}

/* Time in ms in which the site ends a handshake that it has begun, and age of the reading before.
 * Together they must be below the 5 s in which WireGuard begins no handshake itself after it has
 * answered one. */
#define HANDSHAKE_MS 2000
#define FORMER_MS 2900

/* Returns whether these bytes, which came with the end of a handshake, can be data and one message
 * of the handshake: an initiation or a response. With one more initiation, somebody may have
 * repeated that one. If the initiation was read before, only data can have come since. */
static bool is_one_handshake(const struct blind_known *k, __u64 bytes)
{
	if (!bytes || bytes >= MUCH_DATA)
		return true;
	if (k->begun && sites_clock() - k->begun < HANDSHAKE_MS)
		return !(bytes % 16);
	return bytes % 16 == INITIATION_LEN % 16 || bytes % 16 == RESPONSE_LEN % 16;
}

bool site_is_heard(const struct blind_known *k, const struct wg_peer *p)
{
	__u64 bytes = received_since(k, p);

	return ended_handshake(k, p) ? is_one_handshake(k, bytes) : is_data(bytes);
}

/* Stores whether the bytes since WireGuard was read `before` can be an initiation whose handshake
 * has not ended. */
static void hear_initiation(struct blind_known *k, const struct wg_peer *p, __u64 before)
{
	__u64 bytes = received_since(k, p), now = sites_clock();
	bool initiation = bytes % 16 == INITIATION_LEN % 16 && !ended_handshake(k, p);

	if (bytes)
		k->begun = initiation && before && now - before < FORMER_MS ? now : 0;
}

/* Stores when this host's own WireGuard last heard the site. Data came at some time after
 * `before`. */
static void hear(struct blind_known *k, const struct wg_peer *p, __u64 before)
{
	__u64 ended = ended_handshake(k, p) ? sites_clock_of(handshake_of(p)) : 0;

	hear_initiation(k, p, before);
	if (is_data(received_since(k, p)) && before > k->here)
		k->here = before;
	if (ended > k->here)
		k->here = ended;
	k->received = p->rx_bytes;
	k->handshake = handshake_of(p);
	k->read = true;
}

bool sites_has_session(const struct sites *s, const struct wg_peer *p)
{
	__u64 handshake = handshake_of(p);

	return handshake && handshake >= s->active_since && handshake + SESSION_MS > sites_time();
}

/* Makes the site's last known endpoint that of WireGuard. Returns 0 or -errno. */
static int give_endpoint(const struct sites *s, const struct blind_known *k)
{
	return wg_set_endpoint(s->config->blind.device, &k->key, &k->last, k->last_port);
}

static bool is_elsewhere(const struct blind_known *k, const struct wg_peer *p)
{
	return p->endpoint.family && !wg_has_endpoint(p, &k->last, k->last_port);
}

/* Gives WireGuard the site's last known endpoint at once if it has another one, which came with a
 * message. WireGuard may send at any time, and must not send to somebody who has repeated an
 * initiation. */
static void restore_endpoint(const struct sites *s, const struct blind_known *k,
			     const struct wg_peer *p)
{
	if (p->rx_bytes != k->received && is_elsewhere(k, p))
		give_endpoint(s, k);
}

/* Returns whether the site is where WireGuard says. When a daemon reads WireGuard for the first
 * time, it cannot know which messages came since the daemon before it ended. */
static bool is_at_endpoint(const struct blind_known *k, const struct wg_peer *p)
{
	return site_is_heard(k, p) && !(k->proven && !k->read && is_elsewhere(k, p));
}

/* Time after which a site that WireGuard has not heard is silent: two keepalives and some time. */
#define SILENT_MS 60000

/* Returns whether the site got its last endpoint a short time ago without being heard here. It may
 * be there, although this daemon has not heard it yet. */
static bool is_owner(const struct blind_known *k)
{
	return k->last.family && sites_clock() < k->owned + SILENT_MS;
}

static bool is_silent(const struct blind_known *k)
{
	return !is_owner(k) && sites_clock() >= k->here + SILENT_MS;
}

/* Numbers of sites by their last endpoints, made when it is needed first. 0: free; an entry stays
 * when its site moves. */
struct at_endpoints {
	struct sites *s;
	__u32 *number, mask;
};

static __u32 endpoint_home(const struct at_endpoints *at, const struct address *a, __be16 port)
{
	const __u64 factor = 0x9e3779b97f4a7c15ULL;

	return (a->addr.q[0] ^ a->addr.q[1] * factor ^ port) * factor >> 32 & at->mask;
}

static void endpoint_add(struct at_endpoints *at, __u32 number)
{
	const struct blind_known *k = &at->s->known[number];
	__u32 i = endpoint_home(at, &k->last, k->last_port);

	while (at->number[i])
		i = (i + 1) & at->mask;
	at->number[i] = number;
}

static void make_endpoints(struct at_endpoints *at)
{
	if (at->number)
		return;
	at->mask = 1;
	while (at->mask < 4 * at->s->room)	/* each site is added at most twice */
		at->mask = 2 * at->mask + 1;
	at->number = xcalloc(at->mask + 1, sizeof(*at->number));
	for (__u32 n = 1; n < at->s->room; n++) {
		const struct blind_known *k = &at->s->known[n];

		if (*k->name && (k->proven || is_owner(k)))
			endpoint_add(at, n);
	}
}

/* Returns another site that WireGuard heard last at this peer's endpoint, or that has got it
 * otherwise, or NULL. */
static struct blind_known *other_at(struct at_endpoints *at, const struct blind_known *k,
				    const struct wg_peer *p)
{
	make_endpoints(at);
	for (__u32 i = endpoint_home(at, &p->endpoint, p->endpoint_port); at->number[i];
	     i = (i + 1) & at->mask) {
		struct blind_known *other = &at->s->known[at->number[i]];

		if (other != k && (other->proven || (is_owner(other) && is_elsewhere(k, p))) &&
		    wg_has_endpoint(p, &other->last, other->last_port))
			return other;
	}
	return NULL;
}

/* Returns whether the site may have the endpoint at which it was heard. An endpoint belongs to one
 * site: the data path finds the sender of a message by its address and port. A site with a key can
 * forge the address of another site, so a site keeps its endpoint until it is silent. Then an
 * address may have been given to another site. */
static bool may_be_at_endpoint(struct at_endpoints *at, struct blind_known *k,
			       const struct wg_peer *p)
{
	struct blind_known *other;

	if (k->alone && k->proven && !is_elsewhere(k, p))
		return true;
	while ((other = other_at(at, k, p))) {
		if (!is_silent(other)) {
			if (!is_elsewhere(k, p)) {
				k->proven = false;
				k->owned = 0;
			}
			log_warning("blind: site %s sends from the endpoint of site %s, so other sites cannot reach it: give each site its own address or port",
				    k->name, other->name);
			return false;
		}
		other->proven = false;
		other->displaced = true;
		other->last.family = 0;
	}
	return true;
}

bool sites_follow_endpoints(struct sites *s, const struct wg_device *d, __u64 before)
{
	struct at_endpoints at = { .s = s };

	for (size_t i = 0; i < d->n_peers; i++) {
		const struct wg_peer *p = &d->peers[i];
		__u32 n = sites_number(s, &p->key, false);
		struct blind_known *k = &s->known[n % s->room];
		bool heard, moves;

		if (n == s->room)
			continue;
		heard = is_at_endpoint(k, p);
		if (!heard && k->proven)
			restore_endpoint(s, k, p);
		hear(k, p, before);
		if (!heard || !p->endpoint.family || !p->handshake ||
		    !may_be_at_endpoint(&at, k, p))
			continue;
		moves = !k->proven || is_elsewhere(k, p);
		k->last = p->endpoint;
		k->last_port = p->endpoint_port;
		k->proven = k->alone = true;
		k->displaced = false;
		k->owned = 0;
		if (moves && at.number)
			endpoint_add(&at, n);
	}
	free(at.number);
	return sites_place(s, false);
}

/* Returns the site of a peer if its last endpoint is known, or NULL. */
static const struct blind_known *known_peer(const struct sites *s, const struct wg_peer *p)
{
	const struct blind_known *k = &s->known[sites_number(s, &p->key, false) % s->room];

	return *k->name && k->last.family ? k : NULL;
}

void sites_remind(const struct sites *s, const struct wg_device *d, __u8 *due)
{
	for (size_t i = 0; i < d->n_peers; i++) {
		const struct wg_peer *p = &d->peers[i];
		const struct blind_known *k = known_peer(s, p);
		/* WireGuard's endpoint may be that of somebody who repeated an initiation, unless
		 * it has received nothing. */
		bool configured = p->endpoint.family && !p->rx_bytes;
		enum sites_due what = configured ? DUE_MESSAGE : DUE_ENDPOINT;
		__u32 n = k ? k - s->known : 0;

		if (p->handshake || !k)
			continue;
		if (!due) {
			sites_call_due(s, n, what);
			continue;
		}
		restore_endpoint(s, k, p);
		due[n] = due[n] < what ? what : due[n];
	}
}

void sites_give_endpoints(struct sites *s, const struct wg_device *d, __u8 *due)
{
	for (size_t i = 0; i < d->n_peers; i++) {
		const struct wg_peer *p = &d->peers[i];
		const struct blind_known *k = known_peer(s, p);
		__u32 n = k ? k - s->known : 0;

		if (!k)
			continue;
		restore_endpoint(s, k, p);
		hear(&s->known[n], p, 0);
		s->known[n].owned = sites_clock();
		due[n] = DUE_ENDPOINT;
	}
}

void sites_call_due(const struct sites *s, __u32 number, enum sites_due what)
{
	if (what == DUE_MESSAGE || !give_endpoint(s, &s->known[number]))
		sites_nudge(s, number);
}

void sites_ask(const struct sites *s, const struct wg_peer *p, __u32 number)
{
	const struct blind_known *k = &s->known[number];

	if (k->proven && !site_is_heard(k, p))
		give_endpoint(s, k);
	sites_nudge(s, number);
}

void sites_nudge(const struct sites *s, __u32 number)
{
	wg_nudge(s->config->blind.device, &s->known[number].tunnel);
}

bool sites_at_candidate(const struct sites *s, const struct wg_peer *p, __u32 number)
{
	const struct blind_site *site = &s->mapped[number];
	const struct in6_addr *to = (const struct in6_addr *)&site->candidate;
	struct address a = {
		site->candidate, IN6_IS_ADDR_V4MAPPED(to) ? FAMILY_IPV4 : FAMILY_IPV6,
	};

	return wg_has_endpoint(p, &a, site->candidate_port);
}
