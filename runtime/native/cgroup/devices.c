/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Device rules: what a list of them comes to.
 *
 * The specification defines the list as the writes to devices.allow and devices.deny that it stands for, one after the other. Their outcome is a
 * default and exceptions from it: a rule for all devices sets the default and forgets the exceptions; one that says what the default says takes
 * back exceptions that it names exactly; any other adds an exception. We compute that outcome ourselves, so that v1 and v2 get the same, and so
 * that an update changes only what differs: between "deny all" and "allow these" a running program would lose its terminal.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/native/cgroup/internal.h"
#include "runtime/oci/spec.h"

/*
 * What every container may do, whatever its rules say: make any device node (using it is another matter), and use those that a container's /dev must
 * have. The numbers are those of Documentation/admin-guide/devices.txt.
 */
static const struct device_exception needed[] = {
	{ 'c', -1, -1, ACCESS_MKNOD },
	{ 'b', -1, -1, ACCESS_MKNOD },
	{ 'c', 1, 3, ACCESS_ALL },    /* null */
	{ 'c', 1, 5, ACCESS_ALL },    /* zero */
	{ 'c', 1, 7, ACCESS_ALL },    /* full */
	{ 'c', 1, 8, ACCESS_ALL },    /* random */
	{ 'c', 1, 9, ACCESS_ALL },    /* urandom */
	{ 'c', 5, 0, ACCESS_ALL },    /* tty */
	{ 'c', 5, 2, ACCESS_ALL },    /* ptmx */
	{ 'c', 136, -1, ACCESS_ALL }, /* pts */
	{ 'c', 10, 200, ACCESS_ALL }, /* net/tun: callers take it for granted */
};

