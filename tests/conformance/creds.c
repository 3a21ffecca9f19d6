// SPDX-License-Identifier: Apache-2.0
/* Users, groups, capabilities, permissions, set-id programs. */
#include "test.h"

#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>

static void show_ids(void)
{
	uid_t r, e, s;
	gid_t rg, eg, sg;

	getresuid(&r, &e, &s);
	getresgid(&rg, &eg, &sg);
	say("uid %d %d %d gid %d %d %d", r, e, s, rg, eg, sg);
}

static int effective_caps(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return -1;
	return (data[0].effective >> CAP_CHOWN & 1) | (data[0].effective >> CAP_SETUID & 1) << 1 | (data[0].effective >> CAP_KILL & 1) << 2;
}

static void ids(void)
{
	gid_t groups[4] = { 5, 6, 7 };

	SECTION("ids");
	show_ids();
	SHOW(setgroups(3, groups));
	SHOW(getgroups(0, NULL));
	SHOW(getgroups(2, groups));
	SHOW(getgroups(4, groups));
	IN_CHILD({
		SHOW(setresuid(1000, 2000, 3000));
		show_ids();
		SHOW(setresuid(4000, -1, -1));
		SHOW(seteuid(1000));
		SHOW(setresuid(3000, 1000, 2000));
		show_ids();
		SHOW(setuid(2000));
		show_ids();
		SHOW(setgid(77));
		SHOW(setgroups(0, NULL));
	});
	IN_CHILD({
		SHOW(setgid(100));
		SHOW(setuid(1000));
		show_ids();
		SHOW(setuid(0));
		say("caps %d", effective_caps());
	});
	IN_CHILD({
		say("caps %d", effective_caps());
		SHOW(seteuid(1000));
		say("caps %d", effective_caps());
		SHOW(seteuid(0));
		say("caps %d", effective_caps());
		SHOW(setreuid(1000, -1));
		show_ids();
		SHOW(setreuid(-1, 1000));
		show_ids();
		SHOW(seteuid(0));
	});
	IN_CHILD({
		SHOW(prctl(PR_SET_KEEPCAPS, 1));
		SHOW(setuid(1000));
		say("caps %d", effective_caps());
		struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
		struct __user_cap_data_struct data[2];
		SHOW(syscall(SYS_capget, &header, data));
		data[0].effective = data[0].permitted = 1 << CAP_SETUID;
		data[1].effective = data[1].permitted = 0;
		SHOW(syscall(SYS_capset, &header, data));
		say("caps %d", effective_caps());
		SHOW(setuid(0));
		data[0].permitted = 1 << CAP_CHOWN;
		SHOW(syscall(SYS_capset, &header, data));
	});
	SHOW(setfsuid(0));
	SHOW(prctl(PR_CAPBSET_READ, CAP_CHOWN));
	SHOW(prctl(PR_CAPBSET_READ, 99));
	SHOW(prctl(PR_GET_SECUREBITS));
	IN_CHILD({
		SHOW(prctl(PR_CAPBSET_DROP, CAP_CHOWN));
		SHOW(prctl(PR_CAPBSET_READ, CAP_CHOWN));
		SHOW(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
		SHOW(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
		SHOW(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
	});
}

static void permissions(const char *dir)
{
	struct stat st;

	say("-- permissions in %s", dir);
	chdir(dir);
	umask(0);
	close(open("mine", O_CREAT | O_WRONLY, 0600));
	close(open("readable", O_CREAT | O_WRONLY, 0644));
	mkdir("private", 0700);
	close(open("private/file", O_CREAT | O_WRONLY, 0666));
	mkdir("sticky", 01777);
	close(open("sticky/root", O_CREAT | O_WRONLY, 0666));
	mkdir("setgid", 02777);
	chown("setgid", -1, 50);
	SHOW(chown("readable", 1000, 100));
	stat("readable", &st);
	say("%d %d %o", st.st_uid, st.st_gid, st.st_mode);
	chmod("readable", 06755);
	SHOW(chown("readable", 1000, 100));
	stat("readable", &st);
	say("%o", st.st_mode);
	IN_CHILD({
		setgid(100);
		setgroups(0, NULL);
		setuid(1000);
		SHOW(open("mine", O_RDONLY));
		SHOW(open("readable", O_RDWR) >= 0);
		SHOW(open("private/file", O_RDONLY));
		SHOW(stat("private/file", &st));
		SHOW(access("private", X_OK));
		SHOW(unlink("sticky/root"));
		SHOW(rename("sticky/root", "sticky/x"));
		SHOW(open("sticky/own", O_CREAT | O_WRONLY, 0600) >= 0);
		SHOW(unlink("sticky/own"));
		SHOW(open("setgid/new", O_CREAT | O_WRONLY, 0666) >= 0);
		stat("setgid/new", &st);
		say("gid %d uid %d", st.st_gid, st.st_uid);
		SHOW(chmod("mine", 0666));
		SHOW(chown("readable", 0, -1));
		SHOW(chown("readable", -1, 50));
		SHOW(chown("readable", -1, 100));
		SHOW(chmod("readable", 02755));
		stat("readable", &st);
		say("%o", st.st_mode);
		SHOW(utimensat(AT_FDCWD, "mine", NULL, 0));
		SHOW(mknod("dev", S_IFCHR | 0600, 0x103));
		SHOW(chroot("/"));
		SHOW(sethostname("x", 1));
		SHOW(kill(1, 0));
		SHOW(setpriority(PRIO_PROCESS, 0, -5));
		SHOW(link("mine", "mine2"));
	});
	unlink("setgid/new");
	unlink("sticky/root");
	unlink("private/file");
	rmdir("private");
	rmdir("sticky");
	rmdir("setgid");
	unlink("mine");
	unlink("readable");
}

static void set_id_programs(const char *self)
{
	char copy[] = "/data/setid";

	SECTION("set-id program");
	int in = open(self, O_RDONLY), out = open(copy, O_CREAT | O_WRONLY | O_TRUNC, 0755);
	char buffer[65536];
	ssize_t n;
	while ((n = read(in, buffer, sizeof(buffer))) > 0)
		write(out, buffer, n);
	close(out);
	SHOW(chown(copy, 3000, 4000));
	SHOW(chmod(copy, 06755));
	IN_CHILD({
		setgid(100);
		setuid(1000);
		execl(copy, "setid", "ids", NULL);
	});
	IN_CHILD({
		setgid(100);
		setuid(1000);
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		execl(copy, "setid", "ids", NULL);
	});
	chown(copy, 0, 0);
	chmod(copy, 04755);
	IN_CHILD({
		setgid(100);
		setuid(1000);
		execl(copy, "setid", "ids", NULL);
	});
	unlink(copy);
}

int main(int argc, char **argv)
{
	char self[256] = { 0 };

	if (argc > 1) {
		show_ids();
		say("caps %d", effective_caps());
		return 0;
	}
	readlink("/proc/self/exe", self, sizeof(self) - 1);
	ids();
	permissions("/tmp");
	permissions("/data");
	set_id_programs(self);
	return 0;
}
