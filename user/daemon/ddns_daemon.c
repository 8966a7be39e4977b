/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Each section of ddns is a job. A run needs only the job's own copies, so the configuration may
 * change meanwhile: then the job is abandoned, and is freed when its run ends. A change during a
 * run makes it run once more.
 */
#include <time.h>
#include "ddns/ddns.h"
#include "daemon/tasks.h"
#include "lib/grow.h"
#include "instance/run_counters.h"
#include "lib/text.h"
#include "lib/timer.h"

#define AGAIN_MS 300000
/* Time in ms from a change of an address until the check: addresses change in bursts. */
#define SETTLE_MS 10
#define RETRY_MS 5000	/* delay in ms after a failed run; doubled up to AGAIN_MS */

struct job {
	struct ddns *ddns;
	bool given_up;
	struct ddns_config config;
	struct ddns_run run;
	uv_work_t work;
	uv_timer_t due;
	bool running, again;
	bool *failed;			/* for each name of config, whether the last run failed */
	uint64_t retry_ms; /* present delay after failures, in ms; 0: the last run did not fail */
	char *addresses;	/* addresses found suitable at the last check, as text */
	char *complaints; /* messages of the last run, so that the same ones are logged only once */
};

struct ddns {
	uv_loop_t *loop;
	const char *instance;
	struct job **jobs;
	size_t n_jobs;
	char *text;		/* sections ddns as YAML, to notice changes */
	uv_timer_t settle;
	/* For each name, the time at which its records were last correct, in seconds since 1970. */
	struct run_counters succeeded;
	size_t n_running;	/* jobs that run now, with those of an earlier configuration */
};

static void run_job(struct job *j);

/* ---- runs ---- */

static void on_due(uv_timer_t *timer)
{
	run_job(timer->data);
}

static void on_work(uv_work_t *work)
{
	struct job *j = work->data;

	ddns_carry_out(&j->run);
}

static void free_job(uv_handle_t *handle)
{
	struct job *j = handle->data;

	config_free_ddns(&j->config);
	free(j->addresses);
	free(j->complaints);
	free(j->failed);
	free(j);
}

static void abandon_job(struct job *j)
{
	j->given_up = true;
	uv_timer_stop(&j->due);
	if (!j->running)
		uv_close((uv_handle_t *)&j->due, free_job);
}

/* Logs the messages of a run, unless they are the same as after the last run. */
static void report_complaints(struct job *j)
{
	char *text = NULL;
	size_t size;
	FILE *out = text_open(&text, &size);

	for (size_t i = 0; i < j->run.n_lines; i++)
		if (j->run.lines[i].level != DDNS_SAY)
			fprintf(out, "%s\n", j->run.lines[i].text);
	fclose(out);
	for (size_t i = 0; i < j->run.n_lines && j->complaints && !strcmp(j->complaints, text); i++)
		if (j->run.lines[i].level != DDNS_SAY)
			*j->run.lines[i].text = '\0';
	ddns_tell(&j->run);
	free(j->complaints);
	j->complaints = text;
}

/* Ends a run of an earlier configuration. It may have overwritten records that the present jobs
 * wrote, so these run again. */
static void end_abandoned(struct job *j)
{
	for (size_t i = 0; i < j->ddns->n_jobs; i++)
		run_job(j->ddns->jobs[i]);
	ddns_free(&j->run);
	uv_close((uv_handle_t *)&j->due, free_job);
}

/* Returns whether the last run of a job failed for this name. Two jobs may have one name, for
 * example one for its A record and the other for its AAAA record. */
static bool has_failed(const struct ddns *d, const char *name)
{
	for (size_t i = 0; i < d->n_jobs; i++) {
		const struct job *j = d->jobs[i];

		for (size_t n = 0; n < j->config.n_names; n++)
			if (j->failed[n] && !strcmp(j->config.names[n].text, name))
				return true;
	}
	return false;
}

static void on_done(uv_work_t *work, int status)
{
	struct job *j = work->data;
	enum ddns_status how = j->run.status;
	bool any = false;

	j->running = false;
	j->ddns->n_running--;
	if (j->given_up) {
		end_abandoned(j);
		return;
	}
	for (size_t i = 0; i < j->config.n_names; i++) {
		bool ok = j->run.n_sets == j->config.n_names * (j->config.ipv6 + j->config.ipv4);

		for (size_t s = 0; s < j->run.n_sets; s++)
			ok &= strcmp(j->run.sets[s].name, j->config.names[i].text) ||
			      !j->run.sets[s].failed;
		j->failed[i] = !ok;
		ok = ok && !has_failed(j->ddns, j->config.names[i].text);
		if (ok)
			run_counters_set(&j->ddns->succeeded, j->config.names[i].text, time(NULL));
		any |= ok;
	}
	if (any)
		run_counters_write(&j->ddns->succeeded);
	report_complaints(j);
	ddns_free(&j->run);
	j->retry_ms = how != DDNS_FAILED ? 0 : next_wait(j->retry_ms, RETRY_MS, AGAIN_MS);
	if (j->again)
		run_job(j);
	else
		uv_timer_start(&j->due, on_due, j->retry_ms ?: AGAIN_MS, 0);
}