static int add_exception(struct device_rules *rules, struct device_exception exception)
{
	struct device_exception *more;

	for (size_t i = 0; i < rules->nr; i++) {
		struct device_exception *old = &rules->exceptions[i];

		if (old->type == exception.type && old->major == exception.major && old->minor == exception.minor) {
			old->access |= exception.access;
			return 0;
		}
	}
	more = realloc(rules->exceptions, (rules->nr + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	rules->exceptions = more;
	more[rules->nr++] = exception;
	return 0;
}

/* As v1 does it: only an exception for the same numbers loses access; "*" does not stand for all of them here. */
static void remove_exception(struct device_rules *rules, struct device_exception exception)
{
	size_t kept = 0;

	for (size_t i = 0; i < rules->nr; i++) {
		struct device_exception *old = &rules->exceptions[i];

		if (old->type == exception.type && old->major == exception.major && old->minor == exception.minor)
			old->access &= ~exception.access;
		if (old->access)
			rules->exceptions[kept++] = *old;
	}
	rules->nr = kept;
}

static int add_rule(struct device_rules *rules, bool allow, struct device_exception exception)
{
	if (exception.type == 'a') {
		rules->allow = allow;
		rules->nr = 0;
		return 0;
	}
	if (allow == rules->allow) {
		remove_exception(rules, exception);
		return 0;
	}
	return add_exception(rules, exception);
}

static int parse_access(const char *text)
{
	int access = 0;

	for (; *text; text++) {
		if (*text != 'r' && *text != 'w' && *text != 'm')
			return -1;
		access |= *text == 'r' ? ACCESS_READ : *text == 'w' ? ACCESS_WRITE : ACCESS_MKNOD;
	}
	return access;
}

int device_rules_make(const struct spec_device_rule *rules, size_t nr, bool defaults, struct device_rules *ret_rules, struct error *error)
{
	struct device_rules made = { 0 };
	int result = 0;

	for (size_t i = 0; !result && i < nr; i++) {
		const struct spec_device_rule *rule = &rules[i];
		struct device_exception exception = { rule->type ? rule->type : 'a', rule->major.set ? rule->major.value : -1,
						      rule->minor.set ? rule->minor.value : -1,
						      rule->access && *rule->access ? parse_access(rule->access) : ACCESS_ALL };

		if (!strchr("abc", exception.type))
			result = fail(error, 0, "config.json: linux.resources.devices[%zu].type: '%c' is none of a, b, c", i, exception.type);
		else if (exception.access < 0)
			result = fail(error, 0, "config.json: linux.resources.devices[%zu].access: \"%s\" has other letters than r, w, m", i, rule->access);
		else if (exception.major < -1 || exception.minor < -1 || exception.major > UINT32_MAX || exception.minor > UINT32_MAX)
			result = fail(error, 0, "config.json: linux.resources.devices[%zu]: %lld:%lld is no number of a device", i,
				      (long long)exception.major, (long long)exception.minor);
		else if (add_rule(&made, rule->allow, exception))
			result = fail(error, ENOMEM, "cannot make device rules");
	}
	for (size_t i = 0; !result && defaults && i < sizeof(needed) / sizeof(needed[0]); i++)
		if (add_rule(&made, true, needed[i]))
			result = fail(error, ENOMEM, "cannot make device rules");
	if (result)
		device_rules_free(&made);
	else
		*ret_rules = made;
	return result;
}

void device_rules_free(struct device_rules *rules)
{
	free(rules->exceptions);
	*rules = (struct device_rules){ 0 };
}

/* ---- v1 ---- */

static int parse_number(char **at, char end, int64_t *ret_number)
{
	char *behind;

	if (**at == '*') {
		*ret_number = -1;
		behind = *at + 1;
	} else if (isdigit((unsigned char)**at)) {
		*ret_number = strtoll(*at, &behind, 10);
	} else {
		return -EINVAL;
	}
	if (*behind != end || *ret_number > UINT32_MAX)
		return -EINVAL;
	*at = behind + 1;
	return 0;
}

/* Lines like "c 1:3 rwm"; "a *:* rwm" alone if all is allowed. What a default of allowing excepts cannot be read. */
int device_rules_parse(const char *text, struct device_rules *ret_rules)
{
	struct device_rules rules = { 0 };
	int result = 0;

	for (const char *line = text; !result && *line; line += strcspn(line, "\n"), line += *line == '\n') {
		char buffer[64], *at = buffer + 2;
		struct device_exception exception = { 0 };

		snprintf(buffer, sizeof(buffer), "%.*s", (int)strcspn(line, "\n"), line);
		exception.type = buffer[0];
		if (!buffer[0] || !strchr("abc", buffer[0]) || buffer[1] != ' ' || parse_number(&at, ':', &exception.major) ||
		    parse_number(&at, ' ', &exception.minor) || (exception.access = parse_access(at)) <= 0)
			result = -EINVAL;
		else
			result = add_rule(&rules, true, exception);
	}
	if (result)
		device_rules_free(&rules);
	else
		*ret_rules = rules;
	return result;
}

static void format_exception(struct device_exception exception, char ret_line[64])
{
	char major[24] = "*", minor[24] = "*";

	if (exception.major >= 0)
		snprintf(major, sizeof(major), "%lld", (long long)exception.major);
	if (exception.minor >= 0)
		snprintf(minor, sizeof(minor), "%lld", (long long)exception.minor);
	snprintf(ret_line, 64, "%c %s:%s %s%s%s", exception.type, major, minor, exception.access & ACCESS_READ ? "r" : "",
		 exception.access & ACCESS_WRITE ? "w" : "", exception.access & ACCESS_MKNOD ? "m" : "");
}

/* The access of @rules to exactly these numbers. */
static int access_in(const struct device_rules *rules, struct device_exception exception)
{
	for (size_t i = 0; i < rules->nr; i++)
		if (rules->exceptions[i].type == exception.type && rules->exceptions[i].major == exception.major &&
		    rules->exceptions[i].minor == exception.minor)
			return rules->exceptions[i].access;
	return 0;
}

/* Writes those exceptions of @these that @others has not. */
static int write_difference(const struct cgroup *cgroup, const struct group *group, bool allow, const struct device_rules *these,
			    const struct device_rules *others, struct error *error)
{
	const char *file = allow ? "devices.allow" : "devices.deny";
	int fd = -1, result = 0;
	char line[64];

	for (size_t i = 0; i < these->nr && !result; i++) {
		struct device_exception exception = these->exceptions[i];

		exception.access &= ~access_in(others, exception);
		if (!exception.access)
			continue;
		format_exception(exception, line);
		/* A rule is a write; the file is opened once. */
		if (fd < 0)
			fd = group_open(cgroup, group, file);
		result = fd < 0 ? fd : group_put(fd, line);
		if (result)
			group_write_failed(group, file, line, -result, error);
	}
	if (fd >= 0)
		close(fd);
	return result ? -1 : 0;
}

int devices_v1_apply(const struct cgroup *cgroup, const struct group *group, const struct device_rules *rules, struct error *error)
{
	char *text = group_read(group, "devices.list");
	struct device_rules now = { 0 };
	int result = 0;

	if (!text || device_rules_parse(text, &now)) {
		free(text);
		now = (struct device_rules){ .allow = true };
		text = NULL;
	}
	free(text);
	/* Which exceptions stand beside "all is allowed" the kernel does not tell: begin anew. */
	if (now.allow != rules->allow || rules->allow) {
		device_rules_free(&now);
		result = group_write(cgroup, group, rules->allow ? "devices.allow" : "devices.deny", "a", error);
	}
	/* First what is new, then what is no longer: nothing that stays is lost on the way. */
	if (!result)
		result = write_difference(cgroup, group, !rules->allow, rules, &now, error);
	if (!result)
		result = write_difference(cgroup, group, rules->allow, &now, rules, error);
	device_rules_free(&now);
	return result;
}
