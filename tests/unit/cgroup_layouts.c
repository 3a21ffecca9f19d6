/* SPDX-License-Identifier: Apache-2.0 */
// sources: runtime/native/cgroup/cgroup.c runtime/native/cgroup/layout.c runtime/native/cgroup/path.c runtime/native/cgroup/file.c
// sources: runtime/native/cgroup/procs.c runtime/native/cgroup/freezer.c runtime/native/cgroup/resources.c runtime/native/cgroup/convert.c
// sources: runtime/native/cgroup/v1.c runtime/native/cgroup/v2.c runtime/native/cgroup/devices.c runtime/native/cgroup/devices_bpf.c
// sources: runtime/error.c runtime/remedy.c
// flags: -D_GNU_SOURCE -ljson-c -lm
/*
 * Hosts that this one is not: v1, v2, hybrid, the inside of a container, as trees of ordinary files. Where a container's groups are, and what is written
 * into which file for which limit.
 */
#include "tests/unit/check.h"

#include <json-c/json.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/native/cgroup/internal.h"
#include "runtime/oci/spec.h"

static struct error error;
static char root[64];

/* The bus is not asked here. */
int systemd_root(struct cgroup *cgroup, char **ret_root, struct error *ret_error) { *ret_root = strdup(""); return *ret_root ? 0 : -1; }
int systemd_start(struct cgroup *cgroup, pid_t pid, const struct spec_resources *resources, struct error *ret_error) { return 0; }
int systemd_set(struct cgroup *cgroup, const struct spec_resources *resources, struct error *ret_error) { return 0; }
int systemd_stop(struct cgroup *cgroup, struct error *ret_error) { return 0; }

static void put(const char *name, const char *text)
{
	char path[512], *slash;
	FILE *file;

	snprintf(path, sizeof(path), "%s%s", root, name);
	for (slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0755);
		*slash = '/';
	}
	file = fopen(path, "w");
	CHECK(file);
	fputs(text, file);
	fclose(file);
}

static const char *get(const char *name)
{
	static char text[512];
	char path[512];
	FILE *file;
	size_t length;

	snprintf(path, sizeof(path), "%s%s", root, name);
	file = fopen(path, "r");
	if (!file)
		return "(no file)";
	length = fread(text, 1, sizeof(text) - 1, file);
	text[length] = '\0';
	fclose(file);
	return text;
}

static void is(const char *name, const char *value)
{
	if (!strcmp(get(name), value))
		return;
	fprintf(stderr, "%s is \"%s\" instead of \"%s\"\n", name, get(name), value);
	exit(1);
}

static void begin(const char *mountinfo, const char *own)
{
	strcpy(root, "/tmp/linuxd-cgroup-XXXXXX");
	CHECK(mkdtemp(root));
	put("/proc/self/mountinfo", mountinfo);
	put("/proc/self/cgroup", own);
	for (const char *line = mountinfo; line && *line; line = strchr(line, '\n'), line += line ? 1 : 0) {
		char point[128], file[160];

		CHECK(sscanf(line, "%*d %*d %*s %*s %127s", point) == 1);
		snprintf(file, sizeof(file), "%s/cgroup.procs", point);
		put(file, "");
	}
}

static void end(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", root);
	CHECK(system(command) == 0);
}

static void ok(int result)
{
	if (result == 0)
		return;
	fprintf(stderr, "%s\n", error.text);
	exit(1);
}

static struct cgroup *make(const char *path, bool systemd)
{
	struct cgroup_options options = { .id = "web1", .path = path, .systemd = systemd };
	struct cgroup *cgroup;

	ok(cgroup_new_below(root, &options, &cgroup, &error));
	return cgroup;
}

static void dir_is(const struct cgroup *cgroup, const char *controller, const char *dir)
{
	for (int i = 0; i < cgroup->nr; i++)
		if (*controller ? list_has(cgroup->groups[i].controllers, controller) : cgroup->groups[i].version == 2) {
			if (strcmp(cgroup->groups[i].dir + strlen(root), dir)) {
				fprintf(stderr, "%s is %s instead of %s\n", controller, cgroup->groups[i].dir + strlen(root), dir);
				exit(1);
			}
			return;
		}
	CHECK(!"there is such a group");
}

