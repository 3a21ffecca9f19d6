// SPDX-License-Identifier: Apache-2.0
/* Pseudoterminals: the line discipline, termios, packet mode, hang-up, job control on a terminal. */
#include "test.h"

#include <sys/ioctl.h>
#include <termios.h>

static int master, slave;
static char slave_name[64];

static void open_pair(void)
{
	int unlock = 0, number = -1;

	master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	ioctl(master, TIOCGPTN, &number);
	ioctl(master, TIOCSPTLCK, &unlock);
	snprintf(slave_name, sizeof(slave_name), "/dev/pts/%d", number);
	slave = open(slave_name, O_RDWR | O_NOCTTY);
}

static void close_pair(void)
{
	close(slave);
	close(master);
}

static void show_bytes(const char *what, const char *data, ssize_t n)
{
	char line[4096];
	int at = 0;

	if (n < 0) {
		say("%s: %s", what, error_name(errno));
		return;
	}
	for (ssize_t i = 0; i < n && at < 4000; i++) {
		unsigned char c = data[i];

		if (c < 32 || c >= 127 || c == '\\')
			at += sprintf(line + at, "\\%03o", c);
		else
			line[at++] = c;
	}
	line[at] = 0;
	say("%s: %zd \"%s\"", what, n, line);
}

/* Everything that comes until nothing has come for a while. */
static void drain(const char *what, int fd)
{
	char data[8192];
	ssize_t n, total = 0;
	struct pollfd p = { fd, POLLIN, 0 };

	while (total < (ssize_t)sizeof(data) && poll(&p, 1, 100) > 0 && (p.revents & POLLIN)) {
		n = read(fd, data + total, sizeof(data) - total);
		if (n <= 0)
			break;
		total += n;
	}
	show_bytes(what, data, total);
}

static void type(const char *text)
{
	write(master, text, strlen(text));
	sleep_ms(40);
}

static void read_slave(size_t size)
{
	char data[8192];
	struct pollfd p = { slave, POLLIN, 0 };

	if (poll(&p, 1, 200) <= 0) {
		say("slave: nothing to read");
		return;
	}
	show_bytes("slave", data, read(slave, data, size));
}

static struct termios get(void)
{
	struct termios t;

	memset(&t, 0, sizeof(t));
	tcgetattr(slave, &t);
	return t;
}

static void set(struct termios *t) { tcsetattr(slave, TCSANOW, t); }

static void settings(void)
{
	struct termios t;
	struct winsize w = { 25, 80, 1, 2 }, got;
	unsigned n;
	char name[64];

	SECTION("settings");
	open_pair();
	SHOW(isatty(slave));
	SHOW(isatty(master));
	SHOW(ttyname_r(slave, name, sizeof(name)));
	say("%s", strcmp(name, slave_name) ? name : "same name");
	t = get();
	say("%o %o %o %o line %d", t.c_iflag, t.c_oflag, t.c_cflag, t.c_lflag, t.c_line);
	show_bytes("cc", (char *)t.c_cc, 19);
	say("speed %d", cfgetospeed(&t) == B38400);
	cfsetspeed(&t, B9600);
	t.c_cflag = (t.c_cflag & ~CSIZE) | CS7 | PARENB;
	SHOW(tcsetattr(slave, TCSADRAIN, &t));
	t = get();
	say("cflag %o", t.c_cflag);
	SHOW(tcgetattr(master, &t));
	say("same on the master: %o", t.c_cflag);
	SHOW(ioctl(slave, TIOCGWINSZ, &got));
	say("%d %d", got.ws_row, got.ws_col);
	SHOW(ioctl(master, TIOCSWINSZ, &w));
	SHOW(ioctl(slave, TIOCGWINSZ, &got));
	say("%d %d %d %d", got.ws_row, got.ws_col, got.ws_xpixel, got.ws_ypixel);
	SHOW(ioctl(slave, TIOCGETD, &n));
	say("discipline %d", n);
	SHOW(ioctl(slave, TIOCGPTN, &n));
	SHOW(ioctl(master, TIOCGPTLCK, &n));
	say("locked %d", n);
	SHOW(ioctl(slave, TCFLSH, 9));
	SHOW(ioctl(slave, TCXONC, 9));
	SHOW(ioctl(slave, TIOCGPGRP, &n));
	SHOW(ioctl(slave, TIOCGSID, &n));
	SHOW(ioctl(slave, TIOCNOTTY, 0));
	SHOW(ioctl(slave, 0x5499, &n));
	SHOW(lseek(slave, 0, SEEK_SET));
	SHOW(tcsendbreak(slave, 0));
	SHOW(tcdrain(slave));
	SHOW(ioctl(slave, TIOCEXCL, 0));
	SHOW(ioctl(slave, TIOCGEXCL, &n));
	say("exclusive %d", n);
	close_pair();
	SECTION("locked");
	master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	ioctl(master, TIOCGPTN, &n);
	snprintf(slave_name, sizeof(slave_name), "/dev/pts/%d", n);
	SHOW(open(slave_name, O_RDWR | O_NOCTTY));
	n = 0;
	ioctl(master, TIOCSPTLCK, &n);
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	SHOW(isatty(slave));
	struct stat st;
	fstat(slave, &st);
	say("mode %o major %d", st.st_mode & ~0777, (int)(st.st_rdev >> 8 & 0xfff));
	close_pair();
	SHOW(open(slave_name, O_RDWR | O_NOCTTY));
}

