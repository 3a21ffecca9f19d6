// SPDX-License-Identifier: Apache-2.0
/* Pseudoterminals: line discipline, window size, job control. */
#include "test.h"

#include <sys/ioctl.h>
#include <termios.h>

static int master, slave;

static void show_read(int fd)
{
	char buf[256];
	struct pollfd p = { fd, POLLIN, 0 };

	if (poll(&p, 1, 200) == 0) {
		say("  nothing");
		return;
	}
	ssize_t n = read(fd, buf, sizeof(buf)), more;
	/* What the terminal shows may come in pieces; what a program reads, line by line. */
	while (fd == master && n > 0 && poll(&p, 1, 50) > 0 && (more = read(fd, buf + n, sizeof(buf) - n)) > 0)
		n += more;
	if (n < 0) {
		say("  %s", error_name(errno));
		return;
	}
	printf("  %zd:", n);
	for (ssize_t i = 0; i < n; i++)
		printf(buf[i] >= 32 && buf[i] < 127 ? " %c" : " %02x", (unsigned char)buf[i]);
	say("");
}

static void put(const char *s)
{
	write(master, s, strlen(s));
	sleep_ms(30); /* a Linux terminal takes it a little later */
}

static void discipline(void)
{
	struct termios t;
	struct winsize w = { 24, 80, 0, 0 };
	int n;

	SECTION("line discipline");
	CHECK(isatty(slave));
	CHECK(isatty(master));
	tcgetattr(slave, &t);
	say("%x %x %x %x", t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag);
	for (int i = 0; i < 17; i++)
		printf("%d ", t.c_cc[i]);
	say("");
	put("hello\n");
	show_read(slave);
	show_read(master); /* echo */
	put("par");
	show_read(slave);
	put("t\r");
	show_read(slave);
	show_read(master);
	put("abc\177\177d\n"); /* erase */
	show_read(slave);
	show_read(master);
	put("one two\027three\n"); /* word erase */
	show_read(slave);
	put("gone\025kept\n"); /* kill */
	show_read(slave);
	show_read(master);
	put("eof\004");
	show_read(slave);
	put("\004");
	show_read(slave);
	put("quoted \026\003\n");
	show_read(slave);
	show_read(master);
	write(slave, "a\nb", 3);
	show_read(master);
	put("two\nlines\n");
	SHOW(ioctl(slave, FIONREAD, &n));
	say("n %d", n);
	show_read(slave);
	show_read(slave);
	show_read(master);
	t.c_lflag &= ~(ICANON | ECHO);
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	SHOW(tcsetattr(slave, TCSANOW, &t));
	put("raw");
	show_read(slave);
	show_read(master);
	t.c_cc[VMIN] = 3;
	t.c_cc[VTIME] = 1;
	tcsetattr(slave, TCSANOW, &t);
	put("ab");
	show_read(slave);
	t.c_cc[VMIN] = 0;
	tcsetattr(slave, TCSANOW, &t);
	char c;
	SHOW(read(slave, &c, 1));
	t.c_oflag &= ~OPOST;
	tcsetattr(slave, TCSANOW, &t);
	write(slave, "x\ny", 3);
	show_read(master);
	SHOW(ioctl(master, TIOCSWINSZ, &w));
	w = (struct winsize){ 0 };
	SHOW(ioctl(slave, TIOCGWINSZ, &w));
	say("%d %d", w.ws_row, w.ws_col);
	put("flushed");
	SHOW(tcflush(slave, TCIFLUSH));
	show_read(slave);
	struct termios locked = { .c_lflag = ICANON, .c_iflag = ICRNL }, now, before;
	locked.c_cc[VINTR] = 1;
	tcgetattr(slave, &before);
	SHOW(ioctl(slave, TIOCGLCKTRMIOS, &now));
	say("%x %x %d", now.c_lflag, now.c_iflag, now.c_cc[VINTR]);
	SHOW(ioctl(master, TIOCSLCKTRMIOS, &locked));
	SHOW(ioctl(slave, TIOCGLCKTRMIOS, &now));
	say("%x %x %d", now.c_lflag, now.c_iflag, now.c_cc[VINTR]);
	now = before;
	now.c_lflag ^= ICANON | ECHO;
	now.c_iflag ^= ICRNL | IXON;
	now.c_cc[VINTR] = 5;
	now.c_cc[VQUIT] = 6;
	SHOW(tcsetattr(slave, TCSANOW, &now));
	tcgetattr(slave, &now);
	say("changed: %x %x %d %d", now.c_lflag ^ before.c_lflag, now.c_iflag ^ before.c_iflag, now.c_cc[VINTR] != before.c_cc[VINTR], now.c_cc[VQUIT]);
	SHOW(ioctl(slave, TIOCSLCKTRMIOS, 8));
	memset(&locked, 0, sizeof(locked));
	SHOW(ioctl(slave, TIOCSLCKTRMIOS, &locked));
	tcsetattr(slave, TCSANOW, &before);
	IN_CHILD(SHOW(setuid(1000)); SHOW(ioctl(slave, TIOCSLCKTRMIOS, &locked)); SHOW(ioctl(slave, TIOCGLCKTRMIOS, &locked)));
	SHOW(ioctl(0, TCGETS, &t));
	SHOW(ioctl(slave, 0x1234, &t));
}