static struct spec_memory memory = { .limit = { true, 1000 << 12 }, .reservation = { true, 500 << 12 }, .swap = { true, 1500 << 12 },
				     .swappiness = { true, 60 }, .disable_oom_killer = { true, true } };
static struct spec_cpu cpu = { .shares = { true, 1024 }, .quota = { true, 25000 }, .period = { true, 100000 }, .burst = { true, 5000 },
			       .cpus = "0-1", .mems = "0" };
static struct spec_pids pids = { .limit = { true, 12 } };
static struct spec_throttle_device throttles[] = { { 8, 0, 1 << 20 }, { 8, 16, 2 << 20 } };
static struct spec_weight_device weights[] = { { 8, 0, { true, 500 }, { false, 0 } } };
static struct spec_block_io io = { .weight = { true, 100 }, .weight_devices = weights, .nr_weight_devices = 1, .read_bps = { throttles, 1 },
				   .write_iops = { throttles + 1, 1 } };
static struct spec_hugepage_limit pages[] = { { "2MB", 4 << 20 } };
static struct spec_priority priorities[] = { { "eth0", 5 } };
static struct spec_network network = { { true, 0x100001 }, priorities, 1 };
static struct spec_rdma rdma[] = { { "mlx5_1", { true, 3 }, { true, 10000 } } };
static struct spec_pair unified[] = { { "memory.high", "900" } };

static const char v1_mounts[] =
	"24 30 0:22 / /proc rw - proc proc rw\n"
	"31 30 0:26 / /sys/fs/cgroup ro shared:9 - tmpfs tmpfs ro,mode=755\n"
	"33 31 0:28 / /sys/fs/cgroup/systemd rw shared:11 - cgroup cgroup rw,xattr,release_agent=/lib/x,name=systemd\n"
	"36 31 0:31 / /sys/fs/cgroup/cpu,cpuacct rw shared:15 - cgroup cgroup rw,cpu,cpuacct\n"
	"37 31 0:32 / /sys/fs/cgroup/net_cls,net_prio rw shared:16 - cgroup cgroup rw,net_cls,net_prio\n"
	"38 31 0:33 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
	"39 31 0:34 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
	"40 31 0:35 / /sys/fs/cgroup/blkio rw - cgroup cgroup rw,blkio\n"
	"41 31 0:36 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
	"42 31 0:37 / /sys/fs/cgroup/hugetlb rw - cgroup cgroup rw,hugetlb\n"
	"43 31 0:38 / /sys/fs/cgroup/rdma rw - cgroup cgroup rw,rdma\n"
	"44 31 0:39 / /sys/fs/cgroup/freezer rw - cgroup cgroup rw,freezer\n"
	"45 31 0:40 / /sys/fs/cgroup/my\\040tree rw - cgroup cgroup rw,name=mine\n";
static const char v1_own[] = "5:cpu,cpuacct:/user.slice\n6:net_cls,net_prio:/\n4:memory:/user.slice/u\n3:pids:/\n7:blkio:/\n8:cpuset:/\n9:hugetlb:/\n"
			     "10:rdma:/\n11:freezer:/\n1:name=systemd:/user.slice/s.scope\n";

