/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As much of D-Bus as asking systemd takes: one connection, one call at a time, signals that arrive meanwhile. See docs/adr/0009-own-dbus-client.md for why not
 * a library.
 *
 * Numbers are in the byte order of whoever sent them; everything is aligned to its size, from the beginning of the body.
 */
#ifndef RUNTIME_NATIVE_CGROUP_DBUS_H
#define RUNTIME_NATIVE_CGROUP_DBUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/error.h"

/* ---- writing a body ---- */

struct dbus_writer {
	uint8_t *bytes;       /* malloc'ed */
	size_t length, size;
	bool failed;          /* no memory: the rest does nothing, and the call fails */
};

void dbus_put_byte(struct dbus_writer *writer, uint8_t value);
void dbus_put_u32(struct dbus_writer *writer, uint32_t value);
void dbus_put_u64(struct dbus_writer *writer, uint64_t value);
void dbus_put_string(struct dbus_writer *writer, const char *text); /* and object paths */
void dbus_put_signature(struct dbus_writer *writer, const char *signature);
void dbus_align(struct dbus_writer *writer, size_t alignment);
/* An array of things with this alignment (structures: 8); what begin returns is for end. */
size_t dbus_array_begin(struct dbus_writer *writer, size_t alignment);
void dbus_array_end(struct dbus_writer *writer, size_t begin, size_t alignment);

/* ---- reading ---- */

struct dbus_reader {
	const uint8_t *bytes;
	size_t length, at;
	bool swapped;         /* the sender's byte order is the other one */
	bool failed;          /* the end was met, or something that may not be there: everything is 0 or "" from then on */
};

uint8_t dbus_get_byte(struct dbus_reader *reader);
uint32_t dbus_get_u32(struct dbus_reader *reader);
uint64_t dbus_get_u64(struct dbus_reader *reader);
const char *dbus_get_string(struct dbus_reader *reader);
const char *dbus_get_signature(struct dbus_reader *reader);
void dbus_get_align(struct dbus_reader *reader, size_t alignment);

enum { DBUS_CALL = 1, DBUS_RETURN, DBUS_ERROR, DBUS_SIGNAL };

/* Strings point into the bytes. */
struct dbus_message {
	int type;
	uint32_t serial, reply_serial;
	const char *path, *interface, *member, *error_name, *signature; /* "" if not there */
	struct dbus_reader body;
};

#define DBUS_LONGEST (1 << 20)

/* The length of the whole message that begins with these 16 bytes; 0: it is none, or longer than DBUS_LONGEST. */
size_t dbus_message_length(const uint8_t bytes[16]);
/* 0, or -1 if it is not well formed. */
int dbus_parse(const uint8_t *bytes, size_t length, struct dbus_message *ret_message);

/* ---- a connection ---- */

struct dbus;

/* @addresses: as in $DBUS_SESSION_BUS_ADDRESS, each is tried. @what names the bus in errors. */
int dbus_connect(const char *addresses, const char *what, struct dbus **ret_bus, struct error *error);
void dbus_close(struct dbus *bus);
/* Whether it leads to systemd itself (/run/systemd/private, for root where no bus runs): then there is nobody to ask for signals. */
bool dbus_is_direct(const struct dbus *bus);

/*
 * Calls a method and waits for the answer; the body in *ret_reply is valid until the next call. The writer is freed. -1 with @error set also if the
 * answer is an error: then dbus_error_name tells its name, "" otherwise.
 */
int dbus_call(struct dbus *bus, const char *destination, const char *path, const char *interface, const char *member, const char *signature,
	      struct dbus_writer *body, struct dbus_message *ret_reply, struct error *error);
const char *dbus_error_name(const struct dbus *bus);

/*
 * Waits for a signal for which @wanted says true; also for those that arrived since dbus_call was called last (not before). @milliseconds: no longer.
 */
int dbus_wait(struct dbus *bus, bool (*wanted)(struct dbus_message *message, void *argument), void *argument, int milliseconds, struct error *error);

#endif
