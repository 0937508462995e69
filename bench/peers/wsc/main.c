// wsc is what WebSocket costs at least: an echo server in C on epoll, one thread,
// level-triggered. It parses in one receive buffer, unmasks into one send buffer and
// answers everything that one read brought with one write. It echoes frame by frame,
// answers ping and close, and checks only what it needs to stay in step. What comes
// from a connection to /all goes to all of those, each of which gets what one read
// brought with one write.
//
// usage: wsc [PORT]    0, the default, takes any free port
#define _GNU_SOURCE
#include "../epoll.h"
#include "accept.h"
#include <malloc.h>

enum {
	RX_BYTES = 512 << 10,
	HEAD_BYTES = 8 << 10,   // longest handshake request
	FRAME_BYTES = 64 << 20, // longest frame payload
	OP_CLOSE = 8,
	OP_PING = 9,
	OP_PONG = 10,
};

// A conn owns memory besides itself only while a frame is incomplete or while the
// kernel refuses its output.
struct conn {
	int fd;
	int open;    // the handshake is done: bytes are frames
	int member;  // its number among the members, or -1
	int closing; // a close frame is on its way out: hang up behind it
	char *spill; // bytes of an incomplete frame or handshake, or NULL
	size_t spill_len;
	size_t frame_len; // whole frame's size, which spill has room for, or 0 if not known yet
	char *backlog;    // allocation with the bytes the kernel did not take, or NULL
	size_t sent, backlog_len;
};

struct header {
	unsigned first;  // FIN, RSV and opcode
	size_t len;      // payload bytes
	size_t size;     // header bytes, mask key included
	const char *key; // 4 bytes
};

static int ep;
static char rx[RX_BYTES + 1];
static char tx[RX_BYTES + 256]; // an answer is never longer than what asked for it
static size_t tx_len;           // 0 between two connections
static char bx[RX_BYTES + 256]; // what goes to all members
static size_t bx_len;           // 0 between two connections

static struct conn **members;
static int member_count, member_room;

static void join(struct conn *c) {
	if (member_count == member_room) {
		member_room = 2 * member_room + 64;
		members = realloc(members, (size_t)member_room * sizeof *members);
		if (!members)
			die("realloc");
	}
	c->member = member_count;
	members[member_count++] = c;
}

static void leave(struct conn *c) {
	if (c->member < 0)
		return;
	members[c->member] = members[--member_count];
	members[c->member]->member = c->member;
}

static void hang_up(struct conn *c) {
	leave(c);
	close(c->fd);
	free(c->spill);
	free(c->backlog);
	free(c);
}

// parse_header reads the header at the front of b: 1 = read, 0 = more bytes are
// needed, -1 = not a frame that we take (unmasked, or too long).
static int parse_header(const char *b, size_t n, struct header *h) {
	const uint8_t *p = (const uint8_t *)b;
	if (n < 2)
		return 0;
	if (!(p[1] & 0x80))
		return -1;
	uint64_t len = p[1] & 0x7f;
	size_t extra = len == 126 ? 2 : len == 127 ? 8 : 0;
	if (n < 2 + extra + 4)
		return 0;
	if (extra)
		len = 0;
	for (size_t i = 0; i < extra; i++)
		len = len << 8 | p[2 + i];
	if (len > FRAME_BYTES)
		return -1;
	*h = (struct header){.first = p[0], .len = (size_t)len, .size = 2 + extra + 4, .key = b + 2 + extra};
	return 1;
}

// put_header writes the server's header for n payload bytes; it is always 4 bytes
// shorter than the client's canonical one, which had a key.
static size_t put_header(char *out, unsigned first, size_t n) {
	uint8_t *p = (uint8_t *)out;
	size_t extra = n < 126 ? 0 : n < 65536 ? 2 : 8;
	p[0] = (uint8_t)first;
	p[1] = (uint8_t)(extra == 0 ? n : extra == 2 ? 126 : 127);
	for (size_t i = 0; i < extra; i++)
		p[2 + i] = (uint8_t)(n >> (8 * (extra - 1 - i)));
	return 2 + extra;
}

// unmask copies n bytes from src to dst, which may be the same, through the key.
static void unmask(char *dst, const char *src, size_t n, const char *key) {
	uint32_t k4;
	memcpy(&k4, key, 4);
	uint64_t k = (uint64_t)k4 << 32 | k4, word;
	size_t i = 0;
	for (; i + 8 <= n; i += 8) {
		memcpy(&word, src + i, 8);
		word ^= k;
		memcpy(dst + i, &word, 8);
	}
	for (const char *kb = (const char *)&k; i < n; i++)
		dst[i] = src[i] ^ kb[i & 3];
}

// append_frame appends a frame with h's payload, unmasked, to what has len bytes.
static size_t append_frame(char *out, size_t len, unsigned first, const struct header *h, const char *payload) {
	len += put_header(out + len, first, h->len);
	unmask(out + len, payload, h->len, h->key);
	return len + h->len;
}

