// wherry.h: the Wherry guest ABI, version 1, for freestanding C.
//
// A guest is one C file that includes this header and defines one function:
//
//   static void wherry_on_event(const wherry_record *event);
//
// It is called for every event of a turn, in order, and answers with the
// functions below. Nothing takes effect before the turn returns or the outbox
// is full; a command that is refused comes back as a `fault` event. Bytes that
// an event or a command points to stay as they are until the turn is over.
//
// This file is also the reference for authors of other SDKs: all that a guest
// must do is in wherry_v1_mailbox and wherry_v1_turn here, and wherry_v1_alloc in
// wherry_buffers.h. SPEC.md is normative.
#ifndef WHERRY_H
#define WHERRY_H

#include "wherry_abi.h"
#include "wherry_buffers.h"
#include "wherry_fields.h"

// Set these before the #include to change them.
#ifndef WHERRY_INBOX_BYTES
#define WHERRY_INBOX_BYTES (256 * 1024) // events and their payloads of one call
#endif
#ifndef WHERRY_OUTBOX_RECORDS
#define WHERRY_OUTBOX_RECORDS 2048 // commands between two flushes
#endif
#ifndef WHERRY_STAGE_BYTES
#define WHERRY_STAGE_BYTES (64 * 1024) // what commands between two flushes can stage
#endif
#ifndef WHERRY_WANTS
#define WHERRY_WANTS 0 // wherry_bit(kind) of each optional event, or-ed together
#endif

#define WHERRY_EXPORT(name) __attribute__((export_name("wherry_v1_" name)))
#define WHERRY_IMPORT(name) __attribute__((import_module("wherry_v1"), import_name(name)))

static inline uint32_t wherry_bit(uint32_t kind) { return 1u << (kind & 31); }

// ---- Hostcalls. A guest that does not call one does not import it. ----

// wherry_log writes a line, level WHERRY_LOG_*; lines are limited in length and rate.
WHERRY_IMPORT("log") void wherry_log(int32_t level, const char *text, uint32_t len);
// wherry_now reads WHERRY_CLOCK_*, in nanoseconds; a clock stands still during a turn.
WHERRY_IMPORT("now") int64_t wherry_now(int32_t clock);
// wherry_random fills len bytes with what nobody can predict.
WHERRY_IMPORT("random") void wherry_random(void *at, uint32_t len);
WHERRY_IMPORT("flush") int32_t wherry_import_flush(int32_t commands);

// ---- The mailbox, the inbox and the outbox. ----

static void wherry_on_event(const wherry_record *event);

static uint8_t wherry_inbox[WHERRY_INBOX_BYTES] __attribute__((aligned(8)));
static wherry_record wherry_outbox[WHERRY_OUTBOX_RECORDS];
static uint32_t wherry_outbox_used;
static uint8_t wherry_stage_bytes[WHERRY_STAGE_BYTES] __attribute__((aligned(8)));
static uint32_t wherry_stage_used;
static wherry_mailbox wherry_box __attribute__((aligned(8)));

WHERRY_EXPORT("mailbox") uint32_t wherry_v1_mailbox(void) {
  wherry_box.inbox = (uint32_t)wherry_inbox;
  wherry_box.inbox_bytes = WHERRY_INBOX_BYTES;
  wherry_box.outbox = (uint32_t)wherry_outbox;
  wherry_box.outbox_records = WHERRY_OUTBOX_RECORDS;
  wherry_box.wants = WHERRY_WANTS;
  return (uint32_t)&wherry_box;
}

WHERRY_EXPORT("turn") int32_t wherry_v1_turn(uint32_t events) {
  const wherry_record *event = (const wherry_record *)wherry_inbox;
  wherry_outbox_used = 0;
  wherry_stage_used = 0;
  for (uint32_t i = 0; i < events; i++) {
    // Volatile: after a trap the host reads here which event was the last.
    *(volatile uint32_t *)&wherry_box.cursor = i;
    wherry_on_event(&event[i]);
  }
  if (wherry_lent) wherry_free_delivered(event, events);
  return (int32_t)wherry_outbox_used;
}

// wherry_flush has the host apply the commands so far. It returns how many were
// refused; each of those comes back as a `fault` as well.
static __attribute__((noinline)) int32_t wherry_flush(void) {
  int32_t refused = wherry_import_flush((int32_t)wherry_outbox_used);
  wherry_outbox_used = 0;
  wherry_stage_used = 0;
  return refused;
}

// wherry_slot returns the place of the next command, and makes room by a flush
// when there is none. The caller fills all of it.
static inline wherry_record *wherry_slot(void) {
  if (__builtin_expect(wherry_outbox_used == WHERRY_OUTBOX_RECORDS, 0)) wherry_flush();
  return &wherry_outbox[wherry_outbox_used++];
}

