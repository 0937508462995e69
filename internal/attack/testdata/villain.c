// villain is a guest that attacks its host in the way that a client tells it to.
//
// The first byte of a binary message is the attack, numbers of 32 bits follow. A
// text message is sent back. A connection is accepted, unless its query says
// otherwise:
//
//   ?leave            it is accepted and closed at once
//   ?spin             the guest does not return
//
// Answers are binary messages of numbers of 32 bits.

// Memory that the host asks for is part of the attack: what wherry_buffers.h would
// define is below.
#define WHERRY_BUFFERS_H
#define WHERRY_WANTS (wherry_bit(WHERRY_KIND_TIMER) | wherry_bit(WHERRY_KIND_REQUEST))
#include "../../../guests/sdk/c/wherry_abi.h"
static const uint32_t wherry_lent;
static void wherry_free_delivered(const wherry_record *events, uint32_t count) { (void)events, (void)count; }
#include "../../../guests/sdk/c/wherry.h"

#define PAGE 65536u

__attribute__((import_module("wasi_snapshot_preview1"), import_name("poll_oneoff"))) int32_t
poll_oneoff(const void *in, void *out, uint32_t count, uint32_t *events);

// What the guest counts. An instance that is fresh has seen nothing.
static struct {
  uint32_t messages, connects, closes, faults, double_closes, last_fault, timers, requests;
} seen;

// How it behaves from now on: set by MODE.
static uint32_t on_alloc, on_close;

static volatile uint32_t sink;

// ---- Attacks on the processor. ----

static __attribute__((noinline)) void spin(uint32_t rounds) {
  // 0 never ends. Volatile, so that the compiler keeps the loop.
  for (uint32_t n = rounds; rounds == 0 || n != 0; n--) sink += n;
}

// Two calls in each of 60 levels, and no loop.
static __attribute__((noinline, optnone)) uint32_t exponential(uint32_t level) {
  if (level == 0) return 1;
  return exponential(level - 1) + exponential(level - 1);
}

// 24 levels of functions that each call the one below four times: 4^24 calls with
// neither a loop nor recursion.
static __attribute__((noinline)) void tree0(void) { sink++; }
#define TREE(upper, lower) \
  static __attribute__((noinline, optnone)) void tree##upper(void) { lower(), lower(), lower(), lower(); }
TREE(1, tree0)
TREE(2, tree1)
TREE(3, tree2)
TREE(4, tree3)
TREE(5, tree4)
TREE(6, tree5)
TREE(7, tree6)
TREE(8, tree7)
TREE(9, tree8)
TREE(10, tree9)
TREE(11, tree10)
TREE(12, tree11)
TREE(13, tree12)
TREE(14, tree13)
TREE(15, tree14)
TREE(16, tree15)
TREE(17, tree16)
TREE(18, tree17)
TREE(19, tree18)
TREE(20, tree19)
TREE(21, tree20)
TREE(22, tree21)
TREE(23, tree22)
TREE(24, tree23)

static void hostcalls(void) {
  for (;;) sink += (uint32_t)wherry_now(WHERRY_CLOCK_MONOTONIC);
}

// sleep asks WASI for an hour, the given number of times; 0 is without end.
static void sleep(uint32_t times) {
  static uint64_t subscription[6], event[4];
  static uint32_t events;
  subscription[1] = 0;                // a clock
  subscription[2] = 1;                // the monotonic one
  subscription[3] = 3600000000000ull; // nanoseconds, relative
  for (uint32_t n = times; times == 0 || n != 0; n--) sink += (uint32_t)poll_oneoff(subscription, event, 1, &events);
}

// ---- Memory. ----

static uint32_t pages(void) { return (uint32_t)__builtin_wasm_memory_size(0); }
static int grow(uint32_t by) { return __builtin_wasm_memory_grow(0, by) != (__SIZE_TYPE__)-1; }

// grow_all takes all the memory that there is and touches each page.
static void grow_all(void) {
  while (grow(1)) *(volatile uint8_t *)((pages() - 1) * PAGE) = 1;
}