// answer appends the reply to one complete frame to tx, or to bx if it is for all.
static void answer(struct conn *c, const struct header *h, const char *payload) {
	unsigned op = h->first & 0x0f, first = h->first;
	if (op == OP_PONG)
		return;
	if (c->member >= 0 && op < OP_CLOSE) {
		bx_len = append_frame(bx, bx_len, first, h, payload);
		return;
	}
	if (op == OP_PING)
		first = 0x80 | OP_PONG;
	if (op == OP_CLOSE)
		c->closing = 1;
	tx_len = append_frame(tx, tx_len, first, h, payload);
}

// take_frames answers the complete frames in b and returns the bytes they used, or
// -1 if the peer broke the protocol.
static ssize_t take_frames(struct conn *c, const char *b, size_t n) {
	size_t used = 0;
	struct header h;
	while (!c->closing) {
		int got = parse_header(b + used, n - used, &h);
		if (got < 0)
			return -1;
		if (!got || n - used - h.size < h.len)
			break;
		answer(c, &h, b + used + h.size);
		used += h.size + h.len;
	}
	return (ssize_t)used;
}

// take_handshake answers the request at the front of b, which has room for one more
// byte. It returns the bytes it used, 0 if the head is incomplete, -1 if it is bad.
static ssize_t take_handshake(struct conn *c, char *b, size_t n) {
	static const char name[] = "\r\nSec-WebSocket-Key:";
	static const char all[] = "GET /all ";
	char *end = memmem(b, n, "\r\n\r\n", 4);
	if (!end)
		return n > HEAD_BYTES ? -1 : 0;
	*end = 0;
	char *key = strcasestr(b, name);
	if (!key)
		return -1;
	key += sizeof name - 1;
	key += strspn(key, " \t");
	if (strcspn(key, "\r \t") != KEY_CHARS)
		return -1;
	char accept[ACCEPT_CHARS];
	accept_key(key, accept);
	tx_len += (size_t)sprintf(tx + tx_len,
	                          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
	                          "Connection: Upgrade\r\nSec-WebSocket-Accept: %.*s\r\n\r\n",
	                          ACCEPT_CHARS, accept);
	c->open = 1;
	if (strncmp(b, all, sizeof all - 1) == 0)
		join(c);
	return end + 4 - b;
}

// keep_spill saves the n bytes at b until the rest arrives. If their frame's length
// is known, the spill is allocated whole and later reads go straight into it.
static void keep_spill(struct conn *c, const char *b, size_t n) {
	struct header h;
	if (n == 0)
		return;
	c->frame_len = c->open && parse_header(b, n, &h) > 0 ? h.size + h.len : 0;
	c->spill = must_alloc(c->frame_len ? c->frame_len : n);
	c->spill_len = n;
	memcpy(c->spill, b, n);
}

static void drop_spill(struct conn *c) {
	free(c->spill);
	c->spill = NULL;
	c->spill_len = c->frame_len = 0;
}

