// SPDX-License-Identifier: Apache-2.0
/* Scripts and execveat(2): how "#!" lines are cut up, what the interpreter is told, which descriptors can be run; ELF files that cannot. */
#include "test.h"

#include <elf.h>

static const char self[] = "/tmp/i"; /* this program by a short name: the runner's differ */

static void put(const char *path, const void *bytes, size_t n)
{
	int fd;

	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	if (fd < 0 || write(fd, bytes, n) != (ssize_t)n)
		say("cannot write %s: %s", path, error_name(errno));
	close(fd);
}

static void run(const char *what, int dirfd, const char *path, int flags)
{
	char *argv[] = { "zero", "one", "two", NULL }, *envp[] = { NULL };
	int status = 0;
	pid_t pid;

	printf("%s: ", what);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		syscall(SYS_execveat, dirfd, path, argv, envp, flags);
		say("%s", error_name(errno));
		_exit(0);
	}
	waitpid(pid, &status, 0);
	if (WIFSIGNALED(status))
		say("signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status))
		say("status %d", WEXITSTATUS(status));
}

/* This program as an interpreter: "#!SELF ..." prints what it was told. */
static int interpreter(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		printf("<%.200s>%s", argv[i], strlen(argv[i]) > 200 ? "..." : "");
	say("");
	return 0;
}

static void line(const char *what, const char *format, ...)
{
	char text[2000];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	put("/tmp/script", text, (size_t)n);
	run(what, AT_FDCWD, "/tmp/script", 0);
}

static void first_lines(void)
{
	char text[600], what[64];

	line("plain", "#!%s\n", self);
	line("one argument", "#!%s arg\n", self);
	line("blanks before", "#! \t %s arg\n", self);
	line("blanks in and behind the argument", "#!%s \t a  b\tc \t\n", self);
	line("no end of line", "#!%s arg", self);
	line("no end of line, no argument", "#!%s", self);
	line("carriage return", "#!%s arg\r\n", self);
	line("carriage return behind the name", "#!%s\r\n", self);
	line("blanks at the end of the file", "#!%s arg \t ", self);
	line("blanks and the end of the file", "#! \t ");
	line("empty", "#!\n");
	line("blank", "#!  \t \n");
	line("no line at all", "#!");
	line("only half of it", "#");
	line("relative", "#!bin/none\n");
	line("none such", "#!/none/such\n");
	line("a directory", "#!/tmp\n");
	line("a file that may not run", "#!/etc/passwd\n");
	line("itself", "#!/tmp/script\n");
	for (int length = 250; length <= 260; length++) {
		memset(text, 'x', sizeof(text));
		text[length] = '\0';
		snprintf(what, sizeof(what), "argument up to byte %d", length);
		line(what, "#!%s %.*s\n", self, length - (int)strlen(self) - 4, text);
		line(what, "#!/%.*s\n", length - 4, text);
		line(what, "#!%s%*s\n", self, length - (int)strlen(self) - 3, "");
	}
	put("/tmp/script", "#!\0/tmp/x\n", 10);
	run("a NUL", AT_FDCWD, "/tmp/script", 0);
	snprintf(text, sizeof(text), "#!%s axb\n", self);
	text[strlen(self) + 4] = '\0';
	put("/tmp/script", text, strlen(self) + 7);
	run("a NUL in the argument", AT_FDCWD, "/tmp/script", 0);
}

static void chains(void)
{
	char name[32], text[64];

	for (int i = 0; i < 8; i++) {
		snprintf(name, sizeof(name), "/tmp/chain%d", i);
		snprintf(text, sizeof(text), "#!%s%s%d\n", i ? "/tmp/chain" : self, i ? "" : " x", i ? i - 1 : 0);
		put(name, text, strlen(text));
		run(name, AT_FDCWD, name, 0);
	}
}

static void descriptors(void)
{
	char text[200];
	int dir = open("/tmp", O_RDONLY | O_DIRECTORY), dir_cloexec = open("/tmp", O_PATH | O_CLOEXEC), fd;

	snprintf(text, sizeof(text), "#!%s arg\n", self);
	put("/tmp/script", text, strlen(text));
	symlink("script", "/tmp/link");
	dup2(dir, 20);
	dup3(dir_cloexec, 21, O_CLOEXEC);
	run("relative to a directory", 20, "script", 0);
	run("relative to one that closes", 21, "script", 0);
	run("absolute", 21, "/tmp/script", 0);
	run("link", 20, "link", 0);
	run("link, not followed", 20, "link", AT_SYMLINK_NOFOLLOW);
	run("empty path without the flag", 20, "", 0);
	run("a directory", 20, "", AT_EMPTY_PATH);
	run("bad flag", 20, "script", 0x8000);
	run("bad descriptor", 99, "script", 0);
	fd = open("/tmp/script", O_RDONLY);
	dup2(fd, 22);
	run("open file", 22, "", AT_EMPTY_PATH);
	dup3(fd, 23, O_CLOEXEC);
	run("open file that closes", 23, "", AT_EMPTY_PATH);
	fd = open("/tmp/script", O_PATH);
	dup2(fd, 24);
	run("O_PATH", 24, "", AT_EMPTY_PATH);
	fd = open(self, O_PATH);
	dup3(fd, 25, O_CLOEXEC);
	run("program that closes", 25, "", AT_EMPTY_PATH);
	run("relative to a file", 22, "x", 0);
	unlink("/tmp/script");
	run("removed, closes", 23, "", AT_EMPTY_PATH);
	run("removed", 22, "", AT_EMPTY_PATH);
}

