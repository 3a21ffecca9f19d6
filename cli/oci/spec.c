/* SPDX-License-Identifier: Apache-2.0 */
/* linuxd spec: a config.json to begin with. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cli/oci/oci.h"
#include "commands.gen.h"

static const char head[] = "{\n"
			   "\t\"ociVersion\": \"1.2.0\",\n"
			   "\t\"process\": {\n"
			   "\t\t\"terminal\": true,\n"
			   "\t\t\"user\": { \"uid\": 0, \"gid\": 0 },\n"
			   "\t\t\"args\": [ \"sh\" ],\n"
			   "\t\t\"env\": [ \"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\", \"TERM=xterm\" ],\n"
			   "\t\t\"cwd\": \"/\",\n"
			   "\t\t\"capabilities\": {\n"
			   "\t\t\t\"bounding\": [ \"CAP_AUDIT_WRITE\", \"CAP_KILL\", \"CAP_NET_BIND_SERVICE\" ],\n"
			   "\t\t\t\"effective\": [ \"CAP_AUDIT_WRITE\", \"CAP_KILL\", \"CAP_NET_BIND_SERVICE\" ],\n"
			   "\t\t\t\"permitted\": [ \"CAP_AUDIT_WRITE\", \"CAP_KILL\", \"CAP_NET_BIND_SERVICE\" ]\n"
			   "\t\t},\n"
			   "\t\t\"rlimits\": [ { \"type\": \"RLIMIT_NOFILE\", \"hard\": 1024, \"soft\": 1024 } ],\n"
			   "\t\t\"noNewPrivileges\": true\n"
			   "\t},\n"
			   "\t\"root\": { \"path\": \"rootfs\", \"readonly\": true },\n"
			   "\t\"hostname\": \"linuxd\",\n"
			   "\t\"mounts\": [\n"
			   "\t\t{ \"destination\": \"/proc\", \"type\": \"proc\", \"source\": \"proc\" },\n"
			   "\t\t{ \"destination\": \"/dev\", \"type\": \"tmpfs\", \"source\": \"tmpfs\",\n"
			   "\t\t  \"options\": [ \"nosuid\", \"strictatime\", \"mode=755\", \"size=65536k\" ] },\n"
			   "\t\t{ \"destination\": \"/dev/pts\", \"type\": \"devpts\", \"source\": \"devpts\",\n"
			   "\t\t  \"options\": [ \"nosuid\", \"noexec\", \"newinstance\", \"ptmxmode=0666\", \"mode=0620\"";
static const char tty_group[] = ", \"gid=5\"";
static const char shm[] = " ] },\n"
			  "\t\t{ \"destination\": \"/dev/shm\", \"type\": \"tmpfs\", \"source\": \"shm\",\n"
			  "\t\t  \"options\": [ \"nosuid\", \"noexec\", \"nodev\", \"mode=1777\", \"size=65536k\" ] },\n"
			  "\t\t{ \"destination\": \"/dev/mqueue\", \"type\": \"mqueue\", \"source\": \"mqueue\",\n"
			  "\t\t  \"options\": [ \"nosuid\", \"noexec\", \"nodev\" ] },\n";
static const char sys[] = "\t\t{ \"destination\": \"/sys\", \"type\": \"sysfs\", \"source\": \"sysfs\",\n"
			  "\t\t  \"options\": [ \"nosuid\", \"noexec\", \"nodev\", \"ro\" ] },\n"
			  "\t\t{ \"destination\": \"/sys/fs/cgroup\", \"type\": \"cgroup\", \"source\": \"cgroup\",\n"
			  "\t\t  \"options\": [ \"nosuid\", \"noexec\", \"nodev\", \"relatime\", \"ro\" ] }\n"
			  "\t],\n"
			  "\t\"linux\": {\n"
			  "\t\t\"resources\": { \"devices\": [ { \"allow\": false, \"access\": \"rwm\" } ] },\n";
/* Without the host's rights its sysfs can only be shown, and there are no cgroups to be made. */
static const char rootless_sys[] = "\t\t{ \"destination\": \"/sys\", \"type\": \"none\", \"source\": \"/sys\",\n"
				   "\t\t  \"options\": [ \"rbind\", \"nosuid\", \"noexec\", \"nodev\", \"ro\" ] }\n"
				   "\t],\n"
				   "\t\"linux\": {\n";