static uint32_t heap(void) {
  extern uint8_t __heap_base;
  return ((uint32_t)&__heap_base + PAGE - 1) & ~(PAGE - 1);
}

// fill writes all memory behind the heap's base, again and again.
static void fill(void) {
  while (grow(1)) continue;
  for (;;) __builtin_memset((void *)heap(), (int)sink++, pages() * PAGE - heap());
}

enum { ALLOC_LEAK, ALLOC_NULL, ALLOC_MINUS_ONE, ALLOC_ODD, ALLOC_INBOX, ALLOC_SAME, ALLOC_SPIN, ALLOC_TRAP, ALLOC_END, ALLOC_MAILBOX };

WHERRY_EXPORT("alloc") uint32_t wherry_v1_alloc(uint32_t size) {
  switch (on_alloc) {
  case ALLOC_NULL: return 0;
  case ALLOC_MINUS_ONE: return 0xffffffff;
  case ALLOC_ODD: return 65535;
  case ALLOC_INBOX: return (uint32_t)wherry_inbox + 8;
  case ALLOC_SPIN: spin(0); return 0;
  case ALLOC_TRAP: __builtin_trap();
  case ALLOC_END: return pages() * PAGE - size + 1;
  case ALLOC_MAILBOX: return (uint32_t)&wherry_box - 16;
  }
  // Nothing is ever given back.
  static uint32_t first;
  if (on_alloc == ALLOC_SAME && first) return first;
  uint32_t at = pages() * PAGE;
  if (!grow(size / PAGE + 1)) return 0;
  return first = at + 1;
}

// ---- Answers. ----

static void answer(uint64_t conn, const uint32_t *numbers, uint32_t count) {
  char *at = wherry_stage(count * 4);
  __builtin_memcpy(at, numbers, count * 4);
  wherry_send(conn, 0, (wherry_span){at, count * 4});
}
#define ANSWER(conn, ...) \
  answer(conn, (uint32_t[]){__VA_ARGS__}, sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

// scan counts where 8 bytes occur from at on, of which the arguments are the
// inverse: their being there is no occurrence.
static uint32_t scan(uint64_t inverse, uint32_t at, uint32_t bytes) {
  uint32_t end = pages() * PAGE - 8, hits = 0;
  if (at > end) return 0;
  if (bytes < end - at) end = at + bytes;
  for (; at < end; at++) {
    uint64_t word;
    __builtin_memcpy(&word, (void *)at, 8);
    hits += word == ~inverse;
  }
  return hits;
}

// dump sends back all of the inbox, in messages of 32 KiB.
static void dump(uint64_t conn) {
  for (uint32_t at = 0; at < WHERRY_INBOX_BYTES; at += 32768)
    wherry_send(conn, 0, (wherry_span){(char *)wherry_inbox + at, 32768});
}

// ---- Buffers that are written after they were sent. ----

static uint8_t pattern_bytes[65536];

// pattern is what the client expects: letters that count up from the first. It is
// cheap, so that many fit into a turn.
static wherry_span pattern(uint32_t first, uint32_t len) {
  static uint8_t letters[sizeof(pattern_bytes) + 26];
  if (!letters[0])
    for (uint32_t i = 0; i < sizeof(letters); i++) letters[i] = (uint8_t)('a' + i % 26);
  if (len > sizeof(pattern_bytes)) len = sizeof(pattern_bytes);
  __builtin_memcpy(pattern_bytes, letters + first % 26, len);
  return (wherry_span){(char *)pattern_bytes, len};
}

// rewrite sends, flushes, and overwrites what it has sent and what it has read of
// the inbox: payloads lie behind those of later events.
static void rewrite(uint64_t conn, const uint8_t *read, uint32_t first, uint32_t len) {
  wherry_send(conn, WHERRY_FLAG_TEXT, pattern(first, len));
  wherry_flush();
  __builtin_memset(pattern_bytes, 0xee, sizeof(pattern_bytes));
  __builtin_memset((void *)read, 0xee, (uint32_t)(wherry_inbox + WHERRY_INBOX_BYTES - read));
}

// grow_after grows memory between a command and the end of its turn, and after a
// flush.
static void grow_after(uint64_t conn, uint32_t first, uint32_t len) {
  wherry_send(conn, WHERRY_FLAG_TEXT, pattern(first, len));
  wherry_flush();
  uint32_t at = pages() * PAGE;
  if (grow(1)) __builtin_memset((void *)at, 0xee, PAGE);
  __builtin_memset(pattern_bytes, 0xee, sizeof(pattern_bytes));
  wherry_send(conn, WHERRY_FLAG_TEXT, pattern(first, len));
  if (grow(1)) __builtin_memset((void *)(at + PAGE), 0xee, PAGE);
  wherry_flush(); // before another event needs the pattern
}

// reuse writes over a buffer while a command points to it.
static void reuse(uint64_t conn, uint32_t first, uint32_t len) {
  wherry_send(conn, WHERRY_FLAG_TEXT, pattern(first, len));
  wherry_send(conn, 0, (wherry_span){(char *)pattern_bytes, len});
  __builtin_memset(pattern_bytes + len / 2, 0xff, len - len / 2);
}

// ---- Commands without end. ----

// flood sends to a client that may not read, until it is stopped.
static void flood(uint64_t conn, uint32_t len) {
  wherry_span bytes = pattern(0, len);
  for (;;) wherry_send(conn, 0, bytes);
}

// guess sends to handles that it makes up.
static void guess(uint64_t from, uint64_t step, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) wherry_send(from + i * step, 0, WHERRY_STR("guessed"));
}

