/* SPDX-License-Identifier: Apache-2.0 */
// sources: runtime/native/cgroup/dbus_message.c runtime/native/cgroup/unit_properties.c runtime/native/cgroup/convert.c
// sources: runtime/native/cgroup/devices.c runtime/native/cgroup/file.c runtime/native/cgroup/layout.c runtime/native/cgroup/path.c
// sources: runtime/error.c runtime/remedy.c
// flags: -D_GNU_SOURCE -lm
/*
 * Messages from a bus, and annotations that become properties of a unit: the first byte says which. What is accepted must be well formed: a property,
 * put into a message, is read back as one.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/native/cgroup/dbus.h"
#include "runtime/native/cgroup/unit_properties.h"

static void must(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

static void read_message(const uint8_t *data, size_t size)
{
	struct dbus_message message;
	uint8_t header[16];

	if (size < sizeof(header))
		return;
	memcpy(header, data, sizeof(header));
	must(dbus_message_length(header) <= 16 + (1 << 16) + 8 + DBUS_LONGEST, "a message without end");
	if (dbus_parse(data, size, &message))
		return;
	must(strlen(message.member) < size && strlen(message.signature) < size, "text that does not end");
	for (const char *kind = message.signature; *kind && !message.body.failed; kind++) {
		if (*kind == 's' || *kind == 'o')
			must(strlen(dbus_get_string(&message.body)) < size, "text that does not end");
		else if (*kind == 'g')
			dbus_get_signature(&message.body);
		else if (*kind == 't')
			dbus_get_u64(&message.body);
		else
			dbus_get_u32(&message.body);
	}
}

static void read_property(const uint8_t *data, size_t size)
{
	struct dbus_writer body = { 0 };
	struct dbus_reader reader;
	struct error error;
	char *text = malloc(size + 1), *value;

	memcpy(text, data, size);
	text[size] = '\0';
	value = strchr(text, '=');
	if (value) {
		*value++ = '\0';
		if (property_parse(text, value, &body, &error) == 0) {
			const char *name, *kind;

			reader = (struct dbus_reader){ .bytes = body.bytes, .length = body.length };
			name = dbus_get_string(&reader);
			kind = dbus_get_signature(&reader);
			must(!reader.failed && *name, "a property without a name");
			must(kind[0] && strchr("subtixa", kind[0]), "a property of an unknown type");
			if (*kind == 's')
				dbus_get_string(&reader);
			else if (*kind == 't' || *kind == 'x')
				dbus_get_u64(&reader);
			else
				dbus_get_u32(&reader);
			must(!reader.failed, "a property that ends too early");
		} else {
			must(strlen(error.text) > 10, "an error without a text");
		}
	}
	free(body.bytes);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] & 1)
		read_message(data + 1, size - 1);
	else
		read_property(data + 1, size - 1);
	return 0;
}

#ifdef REPLAY
#include "replay.h"

static size_t invent(uint8_t *bytes, size_t room)
{
	static const char *const values[] = { "A='x'", "CollectMode=\"inactive\\\"\"", "TimeoutStopSec=uint64 5", "B=['a', 'b']", "C=[]", "D=-5", "E=true",
					      "F=uint32 99", "G=['a'", "HSec=1.5", "I=int64 -3 ", "J='" };
	struct dbus_writer writer = { 0 };
	size_t length = 1, fields;

	bytes[0] = rand() & 1;
	if (!bytes[0]) {
		length += snprintf((char *)bytes + 1, room - 1, "%s", values[rand() % 12]);
	} else {
		dbus_put_byte(&writer, 'l');
		dbus_put_byte(&writer, 1 + rand() % 4);
		dbus_put_byte(&writer, 0);
		dbus_put_byte(&writer, 1);
		dbus_put_u32(&writer, 12); /* of the body */
		dbus_put_u32(&writer, rand() % 100);
		fields = dbus_array_begin(&writer, 8);
		for (int i = rand() % 5; i > 0; i--) {
			dbus_align(&writer, 8);
			dbus_put_byte(&writer, 1 + rand() % 9);
			dbus_put_signature(&writer, rand() % 8 ? "s" : "u");
			dbus_put_string(&writer, "a.b");
		}
		dbus_align(&writer, 8);
		dbus_put_byte(&writer, 8);
		dbus_put_signature(&writer, "g");
		dbus_put_signature(&writer, "us");
		dbus_array_end(&writer, fields, 8);
		dbus_align(&writer, 8);
		dbus_put_u32(&writer, 7);
		dbus_put_string(&writer, "xyz");
		memcpy(bytes + 1, writer.bytes, writer.length);
		length += writer.length;
		free(writer.bytes);
	}
	/* Often a byte or two that is not right. */
	for (int i = rand() % 3; i > 0; i--)
		bytes[1 + rand() % (length - 1)] = rand();
	return length;
}

int main(int argc, char **argv)
{
	return replay_main(argc, argv, invent);
}
#endif
