/* SPDX-License-Identifier: Apache-2.0 */
// sources: runtime/check/check.c runtime/check/resources.c runtime/error.c runtime/remedy.c runtime/json.c
// flags: -D_GNU_SOURCE
/* linuxd check on files of other hosts: swap and what turns it on again, limits, the verdict, JSON whatever stands in the files. */
#include "tests/unit/check.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/check/check.h"

static char root[64];

void check_kernel(struct check_report *report) {}
void check_namespaces(struct check_report *report) {}
void check_cgroups(struct check_report *report) {}
void check_security(struct check_report *report) {}

static void put(const char *name, const char *text)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s%s", root, name);
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
	file = fopen(path, "w");
	CHECK(file);
	fputs(text, file);
	fclose(file);
}

static const struct check_item *find(const struct check_report *report, const char *name)
{
	for (size_t i = 0; i < report->nr; i++)
		if (!strcmp(report->items[i].name, name))
			return &report->items[i];
	return NULL;
}

static void swap(void)
{
	struct check_report report = { .prefix = root };
	const struct check_item *item;
	char path[128];

	put("/proc/swaps", "Filename Type Size Used Priority\n");
	check_swap(&report);
	CHECK(report.nr == 1 && report.items[0].status == CHECK_OK);
	check_free(&report);

	/* Off, but for how long. */
	report.prefix = root;
	put("/etc/fstab", "# /dev/old none swap sw 0 0\n/dev/sda1 / ext4 defaults 0 1\n/dev/sda2 none swap sw 0 0\n/dev/sda3 none swap noauto 0 0\n");
	put("/etc/systemd/zram-generator.conf", "[zram0]\n");
	put("/usr/lib/systemd/system/dev-sdb.swap", "");
	snprintf(path, sizeof(path), "%s/etc/systemd/system", root);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/etc/systemd/system/dev-sdc.swap", root);
	CHECK(symlink("/dev/null", path) == 0);
	check_swap(&report);
	item = find(&report, "after the next boot");
	CHECK(item && item->status == CHECK_NOTE && item->remedy == REMEDY_SWAP_AGAIN);
	CHECK(strstr(item->found, "/dev/sda2") && strstr(item->found, "zram-generator.conf") && strstr(item->found, "dev-sdb.swap"));
	CHECK(!strstr(item->found, "/dev/old") && !strstr(item->found, "sda3") && !strstr(item->found, "dev-sdc"));
	check_free(&report);

	report.prefix = root;
	put("/proc/swaps", "Filename Type Size Used Priority\n/dev/sda2 partition 1 0 -2\n/dev/zram0 partition 1 0 100\n");
	check_swap(&report);
	CHECK(report.nr == 1 && report.items[0].status == CHECK_NOTE && strstr(report.items[0].found, "/dev/sda2, /dev/zram0; turned on by /etc/fstab"));
	check_free(&report);
}

static void limits(void)
{
	struct check_report report = { .prefix = root };

	put("/proc/sys/vm/max_map_count", "1000\n");
	put("/proc/sys/vm/mmap_min_addr", "65536\n");
	put("/proc/sys/user/max_pid_namespaces", "0\n");
	check_limits(&report);
	CHECK(find(&report, "vm.max_map_count")->status == CHECK_NOTE && find(&report, "vm.mmap_min_addr")->status == CHECK_OK);
	CHECK(find(&report, "user.max_pid_namespaces")->status == CHECK_NOTE && !find(&report, "kernel.pid_max"));
	check_free(&report);
	report.prefix = root;
	put("/proc/filesystems", "nodev\ttmpfs\n\text4\n");
	check_filesystems(&report);
	CHECK(find(&report, "tmpfs")->status == CHECK_OK && find(&report, "overlay")->status == CHECK_MISSING);
	check_free(&report);
}

static void verdict(void)
{
	struct check_report report = { .prefix = root };
	char text[4096] = "";
	FILE *out;

	check_add(&report, "a", "one", CHECK_MISSING, CHECK_BOTH, "%s", "x\"y\n\x01");
	check_consequence(&report, REMEDY_IDMAP, "two\\");
	CHECK(check_works(&report, CHECK_BOTH));
	check_add(&report, "a", "two", CHECK_FAILED, CHECK_SANDBOX, "x");
	CHECK(!check_works(&report, CHECK_BOTH) && !check_works(&report, CHECK_SANDBOX) && check_works(&report, CHECK_NATIVE));
	out = fmemopen(text, sizeof(text), "w");
	check_print_json(&report, CHECK_BOTH, out);
	fclose(out);
	CHECK(strstr(text, "x\\\"y\\u000a\\u0001") && strstr(text, "two\\\\") && strstr(text, "\"sandbox\": { \"works\": false }"));
	out = fmemopen(text, sizeof(text), "w");
	check_print_table(&report, CHECK_NATIVE, false, out);
	fclose(out);
	CHECK(strstr(text, "native mode: works here (1 missing, 0 notes)") && !strstr(text, "sandbox mode"));
	check_free(&report);
}

int main(void)
{
	char command[128];

	strcpy(root, "/tmp/linuxd-check-XXXXXX");
	CHECK(mkdtemp(root));
	swap();
	limits();
	verdict();
	snprintf(command, sizeof(command), "rm -rf %s", root);
	CHECK(system(command) == 0);
	for (int remedy = REMEDY_NONE + 1; remedy < REMEDIES; remedy++)
		CHECK(strlen(remedy_text(remedy)) > 10);
	return 0;
}