// wherry_hand_back queues a record as it is: for a `message` that is an echo.
static inline void wherry_hand_back(const wherry_record *record) { *wherry_slot() = *record; }

// wherry_stage returns len bytes for the next command to point to, or 0 if len
// is more than WHERRY_STAGE_BYTES. Fill them and queue that command at once: a
// later call of this function may flush, and a flush forgets what was staged.
static inline char *wherry_stage(uint32_t len) {
  if (len > WHERRY_STAGE_BYTES) return 0;
  // Also when only the outbox is full: the command must not flush its own bytes away.
  if (len > WHERRY_STAGE_BYTES - wherry_stage_used || wherry_outbox_used == WHERRY_OUTBOX_RECORDS) wherry_flush();
  char *at = (char *)wherry_stage_bytes + wherry_stage_used;
  wherry_stage_used += len;
  return at;
}

// ---- Commands. Most name a connection; what data points to is not copied. ----

// wherry_command queues a record with token 0.
static inline void wherry_command(uint32_t kind, uint64_t conn, uint32_t flags, uint32_t code, wherry_span data) {
  wherry_record *r = wherry_slot();
  r->kind = (uint16_t)kind;
  r->flags = (uint16_t)flags;
  r->code = code;
  r->conn = conn;
  r->data = (uint32_t)data.at;
  r->len = data.len;
  r->token = 0;
}

// wherry_accept and wherry_reject answer a `connect`; fields are from wherry_put_field.
static inline void wherry_accept(uint64_t conn, wherry_span fields) {
  wherry_command(WHERRY_KIND_ACCEPT, conn, 0, 0, fields);
}
static inline void wherry_reject(uint64_t conn, uint32_t http_status, wherry_span fields) {
  wherry_command(WHERRY_KIND_REJECT, conn, 0, http_status, fields);
}
// wherry_send sends a message; flags is WHERRY_FLAG_TEXT or 0 for binary.
static inline void wherry_send(uint64_t conn, uint32_t flags, wherry_span message) {
  wherry_command(WHERRY_KIND_MESSAGE, conn, flags, 0, message);
}
static inline void wherry_close(uint64_t conn, uint32_t code, wherry_span reason) {
  wherry_command(WHERRY_KIND_CLOSE, conn, 0, code, reason);
}
static inline void wherry_subscribe(uint64_t conn, wherry_span topic) {
  wherry_command(WHERRY_KIND_SUBSCRIBE, conn, 0, 0, topic);
}
static inline void wherry_unsubscribe(uint64_t conn, wherry_span topic) {
  wherry_command(WHERRY_KIND_UNSUBSCRIBE, conn, 0, 0, topic);
}
// wherry_attach leaves at most WHERRY_MAX_ATTACHMENT bytes with the connection, in
// place of what was left before; they outlive this instance.
static inline void wherry_attach(uint64_t conn, wherry_span bytes) {
  wherry_command(WHERRY_KIND_ATTACH, conn, 0, 0, bytes);
}

// wherry_respond answers a `request`, once; fields are from wherry_put_field, and
// may have a WHERRY_FIELD_BODY. Put WHERRY_KIND_REQUEST in WHERRY_WANTS.
static inline void wherry_respond(uint64_t request, uint32_t http_status, wherry_span fields) {
  wherry_command(WHERRY_KIND_RESPOND, request, 0, http_status, fields);
}
// wherry_timer arms the timer that token names to fire once in ms milliseconds, or
// moves it; 0 cancels it. Put WHERRY_KIND_TIMER in WHERRY_WANTS.
static inline void wherry_timer(uint64_t token, uint32_t ms) {
  *wherry_slot() = (wherry_record){WHERRY_KIND_TIMER, 0, ms, 0, 0, 0, token};
}

// wherry_publish_except sends message to every subscriber of topic but conn. It
// stages both, and returns 0 if they do not fit. wherry_publish skips nobody.
static inline int wherry_publish_except(uint64_t conn, wherry_span topic, uint32_t flags, wherry_span message) {
  if (message.len > WHERRY_STAGE_BYTES || topic.len > WHERRY_MAX_TOPIC) return 0;
  char *at = wherry_stage(topic.len + message.len);
  if (!at) return 0;
  __builtin_memcpy(at, topic.at, topic.len);
  __builtin_memcpy(at + topic.len, message.at, message.len);
  if (conn) flags |= WHERRY_FLAG_EXCEPT;
  wherry_command(WHERRY_KIND_PUBLISH, conn, flags, topic.len, (wherry_span){at, topic.len + message.len});
  return 1;
}
static inline int wherry_publish(wherry_span topic, uint32_t flags, wherry_span message) {
  return wherry_publish_except(0, topic, flags, message);
}

#endif
