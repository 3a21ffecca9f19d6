/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's way to the outside, in the monitor: makes the host sockets that the kernel asks for (abi/network.h), after a look at the
 * policy, and lets in what comes to published ports.
 *
 *   config.c      options of the user               policy.c    which destinations are allowed
 *   network.c     start and end, the thread         sockets.c   the kernel's requests
 *   entrances.c   what others connect to            flows.c     the same for UDP
 *   names.c       DNS
 *   interfaces.c, files.c   what the container is shown
 *   routes.c      which addresses are this host's own
 *
 * Everything in a request is hostile. It is copied first; nothing in it can name more than a destination, which is checked, and a socket
 * of this container's.
 */
#ifndef RUNTIME_NETWORK_NETWORK_H
#define RUNTIME_NETWORK_NETWORK_H

#include <pthread.h>

#include "runtime/network/config.h"
#include "runtime/sandbox/sandbox.h"

#define NETWORK_BUCKETS 1024
#define NETWORK_RESERVE 64 /* descriptors that the monitor keeps for its other work */

/* The container's side in mode NETWORK_OUTSIDE; chosen as user-mode networks usually do. */
#define OUTSIDE_ADDRESS 0x0a00020f /* 10.0.2.15 */
#define OUTSIDE_GATEWAY 0x0a000202 /* 10.0.2.2: this host, where --allow 127.0.0.1 lets it be reached */
#define OUTSIDE_DNS 0x0a000203     /* 10.0.2.3: the monitor answers */
#define OUTSIDE_PREFIX 24

/* A socket that the kernel has a token for. */
struct network_socket {
	struct network_socket *next;
	uint64_t token;
	int fd;                        /* -1: a listener, which is served by entrances */
	enum network_kind kind;
	struct network_endpoint local; /* of a listener */
};

/* A socket of the host's that others connect or send to. */
struct network_entrance {
	int fd;                /* -1: none here */
	enum network_kind kind;
	bool published;        /* stays when nobody listens */
	uint16_t port;         /* the container's */
	struct network_endpoint host;
	int listeners;         /* sockets inside that listen; connections are refused when there is none */
	int backlog;
	uint32_t sent;         /* connections handed in; ring->taken follows */
	bool paused;           /* not watched: too many are on their way, or no descriptor is free */
};

struct name_service; /* names.c */

struct network {
	struct sandbox *sandbox;
	const struct network_config *config;
	struct boot_network boot;
	char host_name[80];
	char *resolv_conf, *hosts; /* text, NULL: the image's own */
	pthread_mutex_t lock;  /* of all that follows */
	struct policy *policy;
	int namespace_fd;      /* -1: the monitor's own */
	int routes_fd;         /* netlink; -1 */
	int epoll_fd;
	pthread_t thread;
	bool started;
	unsigned long nr_sockets, most_sockets;
	struct network_socket *sockets[NETWORK_BUCKETS];
	struct network_entrance entrances[NETWORK_ENTRANCES];
	int nr_paused;
	bool retry;            /* an entrance waits for a free descriptor */
	struct name_service *names;
	/* Lines about refused destinations: so many may be written now. */
	unsigned int log_credit, log_dropped;
	struct timespec log_last;
};

/* Before launch_prepare. Makes and binds the published ports; on failure nothing is left. sandbox->network is set. */
int network_prepare(struct sandbox *sandbox, struct error *error);
void network_close(struct sandbox *sandbox);
/* Tells the kernel what network there is. */
void network_describe(const struct network *network, struct boot_params *boot, uint32_t (*put_string)(struct boot_params *boot, const char *string));
/* The thread that lets connections in. Called when the kernel process has been started. */
int network_start(struct network *network, struct error *error);
/* For threads of the monitor's that make sockets: enters the container's network. */
void network_enter(struct network *network);
/* Takes everything from the ring. Slots thread. */
void network_serve(struct network *network);
/* A request in a slot; the answer may take its place in @data. */
long network_perform(struct network *network, char *data, size_t size);
/* One line for the user, not too often. Lock held. */
void network_log(struct network *network, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The host's descriptor table is full, or nearly so. Lock held. */
bool network_is_full(struct network *network);

/* sockets.c */
long network_request(struct network *network, struct network_request *request, char *data, size_t size);
/* Remembers a socket of which the sandbox gets a copy. NULL: no memory, or the token is taken. Lock held. */
struct network_socket *network_add_socket(struct network *network, uint64_t token, int fd, enum network_kind kind);
/* Puts it into the sandbox's epoll set and hands it in; on failure it is forgotten and closed. 0 or -errno. Lock held. */
int network_hand_in(struct network *network, struct network_socket *socket, uint64_t target, const struct network_arrival *arrival, const void *payload,
		    size_t length);
void network_forget(struct network *network, uint64_t token);

/* entrances.c. Lock held. */
int entrances_publish(struct network *network, struct error *error);
long entrances_listen(struct network *network, const struct network_request *request);
void entrances_unlisten(struct network *network, const struct network_socket *listener);
void entrance_ready(struct network *network, unsigned int index);
/* An address of the outside as the container is to see it. */
void network_show_remote(const struct network *network, struct network_endpoint *remote);
/* The two ends of what has arrived, likewise. */
void entrance_show(struct network *network, const struct network_entrance *entrance, struct network_arrival *arrival);
/* Looks again at those that were paused. */
void entrances_resume(struct network *network);
void entrances_close(struct network *network);

/* flows.c: datagrams have come to a UDP entrance. */
void flows_ready(struct network *network, struct network_entrance *entrance);

/* routes.c: is this an address of the host's own, or a broadcast address? */
bool routes_own(struct network *network, const struct address *address);
void routes_open(struct network *network);

/* files.c */
int files_write(struct network *network, struct error *error);

/* interfaces.c */
int interfaces_describe(struct network *network, struct error *error);

#endif