static void v1(void)
{
	struct spec_resources resources = { .memory = &memory, .cpu = &cpu, .pids = &pids, .block_io = &io, .hugepage_limits = pages, .nr_hugepage_limits = 1,
					    .network = &network, .rdma = rdma, .nr_rdma = 1 };
	struct cgroup *cgroup;
	struct json_object *saved;

	begin(v1_mounts, v1_own);
	cgroup = make("/a/b", false);
	dir_is(cgroup, "cpuacct", "/sys/fs/cgroup/cpu,cpuacct/a/b");
	dir_is(cgroup, "name=systemd", "/sys/fs/cgroup/systemd/a/b");
	CHECK(cgroup->nr == 10 && !cgroup_path(cgroup, "memory"));
	ok(cgroup_create(cgroup, 0, &resources, &error));
	CHECK(!strcmp(cgroup_path(cgroup, "memory") + strlen(root), "/sys/fs/cgroup/memory/a/b") && !cgroup_path(cgroup, ""));
	CHECK(!cgroup_is_unified(cgroup) && cgroup_clone_fd(cgroup) == -1);
	ok(cgroup_apply(cgroup, &resources, &error));
	is("/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", "4096000");
	is("/sys/fs/cgroup/memory/a/b/memory.memsw.limit_in_bytes", "6144000");
	is("/sys/fs/cgroup/memory/a/b/memory.soft_limit_in_bytes", "2048000");
	is("/sys/fs/cgroup/memory/a/b/memory.swappiness", "60");
	is("/sys/fs/cgroup/memory/a/b/memory.oom_control", "1");
	is("/sys/fs/cgroup/cpu,cpuacct/a/b/cpu.shares", "1024");
	is("/sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_quota_us", "25000");
	is("/sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_period_us", "100000");
	is("/sys/fs/cgroup/cpu,cpuacct/a/b/cpu.cfs_burst_us", "5000");
	is("/sys/fs/cgroup/cpuset/a/b/cpuset.cpus", "0-1");
	is("/sys/fs/cgroup/pids/a/b/pids.max", "12");
	is("/sys/fs/cgroup/blkio/a/b/blkio.weight", "100");
	is("/sys/fs/cgroup/blkio/a/b/blkio.weight_device", "8:0 500");
	is("/sys/fs/cgroup/blkio/a/b/blkio.throttle.read_bps_device", "8:0 1048576");
	is("/sys/fs/cgroup/blkio/a/b/blkio.throttle.write_iops_device", "8:16 2097152");
	is("/sys/fs/cgroup/hugetlb/a/b/hugetlb.2MB.limit_in_bytes", "4194304");
	is("/sys/fs/cgroup/net_cls,net_prio/a/b/net_cls.classid", "1048577");
	is("/sys/fs/cgroup/net_cls,net_prio/a/b/net_prio.ifpriomap", "eth0 5");
	is("/sys/fs/cgroup/rdma/a/b/rdma.max", "mlx5_1 hca_handle=3 hca_object=10000");
	CHECK(cgroup_freeze(cgroup, true, &error) == 0);
	is("/sys/fs/cgroup/freezer/a/b/freezer.state", "FROZEN");
	/* The same from its state. */
	saved = cgroup_save(cgroup);
	cgroup_free(cgroup);
	CHECK(cgroup_load(saved, &cgroup, &error) == 0);
	CHECK(cgroup_is_frozen(cgroup) && cgroup->nr == 10);
	json_object_put(saved);
	cgroup_free(cgroup);
	/* Below our own groups, and named by the id. */
	cgroup = make("x/y", false);
	dir_is(cgroup, "memory", "/sys/fs/cgroup/memory/user.slice/u/x/y");
	cgroup_free(cgroup);
	cgroup = make(NULL, false);
	dir_is(cgroup, "cpu", "/sys/fs/cgroup/cpu,cpuacct/user.slice/web1");
	cgroup_free(cgroup);
	cgroup = make("machine-a.slice:linuxd:web1", true);
	dir_is(cgroup, "memory", "/sys/fs/cgroup/memory/machine.slice/machine-a.slice/linuxd-web1.scope");
	cgroup_free(cgroup);
	/* v2's files need v2. */
	resources = (struct spec_resources){ .unified = { unified, 1 } };
	cgroup = make("/u", false);
	CHECK(cgroup_create(cgroup, 0, &resources, &error) == 0 && cgroup_apply(cgroup, &resources, &error) == -1);
	CHECK(strstr(error.text, "memory.high") && strstr(error.text, "v2"));
	cgroup_free(cgroup);
	end();
}

