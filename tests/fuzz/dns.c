/* SPDX-License-Identifier: Apache-2.0 */
// sources: runtime/network/dns.c runtime/network/policy.c runtime/network/address.c runtime/network/config.c runtime/error.c
// flags: -D_GNU_SOURCE
/*
 * What comes from a container and from name servers: questions, answers; and what users write: rules and ports. Whatever it is, nothing is read or
 * written beyond its place; an answer is only taken for the question that was asked; what is built can be parsed again.
 */
#include "runtime/network/dns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/network/config.h"

static void must(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

static void try_question(const uint8_t *data, size_t size)
{
	struct address addresses[40], found[64];
	struct dns_question question, again;
	uint8_t answer[DNS_MESSAGE];
	enum dns_code code;
	size_t length;

	if (dns_parse_question(data, size, &question) != DNS_NO_ERROR)
		return;
	must(question.end <= size && strlen(question.name) < POLICY_NAME, "a question beyond its message");
	for (int i = 0; i < 40; i++)
		addresses[i] = address_from_v4(i);
	length = dns_build_answer(answer, 512, data, &question, DNS_NO_ERROR, addresses, 40);
	must(length <= 512, "an answer beyond its place");
	if (!length)
		return;
	must(dns_parse_question(answer, length, &again) == -1, "an answer is no question");
	if (question.class == 1 && question.type == DNS_A && data[12] < 0xc0) {
		int nr = dns_parse_answer(answer, length, question.id, question.name, DNS_A, found, 64, &code);

		must(nr >= 0 && code == DNS_NO_ERROR, "our own answer is not understood");
		must(nr == 40 || length + 16 > 512, "addresses are lost");
	}
}

static void try_answer(const uint8_t *data, size_t size)
{
	struct address found[8];
	enum dns_code code;
	int nr = dns_parse_answer(data, size, 0x4141, "name.test", DNS_AAAA, found, 8, &code);

	must(nr >= -1 && nr <= 8, "too many addresses");
	must(nr < 0 || (size >= 12 && data[0] == 0x41 && data[1] == 0x41), "an answer to another question");
}

static void try_text(const uint8_t *data, size_t size)
{
	struct network_config config = { 0 };
	struct error error = { 0 };
	char text[300], name[POLICY_NAME], reason[POLICY_REASON] = "";
	struct address address = address_from_v4(0x7f000001);
	uint8_t query[600];

	size = size < sizeof(text) - 1 ? size : sizeof(text) - 1;
	memcpy(text, data, size);
	text[size] = '\0';
	network_config_publish(&config, text, &error);
	network_config_dns(&config, text, &error);
	network_config_host(&config, text, &error);
	network_config_mode(&config, text, &error);
	if (!policy_add(&config.policy, text, true, &error))
		policy_check(&config.policy, &address, 80, true, reason);
	if (policy_name_normalise(text, name)) {
		struct dns_question question;
		size_t length = dns_build_query(query, sizeof(query), 1, name, DNS_A);

		if (length)
			must(dns_parse_question(query, length, &question) == DNS_NO_ERROR && !strcmp(question.name, name),
			     "our own question is not understood");
	}
	for (int i = 0; i < config.nr_hosts; i++)
		free((char *)config.hosts[i].name);
	free(config.hosts);
	free(config.published);
	policy_free(&config.policy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	if (data[0] % 3 == 0)
		try_question(data + 1, size - 1);
	else if (data[0] % 3 == 1)
		try_answer(data + 1, size - 1);
	else
		try_text(data + 1, size - 1);
	return 0;
}

#ifdef REPLAY
#include "replay.h"

static size_t put_name(uint8_t *at)
{
	static const char *const names[] = { "\4name\4test", "\4NAME\4tEsT", "\1a\1b", "\5alias\4test", "\77aaa", "" };
	const char *name = names[rand() % 6];
	size_t length = strlen(name);

	if (rand() % 4 == 0) {
		at[0] = 0xc0;
		at[1] = rand() % 3 ? 12 : rand();
		return 2;
	}
	memcpy(at, name, length);
	at[length] = 0;
	return length + 1;
}

static size_t invent(uint8_t *bytes, size_t room)
{
	static const char *const words[] = { "1.2.3.4", "name.test", ":", "-", "/", "80", "[", "]", "::1", "*.", "udp", "8080", "host", "10.0.0.0",
					     "32", "tcp" };
	uint8_t *at = bytes;

	*at++ = rand();
	if (bytes[0] % 3 == 2) {
		for (int i = rand() % 8; i >= 0; i--)
			at += sprintf((char *)at, "%s", words[rand() % 16]);
		return at - bytes;
	}
	memcpy(at, "\x41\x41\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00", 12);
	if (bytes[0] % 3 == 1)
		at[2] = 0x81;
	at[7] = rand() % 5;
	at += 12;
	for (int i = rand() % 6; i >= 0; i--) {
		at += put_name(at);
		memcpy(at, rand() % 3 ? "\0\x1c\0\1" : "\0\1\0\1", 4);
		at += 4;
		if (i == 0)
			break;
		memcpy(at, "\0\0\0\0\0", 5);
		at[5] = rand() % 3 ? 16 : rand() % 40;
		at += 6 + at[5];
	}
	if (rand() % 3 == 0)
		bytes[1 + rand() % (at - bytes)] = rand();
	return at - bytes;
}

int main(int argc, char **argv) { return replay_main(argc, argv, invent); }
#endif
