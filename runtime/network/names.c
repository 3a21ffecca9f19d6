/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The name service of a container.
 *
 *   a name that a rule speaks of   is looked up here, once: its addresses are pinned (policy.h), and every question is answered with them
 *   a name that no rule allows     does not exist
 *   any other                      the question goes to the host's servers as it is, and the answer back
 *
 * So under a policy nothing that the container writes reaches a name server but names that the user has written, and what a server says later
 * changes nothing.
 */
#include "runtime/network/names.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "runtime/network/dns.h"

#define CLIENTS 256
#define QUERIES 128
#define WAITERS 16
#define TRIES 4          /* all servers in turn */
#define TIMEOUT_MS 2000
#define DENIED_MS 5000   /* for all --deny names together */

struct client {
	int fd, index;
	bool stream;
	uint32_t generation;
	size_t used;
	uint8_t buffer[2 + DNS_MESSAGE];
};

/* Who gets the answer. */
struct waiter {
	int client;
	uint32_t generation;
	size_t length;
	uint8_t query[512];
};

struct query {
	int index;
	bool pins, stream; /* pins: for policy_pin; else a question that is passed on */
	int fd, tries;
	int64_t deadline;
	uint16_t id;      /* ours */
	uint16_t type;    /* pins: which is asked for now */
	char name[POLICY_NAME];
	int nr_addresses, nr_waiters;
	struct address addresses[2 * POLICY_PINS];
	struct waiter *waiters; /* passed on: one, whose query may be long */
	size_t length, done;    /* stream: of what is written, then read */
	bool sent;
	uint8_t message[2 + DNS_MESSAGE];
};

struct name_service {
	struct network_endpoint servers[NETWORK_DNS];
	int nr_servers;
	struct client *clients[CLIENTS]; /* NULL: none */
	struct query *queries[QUERIES];
	uint32_t generation; /* of the last client */
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000L + now.tv_nsec / 1000000;
}

/* ---- the container's side ---- */

static void close_client(struct name_service *names, struct client *client)
{
	close(client->fd);
	names->clients[client->index] = NULL;
	free(client);
}

bool names_serve(const struct network *network, const struct network_endpoint *to)
{
	const struct address own = address_from_v4(OUTSIDE_DNS);
	const struct name_service *names = network->names;

	if (network->boot.mode == NETWORK_OUTSIDE)
		return to->port == 53 && !memcmp(to->address, own.bytes, 16);
	for (int i = 0; network->policy->nr_rules && i < names->nr_servers; i++)
		if ((to->port == 53 || to->port == names->servers[i].port) && !memcmp(to->address, names->servers[i].address, 16))
			return true;
	return false;
}

int names_connect(struct network *network, bool stream)
{
	struct name_service *names = network->names;
	struct client *client = malloc(sizeof(*client));
	struct epoll_event event = { EPOLLIN, { 0 } };
	int ends[2], index;

	if (!client)
		return -ENOMEM;
	if (socketpair(AF_UNIX, (stream ? SOCK_STREAM : SOCK_SEQPACKET) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends)) {
		free(client);
		return -errno;
	}
	for (index = 0; index < CLIENTS && names->clients[index]; index++)
		;
	/* As many as this do not ask at once: the one whose turn it is is forgotten. */
	if (index == CLIENTS) {
		index = names->generation % CLIENTS;
		close_client(names, names->clients[index]);
	}
	*client = (struct client){ .fd = ends[0], .index = index, .stream = stream, .generation = ++names->generation };
	names->clients[index] = client;
	event.data.u64 = NAMES_CLIENT + index;
	if (epoll_ctl(network->epoll_fd, EPOLL_CTL_ADD, ends[0], &event)) {
		close_client(names, client);
		close(ends[1]);
		return -ENOMEM;
	}
	return ends[1];
}

