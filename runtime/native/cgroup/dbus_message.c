/* SPDX-License-Identifier: Apache-2.0 */
/* D-Bus messages as bytes: https://dbus.freedesktop.org/doc/dbus-specification.html, "Message Protocol". Knows nothing of connections. */
#include <byteswap.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/native/cgroup/dbus.h"

#define HEADER 16        /* fixed part, with the length of the array of fields */
#define LONGEST_FIELDS (1 << 16)

enum { FIELD_PATH = 1, FIELD_INTERFACE, FIELD_MEMBER, FIELD_ERROR_NAME, FIELD_REPLY_SERIAL, FIELD_DESTINATION, FIELD_SENDER, FIELD_SIGNATURE };

/* ---- writing ---- */

static void put(struct dbus_writer *writer, const void *bytes, size_t length)
{
	if (writer->failed || length == 0)
		return;
	if (writer->size - writer->length < length) {
		size_t size = (writer->length + length) * 2 + 256;
		uint8_t *more = realloc(writer->bytes, size);

		if (!more) {
			writer->failed = true;
			return;
		}
		writer->bytes = more;
		writer->size = size;
	}
	if (bytes)
		memcpy(writer->bytes + writer->length, bytes, length);
	else
		memset(writer->bytes + writer->length, 0, length);
	writer->length += length;
}

void dbus_align(struct dbus_writer *writer, size_t alignment)
{
	put(writer, NULL, -writer->length & (alignment - 1));
}

void dbus_put_byte(struct dbus_writer *writer, uint8_t value) { put(writer, &value, 1); }

void dbus_put_u32(struct dbus_writer *writer, uint32_t value)
{
	dbus_align(writer, 4);
	put(writer, &value, 4);
}

void dbus_put_u64(struct dbus_writer *writer, uint64_t value)
{
	dbus_align(writer, 8);
	put(writer, &value, 8);
}

void dbus_put_string(struct dbus_writer *writer, const char *text)
{
	dbus_put_u32(writer, strlen(text));
	put(writer, text, strlen(text) + 1);
}

void dbus_put_signature(struct dbus_writer *writer, const char *signature)
{
	dbus_put_byte(writer, strlen(signature));
	put(writer, signature, strlen(signature) + 1);
}

/* The length does not count what aligns the first thing. */
size_t dbus_array_begin(struct dbus_writer *writer, size_t alignment)
{
	size_t begin;

	dbus_align(writer, 4);
	begin = writer->length;
	dbus_put_u32(writer, 0);
	dbus_align(writer, alignment);
	return begin;
}

void dbus_array_end(struct dbus_writer *writer, size_t begin, size_t alignment)
{
	size_t first = (begin + 4 + alignment - 1) & ~(alignment - 1);
	uint32_t length = writer->length - first;

	if (!writer->failed)
		memcpy(writer->bytes + begin, &length, 4);
}

/* ---- reading ---- */

static const uint8_t *take(struct dbus_reader *reader, size_t length)
{
	const uint8_t *at = reader->bytes + reader->at;

	if (reader->failed || reader->length - reader->at < length) {
		reader->failed = true;
		return NULL;
	}
	reader->at += length;
	return at;
}

/* Padding is zeros. */
void dbus_get_align(struct dbus_reader *reader, size_t alignment)
{
	size_t length = -reader->at & (alignment - 1);
	const uint8_t *padding = take(reader, length);

	for (size_t i = 0; padding && i < length; i++)
		reader->failed |= padding[i] != 0;
}

uint8_t dbus_get_byte(struct dbus_reader *reader)
{
	const uint8_t *at = take(reader, 1);

	return at ? *at : 0;
}

uint32_t dbus_get_u32(struct dbus_reader *reader)
{
	const uint8_t *at;
	uint32_t value;

	dbus_get_align(reader, 4);
	at = take(reader, 4);
	if (!at)
		return 0;
	memcpy(&value, at, 4);
	return reader->swapped ? bswap_32(value) : value;
}

