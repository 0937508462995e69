// What the C peers share: a loopback listener and the epoll calls, each of which
// ends the process when it fails, because a peer that limps measures nothing.
//
// The including file defines _GNU_SOURCE (accept4) before its first include.
#ifndef PEERS_EPOLL_H
#define PEERS_EPOLL_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_READY = 512 }; // ready connections taken by one epoll_wait

static void die(const char *what) {
	perror(what);
	exit(1);
}

// listen_loopback listens on 127.0.0.1:port (0 = any), says where on stderr and
// returns the non-blocking listener.
static int listen_loopback(int port) {
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
	if (fd < 0)
		die("socket");
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	socklen_t size = sizeof addr;
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	signal(SIGPIPE, SIG_IGN); // a client that left is an error of one write
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(fd, (struct sockaddr *)&addr, size) || listen(fd, 4096) ||
	    getsockname(fd, (struct sockaddr *)&addr, &size))
		die("listen");
	fprintf(stderr, "listening on 127.0.0.1:%d\n", ntohs(addr.sin_port));
	return fd;
}

// accept_conn accepts one connection, non-blocking and without Nagle's delay, or
// returns -1 when none is waiting.
static int accept_conn(int listener) {
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), one = 1;
	if (fd < 0) {
		if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
			return -1;
		die("accept4");
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return fd;
}

// watch adds or modifies (op) what ep reports of fd; owner comes back with it.
static void watch(int ep, int op, int fd, uint32_t events, void *owner) {
	struct epoll_event ev = {.events = events, .data.ptr = owner};
	if (epoll_ctl(ep, op, fd, &ev))
		die("epoll_ctl");
}

// wait_ready blocks until something is ready and returns how many.
static int wait_ready(int ep, struct epoll_event *ready) {
	int n = epoll_wait(ep, ready, MAX_READY, -1);
	if (n < 0 && errno != EINTR)
		die("epoll_wait");
	return n < 0 ? 0 : n;
}

static void *must_alloc(size_t bytes) {
	void *p = malloc(bytes);
	if (!p)
		die("malloc");
	return p;
}

#endif
