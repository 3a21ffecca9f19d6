/* SPDX-License-Identifier: Apache-2.0 */
/* A connection to a bus: finding its socket, proving who we are, calls with their answers, signals. */
#include "runtime/native/cgroup/dbus.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "runtime/remedy.h"

#define CALL_MS 30000
#define MAX_SIGNALS 64

struct dbus {
	int fd;
	bool direct;
	const char *what;
	uint32_t serial;
	uint8_t *reply;           /* bytes of the last answer */
	char error_name[128];
	struct {
		uint8_t *bytes;
		size_t length;
	} signals[MAX_SIGNALS];   /* that arrived while an answer was waited for */
	int nr_signals;
};

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- the socket ---- */

static int from_hex(char digit) { return isdigit((unsigned char)digit) ? digit - '0' : (tolower((unsigned char)digit) - 'a' + 10); }

/* "unix:path=/run/x,guid=..." or "unix:abstract=..." of @length characters. */
static int parse_address(const char *text, size_t length, struct sockaddr_un *ret_address, socklen_t *ret_length)
{
	const char *end = text + length, *at = NULL;
	size_t stored = 0;
	bool abstract = false;

	*ret_address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (length < 5 || strncmp(text, "unix:", 5))
		return -1;
	for (const char *key = text + 5; key < end; key += strcspn(key, ",;") + 1) {
		if (!strncmp(key, "path=", 5))
			at = key + 5;
		if (!strncmp(key, "abstract=", 9)) {
			at = key + 9;
			abstract = true;
		}
	}
	if (!at)
		return -1;
	stored = abstract;
	for (; at < end && *at != ','; at++) {
		if (stored + 1 >= sizeof(ret_address->sun_path))
			return -1;
		if (*at == '%' && end - at > 2 && isxdigit((unsigned char)at[1]) && isxdigit((unsigned char)at[2])) {
			ret_address->sun_path[stored++] = from_hex(at[1]) * 16 + from_hex(at[2]);
			at += 2;
		} else {
			ret_address->sun_path[stored++] = *at;
		}
	}
	*ret_length = offsetof(struct sockaddr_un, sun_path) + stored + !abstract;
	return stored > abstract ? 0 : -1;
}

static int send_all(struct dbus *bus, const void *bytes, size_t length)
{
	while (length) {
		ssize_t sent = send(bus->fd, bytes, length, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return -errno;
		bytes = (const char *)bytes + sent;
		length -= sent;
	}
	return 0;
}

/* All of @length bytes before @until; 0 or a negative errno. */
static int receive_all(struct dbus *bus, void *bytes, size_t length, long until)
{
	while (length) {
		struct pollfd poller = { .fd = bus->fd, .events = POLLIN };
		long left = until - now_ms();
		ssize_t got;

		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&poller, 1, left) <= 0)
			continue;
		got = recv(bus->fd, bytes, length, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			return -ECONNRESET;
		bytes = (char *)bytes + got;
		length -= got;
	}
	return 0;
}

/*
 * The kernel tells the other side who we are; whoever lives in a user namespace does not know by which number. All is said at once, and the first call
 * only when the other side has agreed: systemd would leave lie, until something else comes, a call that it reads together with BEGIN.
 */
static int authenticate(struct dbus *bus)
{
	static const char hello[] = "\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n";
	char line[256];
	int result = send_all(bus, hello, sizeof(hello) - 1);

	while (!result) {
		size_t length = 0;

		do {
			result = receive_all(bus, line + length, 1, now_ms() + CALL_MS);
			length++;
		} while (!result && length < sizeof(line) - 1 && line[length - 1] != '\n');
		line[length - !!result] = '\0';
		if (result || !strncmp(line, "OK ", 3))
			break;
		if (strncmp(line, "DATA", 4))
			result = -EACCES;
	}
	return result;
}

