/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Names that are resolved at the same time form a round, which has its own DNS channel (dns.h).
 */
#include <time.h>
#include "net/dns.h"
#include "lib/grow.h"
#include "lib/log.h"
#include "instance/resolver.h"
#include "lib/timer.h"

#define TTL_MIN 1			/* least TTL in seconds; a lower one counts as this */
#define TTL_MAX 3000	/* alerts.yml expects an answer about each name within an hour */
#define TTL_HOSTS 30	/* seconds for names from /etc/hosts, and for a TTL of 0 */
/* Seconds between a failure and the next attempt; each failure doubles it, up to RETRY_MAX. */
#define RETRY_MIN 1
#define RETRY_MAX 60
/* A round also resolves names that are due within this time, in ms. */
#define TOGETHER_MS 1000

struct name {		/* refers to an entry of `answers` by text and family */
	char text[sizeof(((struct resolved_backend *)NULL)->text)];
	__u8 family;
	uint64_t due;			/* when to resolve it, in ms of the loop */
	/* Delay in seconds after the last failure; 0: the last attempt succeeded. */
	unsigned int retry;
	struct resolver *resolver;
};

struct resolver {
	uv_loop_t *loop;
	struct resolved_backends *answers;
	resolver_done *done;
	void *data;
	struct name *names;
	size_t n_names;
	struct dns *dns;		/* channel of the running round; NULL: no round */
	unsigned int open;		/* questions of the round without an answer */
	/* moved: an address changed in this round. renew: so did the list of names. hope: the
	 * network did, so failures of this round do not count. */
	bool moved, renew, hope;
	uv_timer_t due;			/* starts the next round */
};

static void start_round(uv_timer_t *timer);

static struct resolved_backend *answer_of(const struct name *n)
{
	return (struct resolved_backend *)resolved_backends_find(n->resolver->answers, n->text,
								 n->family);
}

/* ---- rounds ---- */

static void schedule_round(struct resolver *r)
{
	uint64_t first = UINT64_MAX, now = uv_now(r->loop);

	for (size_t i = 0; i < r->n_names; i++)
		first = r->names[i].due < first ? r->names[i].due : first;
	uv_timer_stop(&r->due);
	if (first != UINT64_MAX)
		uv_timer_start(&r->due, start_round, first > now ? first - now : 0, 0);
}

static void end_round(struct resolver *r)
{
	struct dns *dns = r->dns;
	bool moved = r->moved;

	r->dns = NULL;
	dns_close(dns);
	r->moved = false;
	if (r->renew)
		resolver_reconfigure(r);
	else
		schedule_round(r);
	if (r->hope)
		resolver_retry_soon(r);
	r->done(r->data, moved);
}

static bool on_progress(void *data)
{
	struct resolver *r = data;

	if (r->open && r->moved) {	/* does not wait for a name whose server is silent */
		r->moved = false;
		r->done(r->data, true);
	}
	if (r->open)
		return true;
	end_round(r);
	return false;
}

/* ---- answers ---- */

static void tell_move(const struct resolved_backend *a, const struct address *to)
{
	char was[ADDRESS_STRLEN], is[ADDRESS_STRLEN];

	if (a->address.family)
		log_event("the address of %s is %s now, no longer %s", a->text,
			  address_format(to, is), address_format(&a->address, was));
	else
		log_event("%s is %s", a->text, address_format(to, is));
}

/* Keeps the name's address if the answer contains it, else takes the answer's first address.
 * Returns the seconds until the name is due again; 0 if no address in the answer can be a host's,
 * and why as dns_take(). */
static unsigned int take_answers(struct resolved_backend *a, const struct ares_addrinfo *info,
				 bool *moved, char why[DNS_WHY_LEN])
{
	struct address first = { .family = 0 }, one;
	int ttl = TTL_MAX;
	bool kept = false;

	for (const struct ares_addrinfo_cname *c = info->cnames; c; c = c->next)
		ttl = c->ttl < ttl ? c->ttl : ttl;
	for (const struct ares_addrinfo_node *node = info->nodes; node; node = node->ai_next) {
		if (!dns_take(node, a->family, &one, why))
			continue;
		ttl = node->ai_ttl < ttl ? node->ai_ttl : ttl;
		first = first.family ? first : one;
		kept |= address_equal(&one, &a->address);
	}
	if (!first.family)
		return 0;
	if (!kept) {
		tell_move(a, &first);
		a->address = first;
		*moved = true;
	}
	a->resolved = time(NULL);
	return ttl <= 0 ? TTL_HOSTS : ttl < TTL_MIN ? TTL_MIN : ttl;
}

static void tell_failure(const struct resolved_backend *a, const char *why)
{
	const char *family = a->family == FAMILY_IPV4 ? "IPv4" : "IPv6";
	char text[ADDRESS_STRLEN];

	if (a->address.family)
		log_warning("%s: no %s address was found (%s): the last one is used, %s", a->text,
			    family, why, address_format(&a->address, text));
	else
		log_warning("%s: no %s address was found (%s)", a->text, family, why);
}

