/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sysfs, as far as programs ask it about the machine: cpus and their topology, one memory node, huge pages,
 * interfaces. Made of tables as proc is; everything can only be read.
 */
#include <linux/magic.h>

#include "include/abi/boot.h"
#include "kernel/fs/sysfs/sysfs.h"
#include "kernel/init/initcall.h"
#include "kernel/mm/alloc.h"

extern struct boot_params *boot;

static u64 all_cpus(void) { return nr_cpus < 64 ? (1ULL << nr_cpus) - 1 : ~0ULL; }

static int show_text(struct file *file, struct seq_buffer *seq)
{
	seq_printf(seq, "%s\n", (const char *)proc_i(file->inode)->entry->data);
	return 0;
}

static int show_cpulist(struct file *file, struct seq_buffer *seq)
{
	seq_cpulist(seq, all_cpus());
	seq_putc(seq, '\n');
	return 0;
}

static int show_cpumap(struct file *file, struct seq_buffer *seq)
{
	seq_cpumask(seq, all_cpus());
	seq_putc(seq, '\n');
	return 0;
}

static int show_this_cpu(struct file *file, struct seq_buffer *seq)
{
	seq_printf(seq, "%d\n", proc_i(file->inode)->fd);
	return 0;
}

static int show_this_cpulist(struct file *file, struct seq_buffer *seq)
{
	seq_cpulist(seq, 1ULL << proc_i(file->inode)->fd);
	seq_putc(seq, '\n');
	return 0;
}

static int show_this_cpumap(struct file *file, struct seq_buffer *seq)
{
	seq_cpumask(seq, 1ULL << proc_i(file->inode)->fd);
	seq_putc(seq, '\n');
	return 0;
}

static int show_empty_line(struct file *file, struct seq_buffer *seq)
{
	seq_putc(seq, '\n');
	return 0;
}

static int show_node_meminfo(struct file *file, struct seq_buffer *seq)
{
	u64 total = (boot->memory_limit ? boot->memory_limit : boot->host_memory) >> 10;

	seq_printf(seq, "Node 0 MemTotal:       %8llu kB\nNode 0 MemFree:        %8llu kB\nNode 0 MemUsed:        %8d kB\n",
		   (unsigned long long)total, (unsigned long long)total, 0);
	return 0;
}

#define TEXT(name_, text_) PROC_FILE(name_, 0444, show_text, .data = (void *)(text_))
#define SHOW(name_, show_) PROC_FILE(name_, 0444, show_)
#define END { 0 }

static const struct proc_entry empty_entries[] = { END };

static const struct proc_entry topology_entries[] = {
	SHOW("core_cpus", show_this_cpumap),
	SHOW("core_cpus_list", show_this_cpulist),
	SHOW("core_id", show_this_cpu),
	SHOW("core_siblings", show_cpumap),
	SHOW("core_siblings_list", show_cpulist),
	TEXT("die_id", "0"),
	SHOW("package_cpus", show_cpumap),
	SHOW("package_cpus_list", show_cpulist),
	TEXT("physical_package_id", "0"),
	SHOW("thread_siblings", show_this_cpumap),
	SHOW("thread_siblings_list", show_this_cpulist),
	END,
};
static const struct proc_entry one_cpu_entries[] = { PROC_DIR("topology", topology_entries), TEXT("online", "1"), END };
static const struct proc_entry one_cpu_entry = { .name = "", .mode = S_IFDIR | 0555, .children = one_cpu_entries };
static const struct proc_entry smt_entries[] = { TEXT("active", "0"), TEXT("control", "notsupported"), END };

static const struct proc_entry cpu_entries[] = {
	TEXT("isolated", ""), TEXT("kernel_max", "63"), SHOW("offline", show_empty_line), SHOW("online", show_cpulist),
	SHOW("possible", show_cpulist), SHOW("present", show_cpulist), PROC_DIR("smt", smt_entries), END,
};

/* "cpuN" in devices/system/cpu and node0. */
static bool cpu_name(const char *name, size_t length, unsigned *ret_cpu)
{
	return length > 3 && !memcmp(name, "cpu", 3) && parse_name_number(name + 3, length - 3, ret_cpu) && *ret_cpu < (unsigned)nr_cpus;
}

static int cpus_lookup(struct inode *dir, struct dentry *dentry)
{
	const struct proc_entry *entry = proc_find(proc_i(dir)->entry->children, dentry->name, dentry->name_length);
	unsigned cpu;

	if (entry)
		return proc_bind(dentry, entry, dir, NULL, -1);
	return cpu_name(dentry->name, dentry->name_length, &cpu) ? proc_bind(dentry, &one_cpu_entry, dir, NULL, (int)cpu) : -ENOENT;
}