static void canonical(void)
{
	struct termios t;
	char data[64];
	int n;

	SECTION("canonical");
	open_pair();
	type("hello\n");
	drain("echo", master);
	read_slave(64);
	type("abc");
	SHOW(fcntl(slave, F_SETFL, O_NONBLOCK));
	SHOW(read(slave, data, 64));
	SHOW(ioctl(slave, FIONREAD, &n));
	say("n %d", n);
	type("\x7f\x7fxy\r");
	drain("echo", master);
	SHOW(ioctl(slave, FIONREAD, &n));
	say("n %d", n);
	read_slave(2);
	read_slave(64);
	type("one two  three\x17!\x15 four\x12\n");
	drain("echo", master);
	read_slave(64);
	type("tab\there\x7f\x7f\x7f\x7f\x7f\n");
	drain("echo", master);
	read_slave(64);
	type("ctrl\x01\x02\x7f.\n");
	drain("echo", master);
	read_slave(64);
	type("lit\x16\x03\x16\n.\n");
	drain("echo", master);
	read_slave(64);
	SECTION("end of file");
	type("\x04");
	read_slave(64);
	type("partial\x04");
	read_slave(64);
	type("exact\x04");
	read_slave(5);
	type("more\n");
	read_slave(64);
	type("a\nb\nc\n");
	read_slave(64);
	read_slave(64);
	read_slave(64);
	drain("echo", master);
	SECTION("other settings");
	t = get();
	t.c_lflag &= ~ECHOCTL;
	t.c_cc[VEOL] = ';';
	t.c_cc[VEOL2] = '+';
	set(&t);
	type("a;b+c\n");
	read_slave(64);
	read_slave(64);
	read_slave(64);
	type("x\x01y\x7f\x7f\n");
	drain("echo", master);
	read_slave(64);
	t.c_lflag &= ~ECHO;
	t.c_lflag |= ECHONL;
	set(&t);
	type("quiet\n");
	drain("echo", master);
	read_slave(64);
	t.c_lflag |= ECHO | ECHOPRT;
	set(&t);
	type("print\x7f\x7f!\n");
	drain("echo", master);
	read_slave(64);
	t.c_lflag &= ~(ECHOPRT | ECHOE | ECHOKE);
	set(&t);
	type("noe\x7f\x7fz\x15kill\n");
	drain("echo", master);
	read_slave(64);
	t = get();
	t.c_lflag |= ECHO | ECHOE;
	t.c_iflag |= IUTF8;
	set(&t);
	type("\xc3\xa4\xc3\xb6\x7f.\n");
	drain("echo", master);
	read_slave(64);
	t.c_iflag = IGNCR | ISTRIP;
	set(&t);
	type("a\r\xe1\n");
	drain("echo", master);
	read_slave(64);
	t.c_iflag = INLCR;
	set(&t);
	type("a\nb\r");
	drain("echo", master);
	close_pair();
}