/* A reader that does not read loses answers. */
static void reply(struct name_service *names, const struct waiter *waiter, const uint8_t *message, size_t length)
{
	struct client *client = names->clients[waiter->client];
	uint8_t framed[2 + DNS_MESSAGE];

	if (!client || client->generation != waiter->generation || !length || length > DNS_MESSAGE)
		return;
	framed[0] = length >> 8;
	framed[1] = length;
	memcpy(framed + 2, message, length);
	if (send(client->fd, client->stream ? framed : framed + 2, client->stream ? length + 2 : length, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		shutdown(client->fd, SHUT_RDWR); /* its end is seen when it is read next */
}

static void reply_code(struct name_service *names, const struct waiter *waiter, enum dns_code code, const struct address *addresses, int nr)
{
	struct dns_question question;
	uint8_t answer[DNS_MESSAGE];
	const struct client *client = names->clients[waiter->client];
	/* 512 bytes is what programs without EDNS take. */
	size_t size = client && client->stream ? sizeof(answer) : 512;

	if (dns_parse_question(waiter->query, waiter->length, &question) < 0)
		return;
	reply(names, waiter, answer, dns_build_answer(answer, size, waiter->query, &question, code, addresses, nr));
}

/* ---- the servers' side ---- */

static void end_query(struct name_service *names, struct query *query)
{
	if (query->fd >= 0)
		close(query->fd);
	names->queries[query->index] = NULL;
	free(query->waiters);
	free(query);
}

static void fail_query(struct name_service *names, struct query *query)
{
	for (int i = 0; i < query->nr_waiters; i++)
		reply_code(names, &query->waiters[i], DNS_SERVER_FAILURE, NULL, 0);
	end_query(names, query);
}

/* Asks the next server; a new socket for each question, so that its port is as hard to guess as its number. */
static int ask(struct network *network, struct query *query)
{
	struct name_service *names = network->names;
	struct epoll_event event = { query->stream ? EPOLLOUT : EPOLLIN, { .u64 = NAMES_QUERY + query->index } };
	struct sockaddr_storage name;
	socklen_t length;

	if (query->fd >= 0)
		close(query->fd);
	query->fd = -1;
	if (!names->nr_servers || query->tries == TRIES)
		return -1;
	length = endpoint_to_host(&names->servers[query->tries++ % names->nr_servers], &name);
	query->deadline = now_ms() + TIMEOUT_MS;
	query->fd = socket(name.ss_family, (query->stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (query->fd < 0)
		return -1;
	if (getrandom(&query->id, sizeof(query->id), 0) != sizeof(query->id))
		return -1;
	if (query->pins)
		query->length = dns_build_query(query->message + 2, DNS_MESSAGE, query->id, query->name, query->type);
	else
		memcpy(query->message + 2, &query->id, 2);
	query->message[0] = query->length >> 8;
	query->message[1] = query->length;
	query->done = 0;
	query->sent = !query->stream;
	if (connect(query->fd, (struct sockaddr *)&name, length) && errno != EINPROGRESS)
		return ask(network, query);
	if (epoll_ctl(network->epoll_fd, EPOLL_CTL_ADD, query->fd, &event))
		return -1;
	if (!query->stream && send(query->fd, query->message + 2, query->length, MSG_NOSIGNAL) < 0)
		return ask(network, query);
	return 0;
}

static struct query *new_query(struct name_service *names)
{
	for (int i = 0; i < QUERIES; i++) {
		struct query *query;

		if (names->queries[i] || !(query = calloc(1, sizeof(*query))))
			continue;
		query->fd = -1;
		query->index = i;
		names->queries[i] = query;
		return query;
	}
	return NULL;
}

static int add_waiter(struct query *query, const struct waiter *waiter)
{
	struct waiter *waiters = query->nr_waiters < WAITERS ? realloc(query->waiters, (query->nr_waiters + 1) * sizeof(*waiters)) : NULL;

	if (!waiters)
		return -1;
	query->waiters = waiters;
	waiters[query->nr_waiters++] = *waiter;
	return 0;
}

static void pass_on(struct network *network, const struct waiter *waiter, const uint8_t *message, size_t length, bool stream)
{
	struct name_service *names = network->names;
	struct query *query = new_query(names);

	if (!query || add_waiter(query, waiter)) {
		reply_code(network->names, waiter, DNS_SERVER_FAILURE, NULL, 0);
		if (query)
			end_query(names, query);
		return;
	}
	query->stream = stream;
	query->length = length;
	memcpy(query->message + 2, message, length);
	if (ask(network, query))
		fail_query(network->names, query);
}

/* A name whose addresses are to be pinned; @waiter may be NULL. */
static void look_up(struct network *network, const char *name, const struct waiter *waiter)
{
	struct query *query;

	for (int i = 0; i < QUERIES; i++) {
		query = network->names->queries[i];
		if (!query || !query->pins || strcmp(query->name, name))
			continue;
		if (waiter)
			add_waiter(query, waiter);
		return;
	}
	query = new_query(network->names);
	if (!query) {
		if (waiter)
			reply_code(network->names, waiter, DNS_SERVER_FAILURE, NULL, 0);
		return;
	}
	query->pins = true;
	query->type = DNS_A;
	snprintf(query->name, sizeof(query->name), "%s", name);
	if (waiter)
		add_waiter(query, waiter);
	if (ask(network, query))
		fail_query(network->names, query);
}

static bool is_own(void *context, const struct address *address)
{
	return routes_own(context, address);
}

static void answer_pinned(struct name_service *names, const struct waiter *waiter, const struct policy_name *pin)
{
	reply_code(names, waiter, pin->nr_addresses ? DNS_NO_ERROR : DNS_NO_NAME, pin->addresses, pin->nr_addresses);
}

/* An answer about a name that is to be pinned: first its IPv4 addresses, then the others. */
static void pin_answered(struct network *network, struct query *query, const uint8_t *message, size_t length)
{
	struct name_service *names = network->names;
	const struct policy_name *pin;
	enum dns_code code;
	int found = dns_parse_answer(message, length, query->id, query->name, query->type, query->addresses + query->nr_addresses, POLICY_PINS, &code);

	if (found < 0)
		return; /* not from the server, or not to this question */
	if (code != DNS_NO_ERROR && code != DNS_NO_NAME) {
		if (ask(network, query))
			fail_query(network->names, query);
		return;
	}
	query->nr_addresses += found;
	if (query->type == DNS_A) {
		query->type = DNS_AAAA;
		query->tries--; /* the same server again */
		if (ask(network, query) == 0)
			return;
	}
	/* A name that does not exist yet is asked for again next time. */
	if (!query->nr_addresses) {
		for (int i = 0; i < query->nr_waiters; i++)
			reply_code(network->names, &query->waiters[i], DNS_NO_NAME, NULL, 0);
		end_query(names, query);
		return;
	}
	pin = policy_pin(network->policy, query->name, query->addresses, query->nr_addresses, is_own, network);
	if (pin && !pin->nr_addresses)
		network_log(network, "the name %s leads to this host or to a special address only: it is taken for unknown", query->name);
	for (int i = 0; i < query->nr_waiters && pin; i++)
		answer_pinned(network->names, &query->waiters[i], pin);
	if (pin)
		end_query(names, query);
	else
		fail_query(network->names, query);
}

static void passed_answered(struct network *network, struct query *query, uint8_t *answer, size_t length)
{
	struct name_service *names = network->names;

	if (length < 12 || memcmp(answer, &query->id, 2) || !(answer[2] & 0x80))
		return;
	memcpy(answer, query->waiters[0].query, 2);
	reply(network->names, &query->waiters[0], answer, length);
	end_query(names, query);
}

/* TCP to a server: write the question, then read the answer. */
static void stream_ready(struct network *network, struct query *query)
{
	struct epoll_event event = { EPOLLIN, { .u64 = NAMES_QUERY + query->index } };
	ssize_t moved;

	if (!query->sent) {
		moved = send(query->fd, query->message + query->done, query->length + 2 - query->done, MSG_NOSIGNAL);
		query->done += moved > 0 ? moved : 0;
		if (moved < 0 && errno != EAGAIN && ask(network, query))
			fail_query(network->names, query);
		if (moved < 0 || query->done < query->length + 2)
			return;
		query->sent = true;
		query->done = 0;
		epoll_ctl(network->epoll_fd, EPOLL_CTL_MOD, query->fd, &event);
		return;
	}
	moved = recv(query->fd, query->message + query->done, sizeof(query->message) - query->done, 0);
	if (moved < 0 && errno == EAGAIN)
		return;
	query->done += moved > 0 ? moved : 0;
	if (query->done >= 2 && query->done >= 2u + (query->message[0] << 8 | query->message[1]))
		passed_answered(network, query, query->message + 2, query->message[0] << 8 | query->message[1]);
	else if (moved <= 0 || query->done == sizeof(query->message))
		fail_query(network->names, query);
}

static void query_ready(struct network *network, struct query *query)
{
	uint8_t answer[DNS_MESSAGE];
	ssize_t length;

	if (!query || query->fd < 0)
		return;
	if (query->stream) {
		stream_ready(network, query);
		return;
	}
	length = recv(query->fd, answer, sizeof(answer), 0);
	if (length < 0 && errno == EAGAIN)
		return;
	if (length >= 0 && query->pins)
		pin_answered(network, query, answer, length);
	else if (length >= 0)
		passed_answered(network, query, answer, length);
	else if (ask(network, query))
		fail_query(network->names, query);
}

/* ---- questions ---- */

static void take_question(struct network *network, struct client *client, const uint8_t *message, size_t length)
{
	struct name_service *names = network->names;
	struct waiter waiter = { .client = client->index, .generation = client->generation };
	const struct policy_name *pin;
	struct dns_question question;
	char reason[POLICY_REASON], name[POLICY_NAME];
	int code = dns_parse_question(message, length, &question);

	if (code < 0)
		return;
	waiter.length = length < sizeof(waiter.query) ? length : sizeof(waiter.query);
	memcpy(waiter.query, message, waiter.length);
	if (question.end > waiter.length)
		return;
	if (code != DNS_NO_ERROR) {
		reply_code(names, &waiter, code, NULL, 0);
		return;
	}
	/* Under a policy only what could be a host's name. */
	if (!policy_name_normalise(question.name, name)) {
		if (network->policy->default_allow)
			pass_on(network, &waiter, message, length, client->stream);
		else
			reply_code(names, &waiter, DNS_NO_NAME, NULL, 0);
		return;
	}
	if (!policy_check_name(network->policy, name, reason)) {
		if (question.type == DNS_A || question.type == DNS_AAAA)
			network_log(network, "refused: the name %s: %s", name, reason);
		reply_code(names, &waiter, DNS_NO_NAME, NULL, 0);
		return;
	}
	if (!policy_wants_name(network->policy, name)) {
		pass_on(network, &waiter, message, length, client->stream);
		return;
	}
	pin = policy_find_name(network->policy, name);
	if (pin)
		answer_pinned(names, &waiter, pin);
	else if (question.type == DNS_A || question.type == DNS_AAAA)
		look_up(network, name, &waiter);
	else
		reply_code(names, &waiter, DNS_NO_ERROR, NULL, 0);
}

static void client_ready(struct network *network, struct client *client)
{
	struct name_service *names = network->names;
	ssize_t length;

	if (!client)
		return;
	length = recv(client->fd, client->buffer + client->used, sizeof(client->buffer) - client->used, MSG_DONTWAIT);
	if (length < 0 && errno == EAGAIN)
		return;
	if (length <= 0) {
		close_client(names, client);
		return;
	}
	if (!client->stream) {
		if (length <= DNS_MESSAGE)
			take_question(network, client, client->buffer, length);
		return;
	}
	client->used += length;
	while (client->used >= 2) {
		size_t size = client->buffer[0] << 8 | client->buffer[1];

		if (size > DNS_MESSAGE) {
			close_client(names, client);
			return;
		}
		if (client->used < 2 + size)
			return;
		take_question(network, client, client->buffer + 2, size);
		client->used -= 2 + size;
		memmove(client->buffer, client->buffer + 2 + size, client->used);
	}
}

void names_ready(struct network *network, uint64_t data, uint32_t events)
{
	if (!network->names)
		return;
	if (data >= NAMES_CLIENT && data < NAMES_CLIENT + CLIENTS)
		client_ready(network, network->names->clients[data - NAMES_CLIENT]);
	else if (data >= NAMES_QUERY && data < NAMES_QUERY + QUERIES)
		query_ready(network, network->names->queries[data - NAMES_QUERY]);
}

int names_timeout(struct network *network)
{
	int64_t first = INT64_MAX, now = now_ms();

	for (int i = 0; network->names && i < QUERIES; i++)
		if (network->names->queries[i] && network->names->queries[i]->deadline < first)
			first = network->names->queries[i]->deadline;
	return first == INT64_MAX ? -1 : first <= now ? 0 : first - now;
}

void names_expire(struct network *network)
{
	int64_t now = now_ms();

	for (int i = 0; network->names && i < QUERIES; i++) {
		struct query *query = network->names->queries[i];

		if (query && query->deadline <= now && ask(network, query))
			fail_query(network->names, query);
	}
}

/* ---- start and end ---- */

static void read_servers(struct network *network)
{
	struct name_service *names = network->names;
	const char *namespace = network->config->namespace;
	char path[512], line[512], word[128];
	FILE *file = NULL;

	if (namespace && namespace[0] != '/') {
		snprintf(path, sizeof(path), "/etc/netns/%s/resolv.conf", namespace);
		file = fopen(path, "re");
	}
	if (!file)
		file = fopen("/etc/resolv.conf", "re");
	while (file && names->nr_servers < NETWORK_DNS && fgets(line, sizeof(line), file)) {
		struct network_endpoint *server = &names->servers[names->nr_servers];
		struct address address;

		if (sscanf(line, " nameserver %127s", word) != 1)
			continue;
		word[strcspn(word, "%")] = '\0';
		if (!address_parse(word, &address))
			continue;
		*server = (struct network_endpoint){ .port = 53 };
		memcpy(server->address, address.bytes, 16);
		names->nr_servers++;
	}
	if (file)
		fclose(file);
}

int names_prepare(struct network *network, struct error *error)
{
	struct name_service *names = network->names = calloc(1, sizeof(*names));

	if (!names)
		return fail(error, 0, "out of memory");
	names->nr_servers = network->config->nr_dns;
	memcpy(names->servers, network->config->dns, sizeof(names->servers));
	if (!names->nr_servers)
		read_servers(network);
	return 0;
}

static void look_up_rules(struct network *network, bool allow)
{
	for (int i = 0; i < network->policy->nr_rules; i++) {
		const struct policy_rule *rule = &network->policy->rules[i];

		if (rule->allow == allow && rule->name[0] && !rule->below && !policy_find_name(network->policy, rule->name))
			look_up(network, rule->name, NULL);
	}
}

void names_start(struct network *network)
{
	look_up_rules(network, true);
}

static bool any_query(const struct name_service *names)
{
	for (int i = 0; i < QUERIES; i++)
		if (names->queries[i])
			return true;
	return false;
}

void names_resolve_denied(struct network *network)
{
	int64_t end = now_ms() + DENIED_MS;

	look_up_rules(network, false);
	while (any_query(network->names) && now_ms() < end) {
		struct epoll_event event;
		int timeout = names_timeout(network);

		if (epoll_wait(network->epoll_fd, &event, 1, timeout < 0 || timeout > 200 ? 200 : timeout) == 1)
			names_ready(network, event.data.u64, event.events);
		names_expire(network);
	}
	for (int i = 0; i < network->policy->nr_rules; i++) {
		const struct policy_rule *rule = &network->policy->rules[i];

		if (!rule->allow && rule->name[0] && !rule->below && !policy_find_name(network->policy, rule->name))
			fprintf(stderr, "linuxd: warning: --deny %s: the name has no address now; questions for it are refused, addresses are not\n",
				rule->text);
	}
}

void names_close(struct network *network)
{
	struct name_service *names = network->names;

	if (!names)
		return;
	for (int i = 0; i < CLIENTS; i++)
		if (names->clients[i])
			close_client(names, names->clients[i]);
	for (int i = 0; i < QUERIES; i++)
		if (names->queries[i])
			end_query(names, names->queries[i]);
	free(names);
	network->names = NULL;
}
