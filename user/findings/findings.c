/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Implements findings.h: the table of probes, and the list of findings.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "findings/probes.h"
#include "lib/grow.h"

static const struct {
	void (*probe)(struct facts *f, struct findings *to);
	const char *check;
	enum state state;
	unsigned int consumers;
} rows[] = {
#define FINDING(name, check, state, consumers) \
	[FINDING_##name] = { probe_##name, check, STATE_##state, consumers },
#include "findings/findings.def"
#undef FINDING
};

void findings_make(struct facts *f, enum consumer to, struct findings *ret)
{
	ret->to = to;
	for (ret->now = 1; ret->now < FINDING_IDS; ret->now++)
		if (rows[ret->now].consumers & to)
			rows[ret->now].probe(f, ret);
}

void findings_free(struct findings *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->list[i].text);
		free(l->list[i].advice);
		free(l->list[i].fix);
	}
	free(l->list);
	*l = (struct findings){ 0 };
}

struct finding *finding_add(struct findings *l, const struct subject *about, char *fix,
			    const char *advice, const char *format, ...)
{
	struct finding *f = append(l->list, l->n);
	va_list args;

	*f = (struct finding){
		.id = l->now, .check = rows[l->now].check, .state = rows[l->now].state,
		.about = *about, .advice = advice ? xstrdup(advice) : NULL, .fix = fix,
	};
	va_start(args, format);
	f->text = xvasprintf(format, args);
	va_end(args);
	return f;
}

/* ---- fixes ---- */

static bool has_words(const char *text, const char *words)
{
	size_t n = strlen(words);

	for (const char *at = text; (at = strstr(at, words)); at++)
		if ((at == text || strchr(" '\"", at[-1])) && (!at[n] || strchr(" ;", at[n])))
			return true;
	return false;
}

bool fix_lasts(const char *fix)
{
	static const char *const passing[] = {
		"ip", "sysctl", "wg set", "wg addconf", "wg-quick up", "up", "setsid", "ethtool",
		"bpftool", "nft", "iptables-legacy", "ip6tables-legacy", "mount", "chmod",
	};

	for (size_t i = 0; i < sizeof(passing) / sizeof(*passing); i++)
		if (has_words(fix, passing[i]))
			return false;
	return true;
}

char *fix_file(const char *file, const char *command)
{
	return xasprintf("t=$(mktemp %s.XXXX) && cp -p %s $t && %s > $t && mv --backup=t $t %s",
			 file, file, command, file);
}

/* ---- questions ---- */

bool finding_is_for(enum finding_id id, enum consumer to)
{
	return rows[id].consumers & to;
}

static bool blocks(const struct finding *f, __u8 family)
{
	return f->state >= STATE_WAITING && (!f->family || !family || f->family == family);
}

const struct finding *finding_on(const struct findings *l, __u32 ifindex, __u8 family)
{
	for (size_t i = 0; i < l->n; i++)
		if (blocks(&l->list[i], family) && ifindex &&
		    (l->list[i].about.ifindex == ifindex ||
		     l->list[i].about.ifindex == FINDING_EVERYWHERE))
			return &l->list[i];
	return NULL;
}

const struct finding *finding_to(const struct findings *l, const struct service_config *s,
				 const struct address *backend)
{
	for (size_t i = 0; i < l->n; i++)
		if (blocks(&l->list[i], 0) && l->list[i].about.backend.family &&
		    (!s || l->list[i].about.service == s) &&
		    address_equal(&l->list[i].about.backend, backend))
			return &l->list[i];
	return NULL;
}

const struct finding *finding_at(const struct findings *l, const char *interface)
{
	for (size_t i = 0; i < l->n; i++)
		if (blocks(&l->list[i], 0) && !strcmp(l->list[i].check, "interface") &&
		    !strcmp(l->list[i].about.name, interface))
			return &l->list[i];
	return NULL;
}

/* ---- printing ---- */

static int print_subject(const struct finding *f, enum finding_style style, char *buf)
{
	const struct subject *about = &f->about;
	const char *kind = about->kind ?: "";

	if (f->whole || f->state == STATE_OK)
		return style == FINDING_LINE ? snprintf(buf, FINDING_LEN, "%s%s: ", kind,
							about->name) : 0;
	if (style == FINDING_LINE && about->service)
		return snprintf(buf, FINDING_LEN, "service %s: %s%s ", about->service->name, kind,
				about->name);
	if (style == FINDING_LINE && about->ifindex != FINDING_EVERYWHERE && !*kind)
		return snprintf(buf, FINDING_LEN, "interface %s: it ", about->name);
	if (style == FINDING_IT)
		return snprintf(buf, FINDING_LEN, "it ");
	return snprintf(buf, FINDING_LEN, "%s%s ", style == FINDING_NAME ? "" : kind, about->name);
}

const char *finding_print(const struct finding *f, enum finding_style style, bool advice,
			  char buf[FINDING_LEN])
{
	int n = print_subject(f, style, buf);

	n += snprintf(buf + n, FINDING_LEN - n, "%s", f->text);
	if (advice && f->advice && n < FINDING_LEN)
		snprintf(buf + n, FINDING_LEN - n, ": %s", f->advice);
	return buf;
}

const char *finding_print_at(const struct finding *f, char buf[FINDING_LEN])
{
	char path[sizeof(f->about.path)], text[FINDING_LEN], *key;

	strcpy(path, f->about.path);
	key = strrchr(path, '/');
	if (key && isdigit((unsigned char)key[1])) {	/* the place in a list */
		*key = '\0';
		key = strrchr(path, '/');
	}
	finding_print(f, FINDING_NAME, true, text);
	if (!key || (f->whole && !strncmp(text, key + 1, strlen(key + 1))))
		return strcpy(buf, text);
	snprintf(buf, FINDING_LEN, "%s: %.*s", key + 1, FINDING_LEN - (int)sizeof(path), text);
	return buf;
}