static void v2(void)
{
	struct spec_resources resources = { .memory = &memory, .cpu = &cpu, .pids = &pids, .block_io = &io, .hugepage_limits = pages, .nr_hugepage_limits = 1,
					    .rdma = rdma, .nr_rdma = 1, .unified = { unified, 1 } };
	struct cgroup *cgroup;

	begin("30 25 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n",
	      "0::/user.slice/user-0.slice/session-1.scope\n");
	put("/sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory hugetlb pids rdma misc\n");
	put("/sys/fs/cgroup/cgroup.subtree_control", "cpu memory\n");
	cgroup = make("/a/b", false);
	CHECK(cgroup->nr == 1);
	ok(cgroup_create(cgroup, 0, &resources, &error));
	ok(cgroup_apply(cgroup, &resources, &error));
	CHECK(cgroup_is_unified(cgroup));
	is("/sys/fs/cgroup/cgroup.subtree_control", "+cpuset +io +hugetlb +pids +rdma +misc");
	is("/sys/fs/cgroup/a/b/memory.max", "4096000");
	is("/sys/fs/cgroup/a/b/memory.swap.max", "2048000");
	is("/sys/fs/cgroup/a/b/memory.low", "2048000");
	is("/sys/fs/cgroup/a/b/memory.high", "900");
	is("/sys/fs/cgroup/a/b/cpu.weight", "100");
	is("/sys/fs/cgroup/a/b/cpu.max", "25000 100000");
	is("/sys/fs/cgroup/a/b/cpu.max.burst", "5000");
	is("/sys/fs/cgroup/a/b/cpuset.cpus", "0-1");
	is("/sys/fs/cgroup/a/b/pids.max", "12");
	is("/sys/fs/cgroup/a/b/io.weight", "8:0 4950");
	is("/sys/fs/cgroup/a/b/io.max", "8:16 wiops=2097152");
	is("/sys/fs/cgroup/a/b/hugetlb.2MB.max", "4194304");
	is("/sys/fs/cgroup/a/b/rdma.max", "mlx5_1 hca_handle=3 hca_object=10000");
	/* What v2 has not is said. */
	CHECK(strstr(cgroup_warnings(cgroup), "swappiness") && strstr(cgroup_warnings(cgroup), "OOM"));
	CHECK(cgroup_freeze(cgroup, true, &error) == 0);
	is("/sys/fs/cgroup/a/b/cgroup.freeze", "1");
	cgroup_free(cgroup);
	/* Beside our own group, since that has processes. */
	cgroup = make(NULL, false);
	dir_is(cgroup, "", "/sys/fs/cgroup/user.slice/user-0.slice/web1");
	cgroup_free(cgroup);
	cgroup = make("system.slice:linuxd:web1", true);
	dir_is(cgroup, "", "/sys/fs/cgroup/system.slice/linuxd-web1.scope");
	cgroup_free(cgroup);
	cgroup = make(":pod:web1.slice", true);
	dir_is(cgroup, "", "/sys/fs/cgroup/system.slice/web1.slice");
	cgroup_free(cgroup);
	resources = (struct spec_resources){ .network = &network };
	cgroup = make("/n", false);
	CHECK(cgroup_create(cgroup, 0, &resources, &error) == 0 && cgroup_apply(cgroup, &resources, &error) == -1);
	CHECK(strstr(error.text, "network.classID"));
	cgroup_free(cgroup);
	/* A group of threads takes no memory limit. */
	put("/sys/fs/cgroup/t/x/cgroup.type", "domain invalid\n");
	resources = (struct spec_resources){ .memory = &memory };
	cgroup = make("/t/x", false);
	CHECK(cgroup_create(cgroup, 0, &resources, &error) == -1 && strstr(error.text, "domain invalid"));
	cgroup_free(cgroup);
	resources = (struct spec_resources){ .pids = &pids };
	cgroup = make("/t/x", false);
	ok(cgroup_create(cgroup, 0, &resources, &error));
	is("/sys/fs/cgroup/t/x/cgroup.type", "threaded");
	cgroup_free(cgroup);
	end();
}

