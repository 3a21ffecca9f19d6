// SPDX-License-Identifier: Apache-2.0
/* User and group ids, supplementary groups, capabilities, no_new_privs. Runs as uid 0. */
#include "test.h"

#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>

static void show_uids(void)
{
	uid_t r, e, s;

	getresuid(&r, &e, &s);
	say("uid %d %d %d fs %d", r, e, s, setfsuid(-1));
}

static void show_gids(void)
{
	gid_t r, e, s;

	getresgid(&r, &e, &s);
	say("gid %d %d %d fs %d", r, e, s, setfsgid(-1));
}

struct caps { uint64_t effective, permitted, inheritable; };
static struct caps get_caps(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2];

	syscall(SYS_capget, &header, d);
	return (struct caps){ d[0].effective | (uint64_t)d[1].effective << 32, d[0].permitted | (uint64_t)d[1].permitted << 32,
			      d[0].inheritable | (uint64_t)d[1].inheritable << 32 };
}
static int set_caps(struct caps c)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2] = { { c.effective, c.permitted, c.inheritable },
					       { c.effective >> 32, c.permitted >> 32, c.inheritable >> 32 } };

	return syscall(SYS_capset, &header, d);
}
static void show_caps(void)
{
	struct caps c = get_caps();

	say("caps: effective %s permitted %s inheritable %s", c.effective ? "some" : "none", c.permitted ? "some" : "none",
	    c.inheritable ? "some" : "none");
}

static void uids(void)
{
	SECTION("setuid");
	IN_CHILD({ show_uids(); SHOW(setuid(1)); show_uids(); SHOW(setuid(0)); SHOW(setuid(2)); SHOW(setuid(1)); SHOW(setuid(-1)); });
	SECTION("seteuid");
	IN_CHILD({ SHOW(seteuid(1)); show_uids(); show_caps(); SHOW(setuid(2)); SHOW(seteuid(0)); show_uids(); show_caps(); });
	SECTION("setreuid");
	IN_CHILD({ SHOW(setreuid(1, -1)); show_uids(); SHOW(setreuid(-1, 2)); show_uids(); SHOW(setreuid(2, 1)); show_uids(); SHOW(setreuid(3, -1)); });
	SECTION("setresuid");
	IN_CHILD({
		SHOW(setresuid(1, 2, 3));
		show_uids();
		show_caps();
		SHOW(setresuid(3, 1, 2));
		show_uids();
		SHOW(setresuid(4, -1, -1));
		SHOW(setresuid(-1, 4, -1));
		SHOW(setfsuid(2));
		show_uids();
	});
	SECTION("setgid");
	IN_CHILD({
		SHOW(setgid(1));
		show_gids();
		SHOW(setegid(0));
		SHOW(setregid(4, 5));
		show_gids();
		SHOW(setresgid(1, 2, 3));
		show_gids();
		SHOW(setuid(9));
		SHOW(setgid(2));
		show_gids();
		SHOW(setgid(5));
		SHOW(setresgid(3, 3, 3));
		show_gids();
		SHOW(setresgid(9, -1, -1));
	});
	SECTION("setfsuid");
	IN_CHILD({ SHOW(setfsuid(7)); show_uids(); SHOW(setfsuid(0)); });
}

static void groups(void)
{
	gid_t list[8] = { 30, 10, 20 };

	SECTION("groups");
	IN_CHILD({
		SHOW(setgroups(3, list));
		memset(list, 0, sizeof(list));
		SHOW(getgroups(0, NULL));
		SHOW(getgroups(2, list));
		SHOW(getgroups(-1, list));
		SHOW(getgroups(8, list));
		say("%d %d %d", list[0], list[1], list[2]);
		SHOW(syscall(SYS_setgroups, 65537, list));
		SHOW(setgroups(3, (void *)8));
		setuid(1);
		SHOW(setgroups(0, NULL));
		SHOW(getgroups(8, list));
	});
}

static void access_by_group(void)
{
	gid_t group = 77;

	SECTION("permission by group and uid");
	unlink("/tmp/cred-file");
	close(open("/tmp/cred-file", O_CREAT | O_WRONLY, 0640));
	chown("/tmp/cred-file", 5, 77);
	chmod("/tmp/cred-file", 0640);
	IN_CHILD({ setgroups(0, NULL); setgid(6); setuid(6); SHOW(open("/tmp/cred-file", O_RDONLY)); });
	IN_CHILD({
		setgroups(1, &group);
		setgid(6);
		setuid(6);
		OK(open("/tmp/cred-file", O_RDONLY));
		SHOW(open("/tmp/cred-file", O_WRONLY));
		SHOW(chmod("/tmp/cred-file", 0666));
	});
	IN_CHILD({ setgid(6); setuid(5); OK(open("/tmp/cred-file", O_RDWR)); SHOW(chown("/tmp/cred-file", 6, -1)); });
	IN_CHILD({ setfsuid(6); SHOW(open("/tmp/cred-file", O_RDWR)); setfsuid(0); OK(open("/tmp/cred-file", O_RDWR)); });
	IN_CHILD({ seteuid(6); SHOW(access("/tmp/cred-file", R_OK)); SHOW(faccessat(AT_FDCWD, "/tmp/cred-file", R_OK, AT_EACCESS)); });
	unlink("/tmp/cred-file");
}