static void on_answer(void *data, int status, int timeouts, struct ares_addrinfo *info)
{
	struct name *n = data;
	struct resolver *r = n->resolver;
	struct resolved_backend *a = answer_of(n);
	char why[DNS_WHY_LEN] = "";
	unsigned int again = 0;

	r->open--;
	if (a && status == ARES_SUCCESS)
		again = take_answers(a, info, &r->moved, why);
	if (info)
		ares_freeaddrinfo(info);
	if (again) {
		n->retry = 0;
	} else {
		if (a && !n->retry && status != ARES_EDESTRUCTION && (*why || a->address.family))
			tell_failure(a, *why ? why : ares_strerror(status ?: ARES_ENODATA));
		again = n->retry = next_wait(n->retry, RETRY_MIN, RETRY_MAX);
	}
	n->due = uv_now(r->loop) + again * 1000ULL;
}

static void start_round(uv_timer_t *timer)
{
	struct resolver *r = timer->data;
	uint64_t until;

	uv_update_time(r->loop);
	until = uv_now(r->loop) + TOGETHER_MS;
	if (dns_open(r->loop, false, on_progress, r, &r->dns)) {
		r->dns = NULL;
		uv_timer_start(timer, start_round, RETRY_MAX * 1000, 0);
		return;
	}
	for (size_t i = 0; i < r->n_names; i++)
		if (r->names[i].due <= until) {
			r->open++;
			dns_ask(r->dns, r->names[i].text, r->names[i].family, on_answer,
				&r->names[i]);
		}
	dns_go(r->dns);
}

struct resolver *resolver_new(uv_loop_t *loop, struct resolved_backends *answers,
			      resolver_done *done, void *data)
{
	struct resolver *r = xcalloc(1, sizeof(*r));

	*r = (struct resolver){ .loop = loop, .answers = answers, .done = done, .data = data };
	timer_init(loop, &r->due, r);
	return r;
}

void resolver_reconfigure(struct resolver *r)
{
	struct name *old = r->names, *n;
	size_t n_old = r->n_names;

	r->renew = r->dns;		/* open questions point to entries of the former list */
	if (r->renew)
		return;
	r->names = NULL;
	r->n_names = 0;
	for (size_t i = 0; i < r->answers->n; i++) {
		const struct resolved_backend *a = &r->answers->list[i];
		size_t j;

		if (!resolved_backend_is_name(a))
			continue;
		n = append(r->names, r->n_names);
		*n = (struct name){ .family = a->family, .due = uv_now(r->loop), .resolver = r };
		strcpy(n->text, a->text);
		for (j = 0;
		     j < n_old && (old[j].family != n->family || strcmp(old[j].text, n->text)); j++)
			;
		if (j < n_old)
			*n = old[j];
	}
	free(old);
	schedule_round(r);
}

void resolver_retry_soon(struct resolver *r)
{
	r->hope = r->dns;
	for (size_t i = 0; i < r->n_names && !r->dns; i++)
		if (r->names[i].retry > RETRY_MIN) {
			r->names[i].retry = RETRY_MIN;
			r->names[i].due = uv_now(r->loop) + RETRY_MIN * 1000ULL;
		}
	if (!r->dns)
		schedule_round(r);
}

struct once {
	uv_loop_t loop;
	struct resolver *resolver;
	bool moved;
};

/* Ends the loop of resolver_once() after the last answer. */
static void on_once(void *data, bool moved)
{
	struct once *once = data;

	once->moved |= moved;
	if (!once->resolver->dns)
		uv_stop(&once->loop);
}

static void on_enough(uv_timer_t *timer)
{
	uv_stop(timer->loop);
}

bool resolver_once(struct resolved_backends *answers, bool missing, unsigned int ms)
{
	struct once once = { .moved = false };
	struct resolver *r;
	uv_timer_t deadline;
	bool any = false;

	for (size_t i = 0; i < answers->n; i++)
		any |= resolved_backend_is_name(&answers->list[i]) &&
		       !(missing && answers->list[i].address.family);
	if (!any || uv_loop_init(&once.loop))
		return false;
	uv_timer_init(&once.loop, &deadline);
	uv_timer_start(&deadline, on_enough, ms, 0);
	r = once.resolver = resolver_new(&once.loop, answers, on_once, &once);
	resolver_reconfigure(r);
	uv_run(&once.loop, UV_RUN_DEFAULT);
	if (r->dns)
		end_round(r);
	uv_close((uv_handle_t *)&deadline, NULL);
	uv_close((uv_handle_t *)&r->due, NULL);
	while (uv_run(&once.loop, UV_RUN_DEFAULT))
		;
	uv_loop_close(&once.loop);
	free(r->names);
	free(r);
	return once.moved;
}
