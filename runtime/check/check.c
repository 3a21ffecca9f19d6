/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/check/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "runtime/json.h"

void check_add(struct check_report *report, const char *group, const char *name, enum check_status status, int modes, const char *format,
	       ...)
{
	struct check_item *item;
	va_list arguments;

	if (report->nr == report->size) {
		struct check_item *more = realloc(report->items, (report->size = report->size ? report->size * 2 : 64) * sizeof(*more));

		if (!more) {
			report->failed = true;
			return;
		}
		report->items = more;
	}
	item = &report->items[report->nr++];
	*item = (struct check_item){.group = group, .name = name, .status = status, .modes = modes};
	va_start(arguments, format);
	vsnprintf(item->found, sizeof(item->found), format, arguments);
	va_end(arguments);
}

void check_consequence(struct check_report *report, enum remedy remedy, const char *format, ...)
{
	struct check_item *item = report->nr ? &report->items[report->nr - 1] : NULL;
	va_list arguments;

	if (!item)
		return;
	va_start(arguments, format);
	vsnprintf(item->consequence, sizeof(item->consequence), format, arguments);
	va_end(arguments);
	item->remedy = remedy;
}

char *check_read(const struct check_report *report, const char *path)
{
	char full[512], *text = NULL;
	size_t length = 0, size = 0;
	int fd;

	snprintf(full, sizeof(full), "%s%s", report->prefix, path);
	fd = open(full, O_RDONLY | O_CLOEXEC);
	while (fd >= 0) {
		char *more = size - length < 4096 ? realloc(text, size += 16384) : text;
		ssize_t got;

		if (!more)
			break;
		text = more;
		got = read(fd, text + length, size - length - 1);
		if (got > 0) {
			length += got;
			continue;
		}
		close(fd);
		if (got < 0)
			break;
		if (length && text[length - 1] == '\n')
			length--;
		text[length] = '\0';
		return text;
	}
	free(text);
	return NULL;
}

long check_number(const struct check_report *report, const char *path)
{
	char *text = check_read(report, path), *end;
	long number = -1;

	if (text) {
		number = strtol(text, &end, 10);
		if (end == text)
			number = -1;
	}
	free(text);
	return number;
}

int check_host(struct check_report *ret_report, struct error *error)
{
	struct check_report report = {.prefix = ""};

	check_kernel(&report);
	check_namespaces(&report);
	check_cgroups(&report);
	check_security(&report);
	check_filesystems(&report);
	check_swap(&report);
	check_limits(&report);
	check_tools(&report);
	if (report.failed) {
		check_free(&report);
		return fail(error, ENOMEM, "cannot look at the host");
	}
	*ret_report = report;
	return 0;
}

void check_free(struct check_report *report)
{
	free(report->items);
	*report = (struct check_report){0};
}

bool check_works(const struct check_report *report, int modes)
{
	for (size_t i = 0; i < report->nr; i++)
		if ((report->items[i].modes & modes) && report->items[i].status == CHECK_FAILED)
			return false;
	return true;
}

const char *check_status_name(enum check_status status)
{
	static const char *const names[] = {"ok", "note", "missing", "failed"};

	return names[status];
}

static const char *modes_name(int modes)
{
	return modes == CHECK_BOTH ? "both" : modes == CHECK_NATIVE ? "native" : "sandbox";
}

static const char *remedy_of(const struct check_item *item)
{
	return item->remedy_text ? item->remedy_text : remedy_text(item->remedy);
}

/* ---- as a table ---- */

static void print_verdict(const struct check_report *report, int mode, const char *name, FILE *out)
{
	int missing = 0, notes = 0;

	for (size_t i = 0; i < report->nr; i++) {
		missing += (report->items[i].modes & mode) && report->items[i].status == CHECK_MISSING;
		notes += (report->items[i].modes & mode) && report->items[i].status == CHECK_NOTE;
	}
	fprintf(out, "%s mode: %s", name, check_works(report, mode) ? "works here" : "does not work here");
	if (missing || notes)
		fprintf(out, " (%d missing, %d notes)", missing, notes);
	fputc('\n', out);
}

void check_print_table(const struct check_report *report, int modes, bool all, FILE *out)
{
	const char *group = "";

	for (size_t i = 0; i < report->nr; i++) {
		const struct check_item *item = &report->items[i];

		if (!(item->modes & modes) || (!all && item->status == CHECK_OK))
			continue;
		if (strcmp(group, item->group)) {
			fprintf(out, "%s%s\n", *group ? "\n" : "", item->group);
			group = item->group;
		}
		fprintf(out, "  %-8s%-28s%s\n", check_status_name(item->status), item->name, item->found);
		if (*item->consequence)
			fprintf(out, "          so: %s%s%s\n", item->modes == CHECK_BOTH ? "" : modes_name(item->modes),
				item->modes == CHECK_BOTH ? "" : ": ", item->consequence);
		if (*remedy_of(item))
			fprintf(out, "          do: %s\n", remedy_of(item));
	}
	if (*group)
		fputc('\n', out);
	if (modes & CHECK_NATIVE)
		print_verdict(report, CHECK_NATIVE, "native", out);
	if (modes & CHECK_SANDBOX)
		print_verdict(report, CHECK_SANDBOX, "sandbox", out);
}

/* ---- as JSON ---- */

static void member(FILE *out, const char *name, const char *value, bool last)
{
	json_string(out, name);
	fputs(": ", out);
	json_string(out, value);
	fputs(last ? "" : ", ", out);
}

void check_print_json(const struct check_report *report, int modes, FILE *out)
{
	struct utsname name;
	bool first = true;

	uname(&name);
	fputs("{\n  \"host\": { ", out);
	member(out, "kernel", name.release, false);
	member(out, "machine", name.machine, true);
	fprintf(out, ", \"uid\": %u },\n  \"modes\": { ", geteuid());
	if (modes & CHECK_NATIVE)
		fprintf(out, "\"native\": { \"works\": %s }%s", check_works(report, CHECK_NATIVE) ? "true" : "false",
			modes & CHECK_SANDBOX ? ", " : "");
	if (modes & CHECK_SANDBOX)
		fprintf(out, "\"sandbox\": { \"works\": %s }", check_works(report, CHECK_SANDBOX) ? "true" : "false");
	fputs(" },\n  \"checks\": [\n", out);
	for (size_t i = 0; i < report->nr; i++) {
		const struct check_item *item = &report->items[i];

		if (!(item->modes & modes))
			continue;
		fputs(first ? "    { " : ",\n    { ", out);
		first = false;
		member(out, "group", item->group, false);
		member(out, "name", item->name, false);
		member(out, "status", check_status_name(item->status), false);
		member(out, "modes", modes_name(item->modes), false);
		member(out, "found", item->found, false);
		member(out, "consequence", item->consequence, false);
		member(out, "remedy", remedy_of(item), true);
		fputs(" }", out);
	}
	fputs("\n  ]\n}\n", out);
}
