// rawc is the floor that every peer is measured against: a TCP echo on epoll, one
// thread, level-triggered, one read and one write for each readiness, no protocol.
//
// usage: rawc [PORT]    0, the default, takes any free port
#define _GNU_SOURCE
#include "../epoll.h"
#include <string.h>

enum { RX_BYTES = 512 << 10 };

// A conn owns memory besides itself only while the kernel refuses its output.
struct conn {
	int fd;
	char *backlog; // bytes the kernel did not take, or NULL; reading stops meanwhile
	size_t len, sent;
};

static char rx[RX_BYTES]; // one buffer for all connections: nothing stays in it

static void hang_up(struct conn *c) {
	close(c->fd);
	free(c->backlog);
	free(c);
}

static void on_readable(int ep, struct conn *c) {
	ssize_t n = read(c->fd, rx, sizeof rx);
	if (n <= 0) {
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			hang_up(c);
		return;
	}
	ssize_t w = write(c->fd, rx, (size_t)n);
	if (w == n)
		return;
	if (w < 0 && errno != EAGAIN && errno != EINTR) {
		hang_up(c);
		return;
	}
	w = w < 0 ? 0 : w;
	c->len = (size_t)(n - w);
	c->sent = 0;
	c->backlog = must_alloc(c->len);
	memcpy(c->backlog, rx + w, c->len);
	watch(ep, EPOLL_CTL_MOD, c->fd, EPOLLOUT, c);
}

static void on_writable(int ep, struct conn *c) {
	ssize_t w = write(c->fd, c->backlog + c->sent, c->len - c->sent);
	if (w < 0) {
		if (errno != EAGAIN && errno != EINTR)
			hang_up(c);
		return;
	}
	c->sent += (size_t)w;
	if (c->sent < c->len)
		return;
	free(c->backlog);
	c->backlog = NULL;
	watch(ep, EPOLL_CTL_MOD, c->fd, EPOLLIN, c);
}

static void on_accept(int ep, int listener) {
	for (int fd; (fd = accept_conn(listener)) >= 0;) {
		struct conn *c = must_alloc(sizeof *c);
		*c = (struct conn){.fd = fd};
		watch(ep, EPOLL_CTL_ADD, fd, EPOLLIN, c);
	}
}

int main(int argc, char **argv) {
	int listener = listen_loopback(argc > 1 ? atoi(argv[1]) : 0);
	int ep = epoll_create1(EPOLL_CLOEXEC);
	if (ep < 0)
		die("epoll_create1");
	watch(ep, EPOLL_CTL_ADD, listener, EPOLLIN, NULL);
	for (;;) {
		struct epoll_event ready[MAX_READY];
		int n = wait_ready(ep, ready);
		for (int i = 0; i < n; i++) {
			struct conn *c = ready[i].data.ptr;
			if (!c)
				on_accept(ep, listener);
			else if (c->backlog)
				on_writable(ep, c);
			else
				on_readable(ep, c);
		}
	}
}