/* Each a little wrong; none of them starts. */
static void programs(void)
{
	char script[600] = "#!/tmp/i x\n";

	static struct {
		Elf64_Ehdr header;
		Elf64_Phdr segments[2];
		char text[64];
	} image, good = {
		{ { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT }, ET_EXEC, EM_X86_64, EV_CURRENT, 0x400000, sizeof(Elf64_Ehdr), 0, 0,
		  sizeof(Elf64_Ehdr), sizeof(Elf64_Phdr), 1, 0, 0, 0 },
		{ { PT_LOAD, PF_R | PF_X, 0, 0x400000, 0, sizeof(good), sizeof(good), 4096 }, { 0 } }, "" };
#define TRY(what, ...)                                                                             \
	image = good;                                                                              \
	__VA_ARGS__;                                                                               \
	put("/tmp/program", &image, sizeof(image));                                                \
	run(what, AT_FDCWD, "/tmp/program", 0)

	put("/tmp/chain0", script, sizeof(script));
	put("/tmp/chain9", script, 11);
	TRY("magic", image.header.e_ident[1] = 'F');
	TRY("machine", image.header.e_machine = EM_AARCH64);
	TRY("type", image.header.e_type = ET_REL);
	TRY("size of a segment's header", image.header.e_phentsize = 55);
	TRY("no segments", image.header.e_phnum = 0);
	TRY("segments behind the end", image.header.e_phoff = 100000);
	TRY("segments before the start", image.header.e_phoff = -64UL);
	TRY("interpreter without a name", image.header.e_phnum = 2; image.segments[1].p_type = PT_INTERP; image.segments[1].p_filesz = 1);
	TRY("interpreter without an end", image.header.e_phnum = 2; image.segments[1].p_type = PT_INTERP; image.segments[1].p_filesz = 5;
	    image.segments[1].p_offset = offsetof(typeof(image), text); memcpy(image.text, "/bin/sh", 8));
	TRY("interpreter that is none", image.header.e_phnum = 2; image.segments[1].p_type = PT_INTERP; image.segments[1].p_filesz = 12;
	    image.segments[1].p_offset = offsetof(typeof(image), text); memcpy(image.text, "/etc/passwd", 12));
	TRY("interpreter that is not there", image.header.e_phnum = 2; image.segments[1].p_type = PT_INTERP; image.segments[1].p_filesz = 6;
	    image.segments[1].p_offset = offsetof(typeof(image), text); memcpy(image.text, "/none", 6));
	TRY("interpreter that is a script", image.header.e_phnum = 2; image.segments[1].p_type = PT_INTERP; image.segments[1].p_filesz = 12;
	    image.segments[1].p_offset = offsetof(typeof(image), text); memcpy(image.text, "/tmp/chain0", 12));
	TRY("interpreter that is short", image.header.e_phnum = 2; image.segments[1].p_type = PT_INTERP; image.segments[1].p_filesz = 12;
	    image.segments[1].p_offset = offsetof(typeof(image), text); memcpy(image.text, "/tmp/chain9", 12));
	put("/tmp/program", &good, 40);
	run("short", AT_FDCWD, "/tmp/program", 0);
	put("/tmp/program", "", 0);
	run("empty file", AT_FDCWD, "/tmp/program", 0);
	put("/tmp/program", "text\n", 5);
	run("text", AT_FDCWD, "/tmp/program", 0);
}

int main(int argc, char **argv)
{
	char path[PATH_MAX];
	ssize_t n;

	if (argc && strcmp(argv[0], "zero") && argc > 1)
		return interpreter(argc, argv);
	if (argc > 2) { /* as "program that closes" */
		say("%s %s", argv[1], argv[2]);
		return 0;
	}
	n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	path[n] = '\0';
	unlink(self);
	symlink(path, self);
	first_lines();
	chains();
	descriptors();
	programs();
	return 0;
}