static void capabilities(void)
{
	struct __user_cap_header_struct header = { 0x1234, 0 };
	struct __user_cap_data_struct data[2];

	SECTION("capget and capset");
	SHOW(syscall(SYS_capget, &header, NULL));
	say("version %x", header.version);
	header.version = 0x1234;
	SHOW(syscall(SYS_capget, &header, data));
	header.pid = -1;
	SHOW(syscall(SYS_capget, &header, data));
	header.pid = 1 << 30;
	SHOW(syscall(SYS_capget, &header, data));
	header.pid = 1;
	if (getpid() != 1)
		SHOW(syscall(SYS_capset, &header, data));
	SHOW(syscall(SYS_capget, (void *)8, data));
	IN_CHILD({
		struct caps c = get_caps();
		c.effective &= ~(1ULL << CAP_SETUID);
		SHOW(set_caps(c));
		SHOW(setuid(3) == -1 ? errno : 0);
		c.effective |= 1ULL << CAP_SETUID;
		SHOW(set_caps(c));
		c.permitted &= ~(1ULL << CAP_SETUID);
		SHOW(set_caps(c));
		c.effective &= ~(1ULL << CAP_SETUID);
		SHOW(set_caps(c));
		c.permitted |= 1ULL << CAP_SETUID;
		SHOW(set_caps(c));
	});
	SECTION("kill needs the same user");
	IN_CHILD({
		pid_t pid = fork();
		if (pid == 0) {
			pause();
			_exit(0);
		}
		setuid(3);
		SHOW(kill(pid, 0));
		SHOW(kill(pid, SIGTERM));
		SHOW(kill(pid, SIGCONT));
		SHOW(kill(1, SIGTERM));
		_exit(0);
	});
}

static void prctls(void)
{
	SECTION("prctl");
	IN_CHILD({
		SHOW(prctl(PR_GET_KEEPCAPS));
		SHOW(prctl(PR_SET_KEEPCAPS, 1));
		SHOW(prctl(PR_GET_KEEPCAPS));
		SHOW(prctl(PR_SET_KEEPCAPS, 2));
		setuid(5);
		show_caps();
		struct caps c = get_caps();
		c.effective = c.permitted;
		SHOW(set_caps(c));
		OK(setuid(0));
	});
	IN_CHILD({
		SHOW(prctl(PR_CAPBSET_READ, CAP_CHOWN));
		SHOW(prctl(PR_CAPBSET_READ, 64));
		SHOW(prctl(PR_CAPBSET_DROP, CAP_CHOWN));
		SHOW(prctl(PR_CAPBSET_READ, CAP_CHOWN));
		SHOW(prctl(PR_CAPBSET_DROP, 64));
		SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
		struct caps c = get_caps();
		c.inheritable = 1ULL << CAP_KILL;
		SHOW(set_caps(c));
		SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
		SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0));
		SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, CAP_KILL, 0, 0));
		SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_KILL, 0, 0));
		SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
		SHOW(prctl(PR_CAP_AMBIENT, 9, 0, 0, 0));
		SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 99, 0, 0));
	});
	IN_CHILD({
		SHOW(prctl(PR_GET_SECUREBITS));
		SHOW(prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED));
		SHOW(prctl(PR_SET_SECUREBITS, 0));
		SHOW(prctl(PR_SET_SECUREBITS, 0x10000));
		SHOW(prctl(PR_GET_SECUREBITS));
		setuid(4);
		show_caps();
	});
	IN_CHILD({
		SHOW(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
		SHOW(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
		SHOW(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
		SHOW(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	});
}

static void set_id_exec(const char *self)
{
	char buffer[65536];
	ssize_t n;
	int in, out;

	SECTION("set-user-ID programs");
	unlink("/root/cred-suid");
	in = open(self, O_RDONLY);
	out = open("/root/cred-suid", O_CREAT | O_WRONLY, 0755);
	while ((n = read(in, buffer, sizeof(buffer))) > 0)
		write(out, buffer, n);
	close(in);
	close(out);
	chmod("/root", 0755);
	chown("/root/cred-suid", 11, 12);
	chmod("/root/cred-suid", 06755);
	IN_CHILD({ setgid(6); setuid(6); execl("/root/cred-suid", "x", "show", NULL); say("exec: %s", error_name(errno)); });
	IN_CHILD({ prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); setgid(6); setuid(6); execl("/root/cred-suid", "x", "show", NULL); });
	chown("/root/cred-suid", 0, 0);
	chmod("/root/cred-suid", 04755);
	IN_CHILD({ setgid(6); setuid(6); show_caps(); execl("/root/cred-suid", "x", "show", NULL); });
	chmod("/root/cred-suid", 0755);
	IN_CHILD({ seteuid(6); execl("/root/cred-suid", "x", "show", NULL); });
	IN_CHILD({ setuid(6); execl("/root/cred-suid", "x", "show", NULL); });
	unlink("/root/cred-suid");
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		show_uids();
		show_gids();
		show_caps();
		return 0;
	}
	uids();
	groups();
	access_by_group();
	capabilities();
	prctls();
	set_id_exec("/proc/self/exe");
	return 0;
}
