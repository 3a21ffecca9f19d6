/* SPDX-License-Identifier: Apache-2.0 */
/* DNS messages. */
#include "runtime/network/dns.h"

#include <ctype.h>
#include <string.h>

#define HEADER 12
#define CLASS_IN 1
#define TYPE_CNAME 5
#define ANSWER_TTL 60
#define MOST_POINTERS 32
#define MOST_ALIASES 16

static unsigned int word_at(const uint8_t *at)
{
	return at[0] << 8 | at[1];
}

static void put_word(uint8_t *at, unsigned int word)
{
	at[0] = word >> 8;
	at[1] = word;
}

/* Reads a name at @at, which may go on elsewhere. Returns where it ends in place, 0: it is bad. */
static size_t read_name(const uint8_t *message, size_t length, size_t at, char name[POLICY_NAME])
{
	size_t end = 0, used = 0;
	int pointers = 0;

	for (;;) {
		unsigned int size;

		if (at >= length)
			return 0;
		size = message[at++];
		if (size >= 0xc0) {
			if (at >= length || ++pointers > MOST_POINTERS)
				return 0;
			if (!end)
				end = at + 1;
			at = (size & 0x3f) << 8 | message[at];
			continue;
		}
		if (!size)
			break;
		if (size > 63 || at + size > length || used + size + 1 >= POLICY_NAME)
			return 0;
		if (used)
			name[used++] = '.';
		for (unsigned int i = 0; i < size; i++) {
			unsigned char c = message[at + i];

			/* A dot or a zero within a label would make another name of it. */
			if (c == '.' || c <= ' ' || c >= 0x7f)
				return 0;
			name[used++] = tolower(c);
		}
		at += size;
	}
	name[used] = '\0';
	return end ? end : at;
}

static size_t write_name(uint8_t *message, size_t size, size_t at, const char *name)
{
	while (*name) {
		size_t length = strcspn(name, ".");

		if (length == 0 || length > 63 || at + length + 2 > size)
			return 0;
		message[at++] = length;
		memcpy(message + at, name, length);
		at += length;
		name += length;
		name += *name == '.';
	}
	message[at] = 0;
	return at + 1;
}

int dns_parse_question(const uint8_t *message, size_t length, struct dns_question *ret_question)
{
	struct dns_question question = { 0 };
	size_t at;

	if (length < HEADER || message[2] & 0x80)
		return -1;
	question.id = word_at(message);
	question.recursion_desired = message[2] & 1;
	question.end = HEADER;
	*ret_question = question;
	if (message[2] >> 3 & 0xf)
		return DNS_NOT_IMPLEMENTED;
	if (word_at(message + 4) != 1)
		return DNS_FORMAT_ERROR;
	at = read_name(message, length, HEADER, question.name);
	if (!at || at + 4 > length)
		return DNS_FORMAT_ERROR;
	question.type = word_at(message + at);
	question.class = word_at(message + at + 2);
	question.end = at + 4;
	*ret_question = question;
	return DNS_NO_ERROR;
}

size_t dns_build_query(uint8_t *message, size_t size, uint16_t id, const char *name, uint16_t type)
{
	size_t at;

	if (size < HEADER + 6)
		return 0;
	memset(message, 0, HEADER);
	put_word(message, id);
	message[2] = 1; /* recursion desired */
	put_word(message + 4, 1);
	at = write_name(message, size - 4, HEADER, name);
	if (!at)
		return 0;
	put_word(message + at, type);
	put_word(message + at + 2, CLASS_IN);
	return at + 4;
}

size_t dns_build_answer(uint8_t *message, size_t size, const uint8_t *query, const struct dns_question *question, enum dns_code code,
			const struct address *addresses, int nr)
{
	size_t at = question->end;
	int answers = 0;

	if (at > size)
		return 0;
	memcpy(message, query, at);
	message[2] = 0x80 | (question->recursion_desired ? 1 : 0);
	message[3] = 0x80 | code;
	put_word(message + 4, at > HEADER ? 1 : 0);
	memset(message + 6, 0, 6);
	for (int i = 0; i < nr && question->class == CLASS_IN; i++) {
		bool v4 = address_is_v4(&addresses[i]);
		unsigned int bytes = v4 ? 4 : 16;

		if (question->type != (v4 ? DNS_A : DNS_AAAA))
			continue;
		if (at + 12 + bytes > size)
			break;
		put_word(message + at, 0xc000 | HEADER);
		put_word(message + at + 2, question->type);
		put_word(message + at + 4, CLASS_IN);
		put_word(message + at + 6, 0);
		put_word(message + at + 8, ANSWER_TTL);
		put_word(message + at + 10, bytes);
		memcpy(message + at + 12, addresses[i].bytes + 16 - bytes, bytes);
		at += 12 + bytes;
		answers++;
	}
	put_word(message + 6, answers);
	return at;
}

struct record {
	char name[POLICY_NAME];
	unsigned int type, class, length;
	size_t data;
};

/* Returns where the next one begins, 0: it is bad. */
static size_t read_record(const uint8_t *message, size_t length, size_t at, struct record *ret_record)
{
	at = read_name(message, length, at, ret_record->name);
	if (!at || at + 10 > length)
		return 0;
	ret_record->type = word_at(message + at);
	ret_record->class = word_at(message + at + 2);
	ret_record->length = word_at(message + at + 8);
	ret_record->data = at + 10;
	return at + 10 + ret_record->length > length ? 0 : at + 10 + ret_record->length;
}

/* The records for @name, in one pass: addresses are added, *ret_alias is what it is another name for. */
static int collect(const uint8_t *message, size_t length, size_t at, const char *name, uint16_t type, struct address *ret_addresses, int most,
		   char alias[POLICY_NAME])
{
	unsigned int size = type == DNS_A ? 4 : 16;
	struct record record;
	int found = 0;

	alias[0] = '\0';
	for (unsigned int left = word_at(message + 6); left; left--) {
		at = read_record(message, length, at, &record);
		if (!at)
			break;
		if (record.class != CLASS_IN || strcmp(record.name, name))
			continue;
		if (record.type == TYPE_CNAME) {
			if (!read_name(message, length, record.data, alias))
				alias[0] = '\0';
		} else if (record.type == type && record.length == size && found < most) {
			ret_addresses[found] = address_from_v4(0);
			memcpy(ret_addresses[found++].bytes + 16 - size, message + record.data, size);
		}
	}
	return found;
}

int dns_parse_answer(const uint8_t *message, size_t length, uint16_t id, const char *name, uint16_t type, struct address *ret_addresses, int most,
		     enum dns_code *ret_code)
{
	char current[POLICY_NAME], alias[POLICY_NAME];
	size_t at;
	int found = 0;

	if (length < HEADER || word_at(message) != id || !(message[2] & 0x80) || word_at(message + 4) != 1)
		return -1;
	at = read_name(message, length, HEADER, current);
	if (!at || at + 4 > length || strcmp(current, name) || word_at(message + at) != type || word_at(message + at + 2) != CLASS_IN)
		return -1;
	*ret_code = message[3] & 0xf;
	for (int aliases = 0; aliases < MOST_ALIASES && !found; aliases++) {
		found = collect(message, length, at + 4, current, type, ret_addresses, most, alias);
		if (!alias[0])
			break;
		strcpy(current, alias);
	}
	return found;
}