// amplify publishes to everybody, count times.
static void amplify(uint32_t count, uint32_t len) {
  wherry_span bytes = pattern(0, len - 8);
  while (count--) wherry_publish(WHERRY_STR("all"), 0, bytes);
}

// arm arms count timers, each as soon as may be. They are armed again when they fire.
static void arm(uint64_t first, uint32_t count) {
  while (count--) *wherry_slot() = (wherry_record){WHERRY_KIND_TIMER, 0, 1, 0, 0, 0, first++};
}

// log_lines writes lines that try to be several, of another look, and long.
static void log_lines(uint32_t count, uint32_t len) {
  static const char forged[] = "x\r\nlevel=ERROR msg=forged\x1b[2J\x00\xff\n";
  if (len > sizeof(pattern_bytes)) len = sizeof(pattern_bytes);
  for (uint32_t i = 0; i < len; i++) pattern_bytes[i] = (uint8_t)forged[i % (sizeof(forged) - 1)];
  while (count--) wherry_log(WHERRY_LOG_ERROR, (char *)pattern_bytes, len);
}

// many_fields answers a handshake with count fields, or with a body of as many
// bytes, in memory of its own.
static void many_fields(uint64_t conn, uint32_t kind, uint32_t count, uint32_t body) {
  uint32_t bytes = body ? count + 13 : count * 12, at = pages() * PAGE;
  grow(bytes / PAGE + 1);
  char *end = (char *)at;
  if (body) {
    *(uint32_t *)end = 5;
    *(uint32_t *)(end + 4) = count;
    __builtin_memcpy(end + 8, ":body", 5);
  } else {
    for (uint32_t i = 0; i < count; i++, end += 12) {
      *(uint32_t *)end = 1;
      *(uint32_t *)(end + 4) = 1;
      __builtin_memcpy(end + 8, "ab\0", 4);
    }
  }
  wherry_command(kind, conn, 0, 200, (wherry_span){(char *)at, bytes});
}

// ---- Events. ----

static uint64_t last_conn, waiting;