static const char namespaces[] = "\t\t\"namespaces\": [\n"
				 "\t\t\t{ \"type\": \"pid\" },\n";
static const char network[] = "\t\t\t{ \"type\": \"network\" },\n";
static const char tail[] = "\t\t\t{ \"type\": \"ipc\" },\n"
			   "\t\t\t{ \"type\": \"uts\" },\n"
			   "\t\t\t{ \"type\": \"mount\" }";
static const char cgroup[] = ",\n\t\t\t{ \"type\": \"cgroup\" }";
static const char paths[] = "\n\t\t],\n"
			    "\t\t\"maskedPaths\": [\n"
			    "\t\t\t\"/proc/acpi\", \"/proc/asound\", \"/proc/kcore\", \"/proc/keys\", \"/proc/latency_stats\", \"/proc/timer_list\",\n"
			    "\t\t\t\"/proc/timer_stats\", \"/proc/sched_debug\", \"/sys/firmware\", \"/sys/devices/virtual/powercap\", \"/proc/scsi\"\n"
			    "\t\t],\n"
			    "\t\t\"readonlyPaths\": [ \"/proc/bus\", \"/proc/fs\", \"/proc/irq\", \"/proc/sys\", \"/proc/sysrq-trigger\" ]\n"
			    "\t}\n}\n";

/* On a host with v1 hierarchies tools in and around containers expect to see their paths, as runc's spec lets them. */
static bool only_cgroup2(void)
{
	struct statfs status;

	return statfs("/sys/fs/cgroup", &status) == 0 && status.f_type == CGROUP2_SUPER_MAGIC;
}

static void write_config(FILE *out, bool rootless)
{
	fputs(head, out);
	fputs(rootless ? "" : tty_group, out);
	fputs(shm, out);
	fputs(rootless ? rootless_sys : sys, out);
	if (rootless)
		fprintf(out, "\t\t\"uidMappings\": [ { \"containerID\": 0, \"hostID\": %u, \"size\": 1 } ],\n"
			     "\t\t\"gidMappings\": [ { \"containerID\": 0, \"hostID\": %u, \"size\": 1 } ],\n",
			geteuid(), getegid());
	fputs(namespaces, out);
	fputs(rootless ? "" : network, out);
	fputs(tail, out);
	fputs(only_cgroup2() ? cgroup : "", out);
	fputs(rootless ? ",\n\t\t\t{ \"type\": \"user\" }" : "", out);
	fputs(paths, out);
}

int command_spec(const struct cli_command *command, int argc, char **argv)
{
	struct error error = { 0 };
	const char *value, *bundle = ".";
	int index = 2, option, directory, fd = -1;
	bool rootless = false;
	FILE *out = NULL;

	while ((option = cli_next(command, argc, argv, &index, &value, &error)) >= 0) {
		if (option == SPEC_ROOTLESS)
			rootless = true;
		else
			bundle = value;
	}
	if (option == CLI_HELP) {
		cli_print_command_help(command, stdout);
		return 0;
	}
	if (option == CLI_ERROR)
		return oci_end(&error);
	directory = open(bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (directory >= 0) {
		fd = openat(directory, "config.json", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		out = fd < 0 ? NULL : fdopen(fd, "w");
	}
	if (directory < 0)
		fail(&error, errno, "--bundle %s", bundle);
	else if (!out && errno == EEXIST)
		fail(&error, 0, "File config.json exists. Remove it first");
	else if (!out)
		fail(&error, errno, "cannot write config.json");
	else
		write_config(out, rootless);
	if (out && fclose(out))
		fail(&error, errno, "cannot write config.json");
	if (directory >= 0)
		close(directory);
	return oci_end(&error);
}