static void run_job(struct job *j)
{
	j->again = j->running;
	if (j->running)
		return;
	uv_timer_stop(&j->due);
	j->run = (struct ddns_run){ .config = &j->config, .instance = j->ddns->instance,
				    .only_changes = true };
	j->running = !uv_queue_work(j->ddns->loop, &j->work, on_work, on_done);
	j->ddns->n_running += j->running;
	if (!j->running)
		uv_timer_start(&j->due, on_due, RETRY_MS, 0);
}

bool ddns_busy(const struct ddns *d)
{
	return d && d->n_running;
}

struct ddns *ddns_new(uv_loop_t *loop, const char *instance)
{
	struct ddns *d = xcalloc(1, sizeof(*d));

	d->loop = loop;
	d->instance = instance;
	run_counters_read(&d->succeeded, instance, "ddns");
	timer_init(loop, &d->settle, d);
	return d;
}

static void copy_config(const struct ddns_config *from, struct ddns_config *to)
{
	*to = *from;
	to->names = xmemdup(from->names, from->n_names * sizeof(*to->names));
	to->command = xmemdup(from->command, from->n_command * sizeof(*to->command));
}

static void add_job(struct ddns *d, const struct ddns_config *c)
{
	struct job *j = xcalloc(1, sizeof(*j));

	j->failed = xcalloc(c->n_names, sizeof(*j->failed));
	copy_config(c, &j->config);
	j->ddns = d;
	timer_init(d->loop, &j->due, j);
	j->work.data = j;
	*append(d->jobs, d->n_jobs) = j;
}

/* Makes a job for each section ddns. If no section has changed, the present jobs go on. */
static void follow_sections(struct ddns *d, const struct config *c)
{
	char *text = NULL;
	size_t size;
	FILE *out = text_open(&text, &size);

	config_put_ddns(out, c);
	fclose(out);
	if (d->text && !strcmp(d->text, text)) {
		free(text);
		return;
	}
	free(d->text);
	d->text = text;
	for (size_t i = 0; i < d->n_jobs; i++)
		abandon_job(d->jobs[i]);
	free(d->jobs);
	d->jobs = NULL;
	d->n_jobs = 0;
	for (size_t i = 0; i < c->n_ddns; i++)
		add_job(d, &c->ddns[i]);
}

static void write_addresses(FILE *out, const struct job *j, const struct nl_address *list, size_t n)
{
	__u32 ifindex = if_nametoindex(j->config.interface);
	char text[ADDRESS_STRLEN];

	for (size_t i = 0; i < n; i++)
		if (list[i].ifindex == ifindex && !ddns_unfit(&list[i]) &&
		    (list[i].local.family == FAMILY_IPV4 ? j->config.ipv4 : j->config.ipv6))
			fprintf(out, "%s/%u ", address_format(&list[i].local, text),
				list[i].prefix_len);
}

/* Runs each section whose interface has other addresses than at the last check. */
static void check_addresses(struct ddns *d)
{
	struct nl_address *list = NULL;
	size_t n = 0, size;

	if (!d->n_jobs || nl_addresses(&list, &n))
		return;
	for (size_t i = 0; i < d->n_jobs; i++) {
		struct job *j = d->jobs[i];
		char *text = NULL;
		FILE *out = text_open(&text, &size);

		write_addresses(out, j, list, n);
		fclose(out);
		if (!j->addresses || strcmp(text, j->addresses)) {
			j->retry_ms = 0;
			run_job(j);
		}
		free(j->addresses);
		j->addresses = text;
	}
	free(list);
}

static void on_settled(uv_timer_t *timer)
{
	check_addresses(timer->data);
}

void ddns_changed(struct ddns *d)
{
	if (d->n_jobs && !timer_runs(&d->settle))
		uv_timer_start(&d->settle, on_settled, SETTLE_MS, 0);
}

void ddns_reconfigure(struct ddns *d, const struct config *c)
{
	follow_sections(d, c);
	check_addresses(d);
}