static volatile int got;
static void handler(int sig) { got = sig; }

static void child(int report)
{
	char c;
	int status;

	setsid();
	SHOW(ioctl(slave, TIOCSCTTY, 0));
	CHECK(tcgetpgrp(slave) == getpgrp());
	CHECK(tcgetsid(slave) == getpid());
	int tty = open("/dev/tty", O_RDWR);
	CHECK(tty >= 0);
	struct sigaction action = { .sa_handler = handler };
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGQUIT, &action, NULL);
	sigaction(SIGWINCH, &action, NULL);
	sigaction(SIGTSTP, &action, NULL);
	write(report, "r", 1);
	SHOW(read(slave, &c, 1));
	say("%s", sigabbrev_np(got));
	write(report, "r", 1);
	SHOW(read(slave, &c, 1));
	say("%s", sigabbrev_np(got));
	write(report, "r", 1);
	pause();
	say("%s", sigabbrev_np(got));
	/* a background group may not read, and with TOSTOP not write */
	pid_t pid = fork();
	if (!pid) {
		setpgid(0, 0);
		signal(SIGTTIN, SIG_DFL);
		read(tty, &c, 1);
		_exit(0);
	}
	setpgid(pid, pid);
	waitpid(pid, &status, WUNTRACED);
	show_status("background reader", status);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	pid = fork();
	if (!pid) {
		setpgid(0, 0);
		signal(SIGTTIN, SIG_IGN);
		SHOW(read(tty, &c, 1));
		signal(SIGTTOU, SIG_DFL);
		struct termios t;
		tcgetattr(tty, &t);
		tcsetattr(tty, TCSANOW, &t);
		_exit(0);
	}
	setpgid(pid, pid);
	waitpid(pid, &status, WUNTRACED);
	show_status("background tcsetattr", status);
	SHOW(tcsetpgrp(tty, pid));
	kill(pid, SIGCONT);
	waitpid(pid, &status, 0);
	show_status("foreground tcsetattr", status);
	signal(SIGTTOU, SIG_IGN);
	SHOW(tcsetpgrp(tty, getpgrp()));
	SHOW(tcsetpgrp(tty, 99999));
	SHOW(ioctl(tty, TIOCNOTTY));
	SHOW(open("/dev/tty", O_RDWR));
	fflush(stdout);
	_exit(0);
}

static void job_control(void)
{
	int report[2], status;
	char c;
	struct termios t;
	struct winsize w = { 30, 90, 0, 0 };

	SECTION("job control");
	tcgetattr(slave, &t);
	t.c_lflag |= ICANON | ISIG;
	tcsetattr(slave, TCSANOW, &t);
	pipe(report);
	pid_t pid = fork();
	if (!pid)
		child(report[1]);
	read(report[0], &c, 1);
	sleep_ms(50);
	put("\003");
	read(report[0], &c, 1);
	sleep_ms(50);
	put("\034");
	read(report[0], &c, 1);
	sleep_ms(50);
	ioctl(master, TIOCSWINSZ, &w);
	waitpid(pid, &status, 0);
	show_status("session leader", status);
	/* hang up: the session leader gets SIGHUP when the master closes */
	pid = fork();
	if (!pid) {
		setsid();
		ioctl(slave, TIOCSCTTY, 0);
		close(master);
		write(report[1], "r", 1);
		for (;;)
			pause();
	}
	read(report[0], &c, 1);
	close(master);
	waitpid(pid, &status, 0);
	show_status("after hang up", status);
	SHOW(read(slave, &c, 1));
	SHOW(write(slave, &c, 1));
}

int main(void)
{
	char *name;

	master = posix_openpt(O_RDWR | O_NOCTTY);
	SHOW(grantpt(master));
	int second = -1;
	name = ptsname(master);
	CHECK(name && !strncmp(name, "/dev/pts/", 9));
	SHOW(open(name, O_RDWR | O_NOCTTY));
	SHOW(unlockpt(master));
	slave = open(name, O_RDWR | O_NOCTTY);
	CHECK(slave >= 0);
	second = posix_openpt(O_RDWR | O_NOCTTY);
	unlockpt(second);
	CHECK(strcmp(ptsname(second), "/dev/pts/1") == 0);
	close(second);
	discipline();
	job_control();
	return 0;
}