static void output(void)
{
	struct termios t;

	SECTION("output");
	open_pair();
	write(slave, "a\nb\r\n\tc\n", 8);
	drain("master", master);
	t = get();
	t.c_oflag = OPOST | OCRNL | ONOCR | TAB3;
	set(&t);
	write(slave, "\rab\tc\rd\n\te\n", 11);
	drain("master", master);
	t.c_oflag = OPOST | OLCUC | ONLCR | ONLRET;
	set(&t);
	write(slave, "low\nUP\n", 7);
	drain("master", master);
	t.c_oflag = ONLCR;
	set(&t);
	write(slave, "raw\n", 4);
	drain("master", master);
	SECTION("flow control");
	t.c_oflag = 0;
	t.c_iflag = IXON;
	set(&t);
	fcntl(slave, F_SETFL, O_NONBLOCK);
	type("\x13");
	SHOW(write(slave, "held", 4));
	type("\x11");
	SHOW(write(slave, "free", 4));
	drain("master", master);
	SHOW(tcflow(slave, TCOOFF));
	SHOW(write(slave, "held", 4));
	SHOW(tcflow(slave, TCOON));
	SHOW(write(slave, "free", 4));
	SHOW(tcflow(slave, TCIOFF));
	drain("master", master);
	write(slave, "flushed", 7);
	sleep_ms(20);
	SHOW(tcflush(slave, TCOFLUSH));
	close_pair();
}

static void raw(void)
{
	struct termios t;
	char data[64];
	uint64_t start;
	pid_t pid;

	SECTION("raw");
	open_pair();
	t = get();
	cfmakeraw(&t);
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	set(&t);
	type("a\r\n\x03\x04\x7f");
	read_slave(3);
	read_slave(64);
	drain("no echo", master);
	SECTION("VMIN 0 VTIME 0");
	t.c_cc[VMIN] = 0;
	set(&t);
	SHOW(read(slave, data, 64));
	type("xy");
	SHOW(read(slave, data, 64));
	SECTION("VMIN 0 VTIME 2");
	t.c_cc[VTIME] = 2;
	set(&t);
	start = now_ms();
	SHOW(read(slave, data, 64));
	CHECK(now_ms() - start >= 150 && now_ms() - start < 1500);
	type("z");
	SHOW(read(slave, data, 64));
	SECTION("VMIN 4 VTIME 0");
	t.c_cc[VMIN] = 4;
	t.c_cc[VTIME] = 0;
	set(&t);
	struct pollfd p = { slave, POLLIN, 0 };
	type("ab");
	SHOW(poll(&p, 1, 0));
	pid = fork();
	if (pid == 0) {
		sleep_ms(100);
		write(master, "cd", 2);
		_exit(0);
	}
	SHOW(read(slave, data, 64));
	waitpid(pid, NULL, 0);
	type("abcdef");
	SHOW(poll(&p, 1, 0));
	SHOW(read(slave, data, 64));
	SECTION("VMIN 4 VTIME 2");
	t.c_cc[VTIME] = 2;
	set(&t);
	pid = fork();
	if (pid == 0) {
		sleep_ms(100);
		write(master, "k", 1);
		_exit(0);
	}
	SHOW(read(slave, data, 64));
	waitpid(pid, NULL, 0);
	SECTION("changes of mode");
	t = get();
	t.c_lflag |= ICANON;
	set(&t);
	type("line with no end");
	SHOW(poll(&p, 1, 0));
	t.c_lflag &= ~ICANON;
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	set(&t);
	read_slave(4);
	t.c_lflag |= ICANON;
	set(&t);
	read_slave(64);
	type("discarded");
	sleep_ms(150);
	SHOW(tcsetattr(slave, TCSAFLUSH, &t));
	type("kept\n");
	read_slave(64);
	SHOW(ioctl(slave, TIOCSTI, "Z"));
	SHOW(ioctl(slave, TIOCSTI, "\n"));
	read_slave(64);
	close_pair();
}