static void obey(uint64_t conn, const uint8_t *at, uint32_t len) {
  uint32_t n[4] = {0, 0, 0, 0};
  uint32_t bytes = len - 1 < sizeof(n) ? len - 1 : sizeof(n);
  __builtin_memcpy(n, at + 1, bytes);
  switch (at[0]) {
  case 's': spin(n[0]); return ANSWER(conn, n[0]);
  case 'e': sink += exponential(60); return;
  case 't': return tree24();
  case 'h': return hostcalls();
  case 'z': sleep(n[0]); return ANSWER(conn, n[0]);
  case 'f': return fill();
  case 'g': grow_all(); return ANSWER(conn, pages());
  case 'a': on_alloc = n[0]; return ANSWER(conn, n[0]);
  case 'c': on_close = n[0]; return ANSWER(conn, n[0]);
  case 'n': return ANSWER(conn, seen.messages, seen.connects, seen.closes, seen.faults, seen.double_closes, seen.last_fault, seen.timers, seen.requests);
  case 'S': return ANSWER(conn, scan(n[0] | (uint64_t)n[1] << 32, n[2], n[3]), pages() * PAGE);
  case 'd': return dump(conn);
  case 'r': return rewrite(conn, at, n[0], n[1]);
  case 'G': return grow_after(conn, n[0], n[1]);
  case 'u': return reuse(conn, n[0], n[1] < 65536 ? n[1] : 65536);
  case 'F': return flood(conn, n[0]);
  case 'p': wherry_send(conn, 0, pattern(n[0], n[1])), wherry_flush(); return;
  case 'x': guess(n[0], n[1], n[2]); return ANSWER(conn, n[2]);
  case 'b': return amplify(n[0], n[1]);
  case 'm': arm(n[1], n[0]); return ANSWER(conn, n[0]);
  case 'l': log_lines(n[0], n[1]); return ANSWER(conn, n[0]);
  case 'H': return many_fields(waiting, n[0], n[1], n[2]);
  case 'w': {
    int64_t before = wherry_now(WHERRY_CLOCK_MONOTONIC), wall = wherry_now(WHERRY_CLOCK_WALL);
    spin(n[0]);
    return ANSWER(conn, (uint32_t)(wherry_now(WHERRY_CLOCK_MONOTONIC) - before), (uint32_t)(wherry_now(WHERRY_CLOCK_WALL) - wall));
  }
  case 'N': { // not a number, as one
    volatile float zero = 0;
    int32_t n = __builtin_wasm_trunc_s_i32_f32(zero / zero);
    return ANSWER(conn, (uint32_t)n);
  }
  case 'T': __builtin_trap();
  }
}

static void on_connect(const wherry_record *event) {
  wherry_span query = wherry_find_field(wherry_data(event), WHERRY_STR(WHERRY_FIELD_QUERY));
  seen.connects++;
  if (wherry_equal(query, WHERRY_STR("wait"))) {
    waiting = event->conn;
    return;
  }
  if (wherry_equal(query, WHERRY_STR("spin"))) spin(0);
  wherry_accept(event->conn, (wherry_span){0, 0});
  wherry_subscribe(event->conn, WHERRY_STR("all"));
  if (wherry_equal(query, WHERRY_STR("leave"))) wherry_close(event->conn, 1000, WHERRY_STR("go away"));
}

enum { CLOSE_SPIN = 1, CLOSE_TALK = 2 };

static void on_close_event(const wherry_record *event) {
  seen.closes++;
  seen.double_closes += event->conn == last_conn;
  last_conn = event->conn;
  if (on_close == CLOSE_SPIN) spin(0);
  if (on_close == CLOSE_TALK) {
    // Whatever these do, it is not to call this function again.
    wherry_send(event->conn, 0, WHERRY_STR("from the grave"));
    wherry_close(event->conn, 1000, (wherry_span){0, 0});
    wherry_close(event->conn, 1000, (wherry_span){0, 0});
    wherry_flush();
  }
}

static void wherry_on_event(const wherry_record *event) {
  switch (event->kind) {
  case WHERRY_KIND_CONNECT:
    return on_connect(event);
  case WHERRY_KIND_MESSAGE:
    seen.messages++;
    if (event->flags & WHERRY_FLAG_TEXT) return wherry_hand_back(event);
    if (event->len) obey(event->conn, (const uint8_t *)event->data, event->len);
    return;
  case WHERRY_KIND_CLOSE:
    return on_close_event(event);
  case WHERRY_KIND_TIMER:
    seen.timers++;
    return arm(event->token, 1);
  case WHERRY_KIND_REQUEST: // it is not answered, or by many_fields
    seen.requests++;
    waiting = event->conn;
    return;
  case WHERRY_KIND_FAULT:
    seen.faults++;
    seen.last_fault = event->code;
    return;
  }
}