uint64_t dbus_get_u64(struct dbus_reader *reader)
{
	const uint8_t *at;
	uint64_t value;

	dbus_get_align(reader, 8);
	at = take(reader, 8);
	if (!at)
		return 0;
	memcpy(&value, at, 8);
	return reader->swapped ? bswap_64(value) : value;
}

static const char *get_text(struct dbus_reader *reader, size_t length)
{
	const char *text = length < DBUS_LONGEST ? (const char *)take(reader, length + 1) : NULL;

	if (text && text[length] == '\0' && strlen(text) == length)
		return text;
	reader->failed = true;
	return "";
}

const char *dbus_get_string(struct dbus_reader *reader)
{
	uint32_t length = dbus_get_u32(reader);

	return get_text(reader, reader->failed ? DBUS_LONGEST : length);
}

const char *dbus_get_signature(struct dbus_reader *reader)
{
	uint8_t length = dbus_get_byte(reader);

	return get_text(reader, reader->failed ? DBUS_LONGEST : length);
}

/* ---- messages ---- */

static uint32_t word_at(const uint8_t *bytes, size_t at, bool swapped)
{
	uint32_t value;

	memcpy(&value, bytes + at, 4);
	return swapped ? bswap_32(value) : value;
}

size_t dbus_message_length(const uint8_t bytes[HEADER])
{
	bool swapped = bytes[0] == 'B';
	uint32_t body, fields;

	if ((bytes[0] != 'l' && bytes[0] != 'B') || bytes[3] != 1)
		return 0;
	body = word_at(bytes, 4, swapped);
	fields = word_at(bytes, 12, swapped);
	if (body > DBUS_LONGEST || fields > LONGEST_FIELDS)
		return 0;
	return HEADER + (((size_t)fields + 7) & ~7UL) + body;
}

/* A field is a variant: its signature says what follows. Those that are known have one type each. */
static void read_field(struct dbus_reader *reader, struct dbus_message *message)
{
	uint8_t code;
	const char *signature, *text = "";
	uint32_t number = 0;

	dbus_get_align(reader, 8);
	code = dbus_get_byte(reader);
	signature = dbus_get_signature(reader);
	if (!strcmp(signature, "s") || !strcmp(signature, "o"))
		text = dbus_get_string(reader);
	else if (!strcmp(signature, "g"))
		text = dbus_get_signature(reader);
	else if (!strcmp(signature, "u"))
		number = dbus_get_u32(reader);
	else
		reader->failed = true; /* nothing else is defined, and what is not understood cannot be passed over */
	switch (code) {
	case FIELD_PATH:
		message->path = text;
		break;
	case FIELD_INTERFACE:
		message->interface = text;
		break;
	case FIELD_MEMBER:
		message->member = text;
		break;
	case FIELD_ERROR_NAME:
		message->error_name = text;
		break;
	case FIELD_REPLY_SERIAL:
		message->reply_serial = number;
		break;
	case FIELD_SIGNATURE:
		message->signature = text;
		break;
	}
}

int dbus_parse(const uint8_t *bytes, size_t length, struct dbus_message *ret_message)
{
	struct dbus_message message = { .path = "", .interface = "", .member = "", .error_name = "", .signature = "" };
	struct dbus_reader fields;
	size_t fields_end;

	if (length < HEADER || dbus_message_length(bytes) != length)
		return -1;
	fields = (struct dbus_reader){ .bytes = bytes, .at = HEADER, .swapped = bytes[0] == 'B' };
	fields_end = HEADER + word_at(bytes, 12, fields.swapped);
	fields.length = fields_end;
	message.type = bytes[1];
	message.serial = word_at(bytes, 8, fields.swapped);
	while (!fields.failed && fields.at < fields_end)
		read_field(&fields, &message);
	if (fields.failed || message.type < DBUS_CALL || message.type > DBUS_SIGNAL)
		return -1;
	fields_end = (fields_end + 7) & ~7UL;
	message.body = (struct dbus_reader){ .bytes = bytes + fields_end, .length = length - fields_end, .swapped = fields.swapped };
	*ret_message = message;
	return 0;
}