static void packet(void)
{
	struct termios t;
	int on = 1, n;

	SECTION("packet mode");
	open_pair();
	SHOW(ioctl(master, TIOCPKT, &on));
	SHOW(ioctl(master, TIOCGPKT, &n));
	say("on %d", n);
	write(slave, "data\n", 5);
	drain("master", master);
	tcflush(slave, TCIFLUSH);
	drain("flush", master);
	t = get();
	t.c_iflag &= ~IXON;
	set(&t);
	drain("nostop", master);
	t.c_iflag |= IXON;
	set(&t);
	drain("dostop", master);
	tcflow(slave, TCOOFF);
	drain("stop", master);
	tcflow(slave, TCOON);
	drain("start", master);
	close_pair();
}

static void hangup(void)
{
	struct pollfd p;
	char data[64];
	int n;

	SECTION("the master closes");
	open_pair();
	write(master, "left\n", 5);
	close(master);
	SHOW(read(slave, data, 64));
	SHOW(write(slave, "x", 1));
	SHOW(ioctl(slave, TIOCGWINSZ, data));
	p = (struct pollfd){ slave, POLLIN | POLLOUT, 0 };
	SHOW(poll(&p, 1, 0));
	say("events %x", p.revents);
	SHOW(isatty(slave));
	close(slave);
	SECTION("the slave closes");
	open_pair();
	write(slave, "left", 4);
	close(slave);
	drain("master", master);
	SHOW(read(master, data, 64));
	p = (struct pollfd){ master, POLLIN | POLLOUT, 0 };
	SHOW(poll(&p, 1, 0));
	say("hup %d", !!(p.revents & POLLHUP));
	slave = open(slave_name, O_RDWR | O_NOCTTY);
	SHOW(ioctl(master, FIONREAD, &n));
	p = (struct pollfd){ master, POLLIN | POLLOUT, 0 };
	SHOW(poll(&p, 1, 0));
	say("events %x", p.revents);
	close_pair();
}

static volatile sig_atomic_t got_signal[65];
static void note(int sig) { got_signal[sig]++; }
static void notes(void)
{
	static const int which[] = { SIGHUP, SIGINT, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH, SIGTTIN, SIGTTOU };

	for (size_t i = 0; i < sizeof(which) / sizeof(which[0]); i++) {
		if (got_signal[which[i]])
			say("got %s %d", sigabbrev_np(which[i]), got_signal[which[i]]);
		got_signal[which[i]] = 0;
	}
}

