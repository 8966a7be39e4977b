/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * Writes Prometheus' text format, and the metrics of this process.
 */
#include <dirent.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include "show/metrics_text.h"
#include "lib/text.h"

void metric_family(struct metrics_text *t, const char *name, const char *type, const char *help)
{
	t->family = name;
	fprintf(t->out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* Writes a text without printf() and its locks: for 10,000 peers of a relay there are 60,000
 * lines. */
static void write_text(struct metrics_text *t, const char *text)
{
	fputs_unlocked(text, t->out);
}

static void write_labels(struct metrics_text *t, const char *labels[][2])
{
	write_text(t, t->family);
	for (size_t i = 0; labels && labels[i][0]; i++) {
		write_text(t, i ? "," : "{");
		write_text(t, labels[i][0]);
		write_text(t, "=\"");
		text_print_label(t->out, labels[i][1]);
		write_text(t, "\"");
	}
	write_text(t, labels ? "} " : " ");
}

void metric(struct metrics_text *t, const char *labels[][2], __u64 value)
{
	char text[24], *c = text + sizeof(text);

	*--c = '\0';
	*--c = '\n';
	do
		*--c = '0' + value % 10;
	while (value /= 10);
	write_labels(t, labels);
	write_text(t, c);
}

void metric_seconds(struct metrics_text *t, const char *labels[][2], double value)
{
	write_labels(t, labels);
	fprintf(t->out, "%.3f\n", value);
}

/* Returns field n of /proc/PID/stat, counted from 1, for n > 2. It searches from the bracket after
 * the name, because the name may contain blanks. */
static unsigned long long stat_field(const char *text, int n)
{
	const char *c = strrchr(text, ')');
	unsigned long long value = 0;

	for (int i = 2; c && i < n; i++)
		c = strchr(c + 1, ' ');
	if (c)
		sscanf(c, "%llu", &value);
	return value;
}

static double boot_time(void)
{
	struct timespec real, boot;

	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	return real.tv_sec - boot.tv_sec + (real.tv_nsec - boot.tv_nsec) / 1e9;
}

static unsigned int open_files(void)
{
	unsigned int n = 0;
	DIR *dir = opendir("/proc/self/fd");

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n >= 3 ? n - 3 : 0;	/* without ".", ".." and the directory's own fd */
}

void process_families(struct metrics_text *t)
{
	double tick = sysconf(_SC_CLK_TCK);
	struct rlimit files = { 0 };
	char text[1024] = "";
	FILE *in = fopen("/proc/self/stat", "re");

	if (in) {
		if (!fgets(text, sizeof(text), in))
			*text = '\0';
		fclose(in);
	}
	getrlimit(RLIMIT_NOFILE, &files);
	metric_family(t, "process_cpu_seconds_total", "counter",
		      "CPU time that the process has used.");
	metric_seconds(t, NULL, (stat_field(text, 14) + stat_field(text, 15)) / tick);
	metric_family(t, "process_resident_memory_bytes", "gauge",
		      "Resident memory of the process.");
	metric(t, NULL, stat_field(text, 24) * sysconf(_SC_PAGESIZE));
	metric_family(t, "process_virtual_memory_bytes", "gauge", "Virtual memory of the process.");
	metric(t, NULL, stat_field(text, 23));
	metric_family(t, "process_open_fds", "gauge", "Open files of the process.");
	metric(t, NULL, open_files());
	metric_family(t, "process_max_fds", "gauge", "Maximum number of open files of the "
						     "process.");
	metric(t, NULL, files.rlim_cur);
	metric_family(t, "process_start_time_seconds", "gauge", "Start time of the process.");
	metric_seconds(t, NULL, boot_time() + stat_field(text, 22) / tick);
}