// write_some writes once and returns what the kernel took, or -1 if the conn is dead.
static ssize_t write_some(struct conn *c, const char *b, size_t n) {
	ssize_t w = write(c->fd, b, n);
	if (w < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	return w;
}

// settle ends a conn's turn: it waits for room if there is a backlog, hangs up if
// the close frame is out.
static void settle(struct conn *c) {
	if (c->backlog)
		watch(ep, EPOLL_CTL_MOD, c->fd, EPOLLOUT, c);
	else if (c->closing)
		hang_up(c);
}

// tell sends n bytes to every member, or appends them to its backlog. One that is dead
// is told of by epoll, as ever.
static void tell(const char *b, size_t n) {
	for (int i = 0; i < member_count; i++) {
		struct conn *m = members[i];
		size_t left = m->backlog_len - m->sent;
		ssize_t w = m->backlog ? 0 : write_some(m, b, n);
		if (w < 0 || (size_t)w == n)
			continue;
		char *backlog = must_alloc((m->backlog ? left : 0) + n - (size_t)w);
		if (m->backlog)
			memcpy(backlog, m->backlog + m->sent, left);
		else
			left = 0;
		memcpy(backlog + left, b + w, n - (size_t)w);
		free(m->backlog);
		m->backlog = backlog;
		m->sent = 0;
		m->backlog_len = left + n - (size_t)w;
		watch(ep, EPOLL_CTL_MOD, m->fd, EPOLLOUT, m);
	}
}

// flush sends bx to all and tx with one write; what is left becomes the backlog.
static void flush(struct conn *c) {
	size_t n = tx_len;
	if (bx_len)
		tell(bx, bx_len);
	tx_len = bx_len = 0;
	if (n && c->backlog) { // of what it told itself
		hang_up(c);
		return;
	}
	ssize_t w = n ? write_some(c, tx, n) : 0;
	if (w < 0) {
		hang_up(c);
		return;
	}
	if ((size_t)w < n) {
		c->backlog_len = n - (size_t)w;
		c->sent = 0;
		c->backlog = must_alloc(c->backlog_len);
		memcpy(c->backlog, tx + w, c->backlog_len);
	}
	settle(c);
}

// echo_spill answers the large frame that fills the spill without another copy: it
// unmasks in place, puts the shorter header right in front and writes from there.
static void echo_spill(struct conn *c) {
	struct header h;
	parse_header(c->spill, c->spill_len, &h);
	unmask(c->spill + h.size, c->spill + h.size, h.len, h.key);
	c->sent = h.size - put_header(rx, h.first, h.len);
	put_header(c->spill + c->sent, h.first, h.len);
	if (c->member >= 0) {
		char *frame = c->spill;
		size_t from = c->sent, n = c->spill_len - c->sent;
		c->spill = NULL;
		c->sent = 0;
		drop_spill(c);
		tell(frame + from, n);
		free(frame);
		return;
	}
	c->backlog = c->spill;
	c->backlog_len = c->spill_len;
	c->spill = NULL;
	drop_spill(c);

	ssize_t w = write_some(c, c->backlog + c->sent, c->backlog_len - c->sent);
	if (w < 0) {
		hang_up(c);
		return;
	}
	c->sent += (size_t)w;
	if (c->sent == c->backlog_len) {
		free(c->backlog);
		c->backlog = NULL;
	}
	settle(c);
}

// on_spill_readable reads the rest of a frame of known length into the spill.
static void on_spill_readable(struct conn *c) {
	ssize_t n = read(c->fd, c->spill + c->spill_len, c->frame_len - c->spill_len);
	if (n <= 0) {
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			hang_up(c);
		return;
	}
	c->spill_len += (size_t)n;
	if (c->spill_len < c->frame_len)
		return;
	if (c->frame_len > RX_BYTES) {
		echo_spill(c);
		return;
	}
	take_frames(c, c->spill, c->spill_len);
	drop_spill(c);
	flush(c);
}

static void on_readable(struct conn *c) {
	size_t n = c->spill_len; // less than a header, or less than a handshake
	ssize_t got = read(c->fd, rx + n, RX_BYTES - n);
	if (got <= 0) {
		if (got == 0 || (errno != EAGAIN && errno != EINTR))
			hang_up(c);
		return;
	}
	memcpy(rx, c->spill ? c->spill : rx, n);
	drop_spill(c);
	n += (size_t)got;

	ssize_t used = c->open ? 0 : take_handshake(c, rx, n);
	ssize_t more = used >= 0 && c->open ? take_frames(c, rx + used, n - (size_t)used) : 0;
	if (used < 0 || more < 0) {
		tx_len = bx_len = 0;
		hang_up(c);
		return;
	}
	used += more;
	keep_spill(c, rx + used, n - (size_t)used);
	flush(c);
}

static void on_writable(struct conn *c) {
	ssize_t w = write_some(c, c->backlog + c->sent, c->backlog_len - c->sent);
	if (w < 0) {
		hang_up(c);
		return;
	}
	c->sent += (size_t)w;
	if (c->sent < c->backlog_len)
		return;
	free(c->backlog);
	c->backlog = NULL;
	if (c->closing)
		hang_up(c);
	else
		watch(ep, EPOLL_CTL_MOD, c->fd, EPOLLIN, c);
}

static void on_accept(int listener) {
	for (int fd; (fd = accept_conn(listener)) >= 0;) {
		struct conn *c = must_alloc(sizeof *c);
		*c = (struct conn){.fd = fd, .member = -1};
		watch(ep, EPOLL_CTL_ADD, fd, EPOLLIN, c);
	}
}

int main(int argc, char **argv) {
	// Otherwise every large frame gets fresh pages from the kernel, zeroed and
	// faulted in one by one: more than the echo itself.
	mallopt(M_MMAP_THRESHOLD, 32 << 20);
	mallopt(M_TRIM_THRESHOLD, 512 << 20);

	int listener = listen_loopback(argc > 1 ? atoi(argv[1]) : 0);
	ep = epoll_create1(EPOLL_CLOEXEC);
	if (ep < 0)
		die("epoll_create1");
	watch(ep, EPOLL_CTL_ADD, listener, EPOLLIN, NULL);
	for (;;) {
		struct epoll_event ready[MAX_READY];
		int n = wait_ready(ep, ready);
		for (int i = 0; i < n; i++) {
			struct conn *c = ready[i].data.ptr;
			if (!c)
				on_accept(listener);
			else if (c->backlog)
				on_writable(c);
			else if (c->frame_len)
				on_spill_readable(c);
			else
				on_readable(c);
		}
	}
}
