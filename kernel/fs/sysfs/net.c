/* SPDX-License-Identifier: Apache-2.0 */
/* class/net and devices/virtual/net: the interfaces. Inodes remember the index of theirs. */
#include "kernel/fs/sysfs/sysfs.h"
#include "kernel/net/netlink/netlink.h"

/* The device a file is about; NULL: it is gone. */
static struct net_device *device_of(struct file *file) { return net_device_find(current_net(), proc_i(file->inode)->fd); }

static int show_hardware(struct seq_buffer *seq, const u8 *address)
{
	for (int i = 0; i < 6; i++)
		seq_printf(seq, "%02x%c", address[i], i == 5 ? '\n' : ':');
	return 0;
}

static int show_address(struct file *file, struct seq_buffer *seq)
{
	struct net_device *d = device_of(file);

	return d ? show_hardware(seq, d->hardware) : -ENODEV;
}

static int show_broadcast(struct file *file, struct seq_buffer *seq)
{
	struct net_device *d = device_of(file);

	return d ? show_hardware(seq, d->hardware_broadcast) : -ENODEV;
}

static int show_carrier(struct file *file, struct seq_buffer *seq)
{
	struct net_device *d = device_of(file);

	if (!d)
		return -ENODEV;
	if (!(d->flags & IFF_UP))
		return -EINVAL;
	seq_puts(seq, "1\n");
	return 0;
}

static int show_flags(struct file *file, struct seq_buffer *seq)
{
	struct net_device *d = device_of(file);

	/* Without those that follow from the state of the wire. */
	if (d)
		seq_printf(seq, "0x%x\n", device_flags(d) & ~(u32)(IFF_RUNNING | IFF_LOWER_UP));
	return d ? 0 : -ENODEV;
}

static int show_index(struct file *file, struct seq_buffer *seq)
{
	struct net_device *d = device_of(file);

	if (d)
		seq_printf(seq, "%d\n", d->index);
	return d ? 0 : -ENODEV;
}

static int show_mtu(struct file *file, struct seq_buffer *seq)
{
	struct net_device *d = device_of(file);

	if (d)
		seq_printf(seq, "%u\n", d->mtu);
	return d ? 0 : -ENODEV;
}

static int show_operstate(struct file *file, struct seq_buffer *seq)
{
	struct net_device *d = device_of(file);

	if (d)
		seq_printf(seq, "%s\n", device_operstate_name(d));
	return d ? 0 : -ENODEV;
}

static int show_queue(struct file *file, struct seq_buffer *seq)
{
	struct net_device *d = device_of(file);

	if (d)
		seq_printf(seq, "%u\n", d->tx_queue_length);
	return d ? 0 : -ENODEV;
}

static int show_type(struct file *file, struct seq_buffer *seq)
{
	struct net_device *d = device_of(file);

	if (d)
		seq_printf(seq, "%u\n", d->type);
	return d ? 0 : -ENODEV;
}

static int show_uevent(struct file *file, struct seq_buffer *seq)
{
	struct net_device *d = device_of(file);

	if (d)
		seq_printf(seq, "INTERFACE=%s\nIFINDEX=%d\n", d->name, d->index);
	return d ? 0 : -ENODEV;
}

static int show_counter(struct file *file, struct seq_buffer *seq)
{
	struct net_device *d = device_of(file);
	size_t offset = (size_t)proc_i(file->inode)->entry->highest;

	if (d)
		seq_printf(seq, "%llu\n", (unsigned long long)(offset ? *(u64 *)((char *)d + offset) : 0));
	return d ? 0 : -ENODEV;
}

static int show_text(struct file *file, struct seq_buffer *seq)
{
	seq_printf(seq, "%s\n", (const char *)proc_i(file->inode)->entry->data);
	return 0;
}

#define TEXT(name_, text_) PROC_FILE(name_, 0444, show_text, .data = (void *)(text_))
#define SHOW(name_, show_) PROC_FILE(name_, 0444, show_)
#define COUNTER(name_, field_) PROC_FILE(name_, 0444, show_counter, .highest = offsetof(struct net_device, field_))
#define ZERO(name_) PROC_FILE(name_, 0444, show_counter)

static const struct proc_entry statistics_entries[] = {
	ZERO("collisions"), ZERO("multicast"), COUNTER("rx_bytes", rx_bytes), ZERO("rx_dropped"), ZERO("rx_errors"),
	COUNTER("rx_packets", rx_packets), COUNTER("tx_bytes", tx_bytes), ZERO("tx_dropped"), ZERO("tx_errors"),
	COUNTER("tx_packets", tx_packets), { 0 },
};
static const struct proc_entry device_entries[] = {
	TEXT("addr_len", "6"), SHOW("address", show_address), SHOW("broadcast", show_broadcast), SHOW("carrier", show_carrier),
	TEXT("dormant", "0"), SHOW("flags", show_flags), SHOW("ifindex", show_index), SHOW("iflink", show_index), TEXT("link_mode", "0"),
	SHOW("mtu", show_mtu), SHOW("operstate", show_operstate), PROC_DIR("statistics", statistics_entries), SHOW("tx_queue_len", show_queue),
	SHOW("type", show_type), SHOW("uevent", show_uevent), { 0 },
};
static const struct proc_entry device_entry = { .name = "", .mode = S_IFDIR | 0555, .children = device_entries };

static int net_lookup(struct inode *dir, struct dentry *dentry)
{
	char name[IFNAMSIZ];
	struct net_device *d;

	if (dentry->name_length >= IFNAMSIZ)
		return -ENOENT;
	memcpy(name, dentry->name, dentry->name_length);
	name[dentry->name_length] = 0;
	d = net_device_find_name(current_net(), name);
	return d ? proc_bind(dentry, &device_entry, dir, NULL, d->index) : -ENOENT;
}

/* Interfaces come, go and change their names: each walk looks again. */
static bool net_revalidate(struct dentry *dentry) { return false; }

static int net_iterate(struct file *file, struct dir_context *ctx)
{
	struct net_device *d;
	loff_t at = 2;

	if (!dir_emit_dots(file, ctx))
		return 0;
	list_for_each_entry(d, &current_net()->devices, link) {
		if (at++ < ctx->pos)
			continue;
		if (!dir_emit(ctx, d->name, strlen(d->name), proc_ino(&device_entry, 0, d->index), 4))
			break;
		ctx->pos++;
	}
	return 0;
}

const struct inode_operations sysfs_net_iops = {
	.lookup = net_lookup,
	.getattr = proc_getattr,
	.setattr = proc_setattr,
	.revalidate = net_revalidate,
};
const struct file_operations sysfs_net_fops = { .name = "sysfs net", .llseek = seq_llseek, .iterate = net_iterate };