static int cpus_iterate(struct file *file, struct dir_context *ctx)
{
	const loff_t first_cpu = 64;
	char name[16];

	if (!dir_emit_dots(file, ctx))
		return 0;
	if (ctx->pos < first_cpu) {
		if (!proc_emit_table(ctx, proc_i(file->inode)->entry->children, 0, -1))
			return 0;
		ctx->pos = first_cpu;
	}
	for (; ctx->pos - first_cpu < nr_cpus; ctx->pos++) {
		int cpu = (int)(ctx->pos - first_cpu), n = snprintf(name, sizeof(name), "cpu%d", cpu);

		if (!dir_emit(ctx, name, (size_t)n, proc_ino(&one_cpu_entry, 0, cpu), 4))
			break;
	}
	return 0;
}

static const struct inode_operations cpus_iops = { .lookup = cpus_lookup, .getattr = proc_getattr, .setattr = proc_setattr };
static const struct file_operations cpus_fops = { .name = "sysfs cpus", .llseek = seq_llseek, .iterate = cpus_iterate };
#define CPUS_DIR(name_, children_)                                                                                         \
	{ .name = name_, .mode = S_IFDIR | 0555, .children = children_, .ops = &cpus_iops, .fops = &cpus_fops }

static const struct proc_entry node0_entries[] = {
	SHOW("cpulist", show_cpulist), SHOW("cpumap", show_cpumap), TEXT("distance", "10"), SHOW("meminfo", show_node_meminfo),
	TEXT("numastat", "numa_hit 0\nnuma_miss 0\nnuma_foreign 0\ninterleave_hit 0\nlocal_node 0\nother_node 0"), END,
};
static const struct proc_entry node_entries[] = {
	TEXT("has_cpu", "0"), TEXT("has_memory", "0"), TEXT("has_normal_memory", "0"), CPUS_DIR("node0", node0_entries),
	TEXT("online", "0"), TEXT("possible", "0"), END,
};
static const struct proc_entry system_entries[] = { CPUS_DIR("cpu", cpu_entries), PROC_DIR("node", node_entries), END };

static const struct proc_entry virtual_entries[] = { SYSFS_NET_DIR("net"), END };
static const struct proc_entry devices_entries[] = { PROC_DIR("system", system_entries), PROC_DIR("virtual", virtual_entries), END };
static const struct proc_entry class_entries[] = {
	PROC_DIR("block", empty_entries), PROC_DIR("mem", empty_entries), SYSFS_NET_DIR("net"), PROC_DIR("tty", empty_entries), END,
};
static const struct proc_entry dev_entries[] = { PROC_DIR("block", empty_entries), PROC_DIR("char", empty_entries), END };

static const struct proc_entry thp_entries[] = {
	TEXT("defrag", "always defer defer+madvise [madvise] never"), TEXT("enabled", "always madvise [never]"),
	TEXT("hpage_pmd_size", "2097152"), TEXT("shmem_enabled", "always within_size advise [never] deny force"),
	TEXT("use_zero_page", "1"), END,
};
static const struct proc_entry huge_entries[] = {
	TEXT("free_hugepages", "0"), TEXT("nr_hugepages", "0"), TEXT("nr_overcommit_hugepages", "0"), TEXT("resv_hugepages", "0"),
	TEXT("surplus_hugepages", "0"), END,
};
static const struct proc_entry hugepages_entries[] = { PROC_DIR("hugepages-2048kB", huge_entries), END };
static const struct proc_entry mm_entries[] = { PROC_DIR("hugepages", hugepages_entries), PROC_DIR("transparent_hugepage", thp_entries), END };
static const struct proc_entry kernel_entries[] = {
	PROC_DIR("debug", empty_entries), PROC_DIR("mm", mm_entries), PROC_DIR("security", empty_entries), TEXT("profiling", "0"), END,
};
static const struct proc_entry fs_entries[] = { PROC_DIR("cgroup", empty_entries), END };

static const struct proc_entry root_entries[] = {
	PROC_DIR("block", empty_entries), PROC_DIR("bus", empty_entries),	PROC_DIR("class", class_entries),
	PROC_DIR("dev", dev_entries),	  PROC_DIR("devices", devices_entries), PROC_DIR("firmware", empty_entries),
	PROC_DIR("fs", fs_entries),	  PROC_DIR("kernel", kernel_entries),	PROC_DIR("module", empty_entries),
	PROC_DIR("power", empty_entries), END,
};
static const struct proc_entry root_entry = { .name = "/", .mode = S_IFDIR | 0555, .children = root_entries };

static struct super_block *sysfs_mount(const struct file_system_type *type, unsigned long flags, const char *source, const char *data)
{
	return proc_super(type, flags, &root_entry);
}

static struct file_system_type sysfs_type = { .name = "sysfs", .magic = SYSFS_MAGIC, .mount = sysfs_mount };

static int sysfs_init(void)
{
	register_filesystem(&sysfs_type);
	return 0;
}
INITCALL(sysfs, sysfs_init, "");