static void in_session(void)
{
	struct winsize w = { 30, 90, 0, 0 };
	char data[64];
	int status, fd;
	pid_t pid;

	for (int sig = 1; sig < 32; sig++) {
		if (sig == SIGHUP || sig == SIGINT || sig == SIGQUIT || sig == SIGTSTP || sig == SIGWINCH)
			signal(sig, note);
	}
	SHOW(open("/dev/tty", O_RDWR));
	setsid();
	fd = open(slave_name, O_RDWR | O_NOCTTY);
	SHOW(tcgetpgrp(fd));
	close(fd);
	fd = open(slave_name, O_RDWR);
	CHECK(tcgetpgrp(fd) == getpid());
	CHECK(tcgetsid(fd) == getpid());
	SHOW(ioctl(fd, TIOCSCTTY, 0));
	OK(slave = open("/dev/tty", O_RDWR));
	CHECK(tcgetpgrp(slave) == getpid());
	type("\x03");
	notes();
	type("\x1c");
	notes();
	type("\x1a");
	notes();
	ioctl(master, TIOCSWINSZ, &w);
	sleep_ms(10);
	notes();
	ioctl(master, TIOCSWINSZ, &w);
	sleep_ms(10);
	notes();
	SHOW(tcsetpgrp(fd, 1 << 30));
	SHOW(tcsetpgrp(fd, -1));
	SECTION("background");
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		read(fd, data, 1);
		say("read goes on");
		tcsetpgrp(fd, getpgrp());
		say("not reached before SIGCONT");
		_exit(5);
	}
	waitpid(pid, &status, WUNTRACED);
	show_status("reader", status);
	setpgid(pid, pid);
	SHOW(tcsetpgrp(fd, pid));
	write(master, "\n", 1);
	kill(-pid, SIGCONT);
	waitpid(pid, &status, WUNTRACED);
	show_status("reader", status);
	signal(SIGTTOU, SIG_IGN);
	SHOW(tcsetpgrp(fd, getpgrp()));
	signal(SIGTTOU, SIG_DFL);
	pid = fork();
	if (pid == 0) {
		struct termios t;

		setpgid(0, 0);
		write(fd, "allowed\n", 8);
		say("written");
		tcgetattr(fd, &t);
		tcsetattr(fd, TCSANOW, &t);
		_exit(6);
	}
	waitpid(pid, &status, WUNTRACED);
	show_status("writer", status);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	struct termios t;
	tcgetattr(fd, &t);
	t.c_lflag |= TOSTOP;
	SHOW(tcsetattr(fd, TCSANOW, &t));
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		write(fd, "stopped\n", 8);
		say("not reached");
		_exit(6);
	}
	waitpid(pid, &status, WUNTRACED);
	show_status("writer", status);
	kill(pid, SIGCONT);
	waitpid(pid, &status, WUNTRACED);
	show_status("writer again", status);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		signal(SIGTTOU, SIG_IGN);
		signal(SIGTTIN, SIG_IGN);
		SHOW(write(fd, "ignored\n", 8));
		SHOW(read(fd, data, 1));
		_exit(6);
	}
	waitpid(pid, &status, WUNTRACED);
	show_status("careless", status);
	SECTION("giving the terminal up");
	signal(SIGCONT, note);
	SHOW(ioctl(fd, TIOCNOTTY, 0));
	notes();
	SHOW(open("/dev/tty", O_RDWR));
	SHOW(ioctl(fd, TIOCSCTTY, 0));
	SECTION("hang-up");
	close(master);
	sleep_ms(20);
	notes();
	SHOW(read(fd, data, 1));
	SHOW(open("/dev/tty", O_RDWR));
}

static void job_control(void)
{
	pid_t pid;
	int status;

	SECTION("controlling terminal");
	open_pair();
	close(slave);
	pid = fork();
	if (pid == 0) {
		in_session();
		fflush(stdout);
		_exit(0);
	}
	close(master);
	waitpid(pid, &status, 0);
	show_status("session", status);
	SECTION("exit of the session leader");
	open_pair();
	pid = fork();
	if (pid == 0) {
		setsid();
		ioctl(slave, TIOCSCTTY, 0);
		if (fork() == 0) {
			signal(SIGHUP, note);
			while (!got_signal[SIGHUP])
				pause();
			say("told of the hang-up");
			_exit(0);
		}
		sleep_ms(50);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	sleep_ms(300);
	close_pair();
}

static void full_input(void)
{
	char *text = malloc(8192), *data = malloc(8192);
	struct termios t;
	ssize_t total = 0, n;

	SECTION("a long line");
	open_pair();
	t = get();
	t.c_lflag &= ~ECHO;
	set(&t);
	memset(text, 'x', 8192);
	fcntl(master, F_SETFL, O_NONBLOCK);
	write(master, text, 5000);
	sleep_ms(20);
	write(master, "\n", 1);
	sleep_ms(20);
	SHOW(read(slave, data, 8192));
	SECTION("much output");
	fcntl(slave, F_SETFL, O_NONBLOCK);
	t.c_oflag = 0;
	set(&t);
	while ((n = write(slave, text, 1000)) > 0)
		total += n;
	CHECK(total > 4000);
	say("then %s", error_name(errno));
	close_pair();
	free(text);
	free(data);
}

int main(void)
{
	settings();
	canonical();
	output();
	raw();
	packet();
	hangup();
	job_control();
	full_input();
	return 0;
}