/* v1 for some, v2 for the others. */
static void hybrid(void)
{
	struct spec_resources resources = { .memory = &memory, .pids = &pids, .hugepage_limits = pages, .nr_hugepage_limits = 1 };
	struct cgroup *cgroup;

	begin("33 31 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n38 31 0:37 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
	      "2:memory:/m\n0::/m\n");
	put("/sys/fs/cgroup/unified/cgroup.controllers", "hugetlb pids\n");
	cgroup = make("/a", false);
	ok(cgroup_create(cgroup, 0, &resources, &error));
	ok(cgroup_apply(cgroup, &resources, &error));
	is("/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "4096000");
	is("/sys/fs/cgroup/unified/a/pids.max", "12");
	is("/sys/fs/cgroup/unified/a/hugetlb.2MB.max", "4194304");
	CHECK(!cgroup_is_unified(cgroup));
	resources.cpu = &cpu;
	CHECK(cgroup_apply(cgroup, &resources, &error) == -1 && strstr(error.text, "linux.resources.cpu") && strstr(error.text, "linuxd check"));
	cgroup_free(cgroup);
	end();
	/* Without controllers the v2 tree has no law against groups below processes. */
	begin("33 31 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n38 31 0:37 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
	      "2:memory:/m\n0::/m\n");
	put("/sys/fs/cgroup/unified/cgroup.controllers", "\n");
	cgroup = make("c", false);
	dir_is(cgroup, "", "/sys/fs/cgroup/unified/m/c");
	cgroup_free(cgroup);
	end();
}

/* Only a part of the tree is mounted, as inside a container of Docker on a v1 host; and a mount of the whole wins over one of a part. */
static void nested(void)
{
	struct cgroup *cgroup;

	begin("33 31 0:28 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
	      "34 31 0:29 /docker/abc /part rw - cgroup cgroup rw,pids\n35 31 0:29 / /whole rw - cgroup cgroup rw,pids\n"
	      "36 31 0:29 / /again rw - cgroup cgroup rw,pids\n",
	      "2:memory:/docker/abc\n3:pids:/docker/abc/sub\n");
	cgroup = make("/a", false);
	dir_is(cgroup, "memory", "/sys/fs/cgroup/memory/a");
	dir_is(cgroup, "pids", "/whole/a");
	cgroup_free(cgroup);
	cgroup = make("r", false);
	dir_is(cgroup, "memory", "/sys/fs/cgroup/memory/r");
	dir_is(cgroup, "pids", "/whole/docker/abc/sub/r");
	cgroup_free(cgroup);
	end();
	begin("24 30 0:22 / /proc rw - proc proc rw\n", "\n");
	CHECK(cgroup_new_below(root, &(struct cgroup_options){ .id = "x" }, &cgroup, &error) == -1 && strstr(error.text, "mount -t cgroup2"));
	CHECK(cgroup_new_below(root, &(struct cgroup_options){ .id = "x", .rootless = true }, &cgroup, &error) == 0 && cgroup->nr == 0);
	cgroup_free(cgroup);
	end();
}

static void names(void)
{
	static const struct {
		const char *from, *to;
	} clean[] = { { "/a/../b//c", "/b/c" }, { "a/../../b", "b" }, { "/..", "/" }, { "..", "" }, { "/", "/" }, { "a/./b/", "a/b" }, { "/a/b/../../..", "/" },
		      { "...", "..." }, { "/a..b", "/a..b" } },
	  slices[] = { { "a-b-c.slice", "a.slice/a-b.slice/a-b-c.slice" }, { "system.slice", "system.slice" }, { "-.slice", "" }, { "a", NULL },
		       { "a--b.slice", NULL }, { "-a.slice", NULL }, { "a-.slice", NULL }, { ".slice", NULL }, { "a/b.slice", NULL } };
	char *text, *slice, *unit;

	for (unsigned int i = 0; i < sizeof(clean) / sizeof(clean[0]); i++) {
		text = path_clean(clean[i].from);
		if (strcmp(text, clean[i].to)) {
			fprintf(stderr, "%s is %s instead of %s\n", clean[i].from, text, clean[i].to);
			exit(1);
		}
		free(text);
	}
	for (unsigned int i = 0; i < sizeof(slices) / sizeof(slices[0]); i++) {
		text = path_of_slice(slices[i].from);
		CHECK(text ? slices[i].to && !strcmp(text, slices[i].to) : !slices[i].to);
		free(text);
	}
	CHECK(path_split_unit("a.slice:b:c", "id", false, &slice, &unit, &error) == 0 && !strcmp(slice, "a.slice") && !strcmp(unit, "b-c.scope"));
	free(slice);
	free(unit);
	CHECK(path_split_unit(NULL, "id", true, &slice, &unit, &error) == 0 && !strcmp(slice, "user.slice") && !strcmp(unit, "linuxd-id.scope"));
	free(slice);
	free(unit);
	CHECK(path_split_unit("::c", "id", false, &slice, &unit, &error) == 0 && !strcmp(slice, "system.slice") && !strcmp(unit, "c.scope"));
	free(slice);
	free(unit);
	CHECK(path_split_unit("a:b", "id", false, &slice, &unit, &error) == -1 && path_split_unit("x:b:c", "id", false, &slice, &unit, &error) == -1);
	CHECK(path_split_unit("a.slice:b:c/d", "id", false, &slice, &unit, &error) == -1);
}

int main(void)
{
	names();
	v1();
	v2();
	hybrid();
	nested();
	return 0;
}