static int say_hello(struct dbus *bus, struct error *error)
{
	struct dbus_message reply;

	return dbus_call(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello", "", &(struct dbus_writer){ 0 }, &reply, error);
}

int dbus_connect(const char *addresses, const char *what, struct dbus **ret_bus, struct error *error)
{
	struct dbus *bus = calloc(1, sizeof(*bus));
	struct sockaddr_un address;
	socklen_t length;
	int result = -ENOENT;

	if (!bus)
		return fail(error, ENOMEM, "cannot connect to %s", what);
	bus->what = what;
	bus->fd = -1;
	for (const char *at = addresses; *at && result; at += strcspn(at, ";"), at += *at == ';') {
		if (parse_address(at, strcspn(at, ";"), &address, &length)) {
			result = -EINVAL;
			continue;
		}
		bus->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		result = bus->fd < 0 || connect(bus->fd, (struct sockaddr *)&address, length) ? -errno : authenticate(bus);
		bus->direct = strstr(address.sun_path, "/systemd/private");
		if (result && bus->fd >= 0) {
			close(bus->fd);
			bus->fd = -1;
		}
	}
	if (result) {
		fail(error, -result, "cannot connect to %s at %.200s", what, addresses);
		fail_remedy_of(error, REMEDY_SYSTEMD_RUNNING);
	} else if (!bus->direct) {
		result = say_hello(bus, error);
	}
	if (result) {
		dbus_close(bus);
		return -1;
	}
	*ret_bus = bus;
	return 0;
}

bool dbus_is_direct(const struct dbus *bus)
{
	return bus->direct;
}

static void forget_signals(struct dbus *bus)
{
	while (bus->nr_signals)
		free(bus->signals[--bus->nr_signals].bytes);
}

void dbus_close(struct dbus *bus)
{
	if (!bus)
		return;
	if (bus->fd >= 0)
		close(bus->fd);
	forget_signals(bus);
	free(bus->reply);
	free(bus);
}

/* ---- messages ---- */

/* *ret_bytes is malloc'ed. 0 or a negative errno. */
static int receive(struct dbus *bus, long until, uint8_t **ret_bytes, size_t *ret_length, struct dbus_message *ret_message)
{
	uint8_t header[16], *bytes;
	size_t length;
	int result = receive_all(bus, header, sizeof(header), until);

	if (result)
		return result;
	length = dbus_message_length(header);
	bytes = length ? malloc(length) : NULL;
	if (!bytes)
		return length ? -ENOMEM : -EBADMSG;
	memcpy(bytes, header, sizeof(header));
	result = receive_all(bus, bytes + sizeof(header), length - sizeof(header), until);
	if (!result && dbus_parse(bytes, length, ret_message))
		result = -EBADMSG;
	if (result) {
		free(bytes);
		return result;
	}
	*ret_bytes = bytes;
	*ret_length = length;
	return 0;
}

static void put_field(struct dbus_writer *header, uint8_t code, const char *type, const char *text)
{
	if (!*text)
		return;
	dbus_align(header, 8);
	dbus_put_byte(header, code);
	dbus_put_signature(header, type);
	if (*type == 'g')
		dbus_put_signature(header, text);
	else
		dbus_put_string(header, text);
}

static int send_call(struct dbus *bus, const char *destination, const char *path, const char *interface, const char *member, const char *signature,
		     const struct dbus_writer *body)
{
	struct dbus_writer header = { 0 };
	size_t fields;
	int result;

	dbus_put_byte(&header, __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 'l' : 'B');
	dbus_put_byte(&header, DBUS_CALL);
	dbus_put_byte(&header, 0);
	dbus_put_byte(&header, 1);
	dbus_put_u32(&header, body->length);
	dbus_put_u32(&header, ++bus->serial);
	fields = dbus_array_begin(&header, 8);
	put_field(&header, 1, "o", path);
	put_field(&header, 2, "s", interface);
	put_field(&header, 3, "s", member);
	put_field(&header, 6, "s", destination);
	put_field(&header, 8, "g", signature);
	dbus_array_end(&header, fields, 8);
	dbus_align(&header, 8);
	result = header.failed || body->failed ? -ENOMEM : send_all(bus, header.bytes, header.length);
	if (!result)
		result = send_all(bus, body->bytes, body->length);
	free(header.bytes);
	return result;
}

static int answered(struct dbus *bus, const char *member, struct dbus_message *reply, struct error *error)
{
	if (reply->type != DBUS_ERROR)
		return 0;
	snprintf(bus->error_name, sizeof(bus->error_name), "%s", reply->error_name);
	return fail(error, 0, "%s refuses %s: %.400s (%s)", bus->what, member, reply->signature[0] == 's' ? dbus_get_string(&reply->body) : "",
		    bus->error_name);
}

int dbus_call(struct dbus *bus, const char *destination, const char *path, const char *interface, const char *member, const char *signature,
	      struct dbus_writer *body, struct dbus_message *ret_reply, struct error *error)
{
	long until = now_ms() + CALL_MS;
	int result = send_call(bus, destination, path, interface, member, signature, body);

	free(body->bytes);
	*body = (struct dbus_writer){ 0 };
	forget_signals(bus);
	bus->error_name[0] = '\0';
	while (!result) {
		struct dbus_message message;
		uint8_t *bytes;
		size_t length;

		result = receive(bus, until, &bytes, &length, &message);
		if (result)
			break;
		if ((message.type == DBUS_RETURN || message.type == DBUS_ERROR) && message.reply_serial == bus->serial) {
			free(bus->reply);
			bus->reply = bytes;
			*ret_reply = message;
			return answered(bus, member, ret_reply, error);
		}
		if (message.type == DBUS_SIGNAL && bus->nr_signals < MAX_SIGNALS) {
			bus->signals[bus->nr_signals].bytes = bytes;
			bus->signals[bus->nr_signals++].length = length;
		} else {
			free(bytes);
		}
	}
	return fail(error, -result, "%s does not answer %s", bus->what, member);
}

const char *dbus_error_name(const struct dbus *bus)
{
	return bus->error_name;
}

int dbus_wait(struct dbus *bus, bool (*wanted)(struct dbus_message *message, void *argument), void *argument, int milliseconds, struct error *error)
{
	long until = now_ms() + milliseconds;
	struct dbus_message message;
	int result;

	for (int i = 0; i < bus->nr_signals; i++)
		if (dbus_parse(bus->signals[i].bytes, bus->signals[i].length, &message) == 0 && wanted(&message, argument))
			return 0;
	for (;;) {
		uint8_t *bytes;
		size_t length;
		bool found;

		result = receive(bus, until, &bytes, &length, &message);
		if (result)
			return fail(error, -result, "%s has not said within %d s that it is done", bus->what, milliseconds / 1000);
		found = message.type == DBUS_SIGNAL && wanted(&message, argument);
		free(bytes);
		if (found)
			return 0;
	}
}
