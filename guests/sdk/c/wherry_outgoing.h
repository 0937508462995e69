// wherry_outgoing.h: commands whose data may change after the call. What a command
// points to has to stay as it is until the turn is over, and what a handler has
// at hand does not: it is copied, unless it is what an event carried.
#ifndef WHERRY_OUTGOING_H
#define WHERRY_OUTGOING_H

#include "wherry.h"
#include "wherry_errors.h"

static const wherry_record *wherry_event_now; // the one that is being handled

static inline int wherry_is_inside(wherry_span s, const void *at, uint32_t len) {
  uint32_t from = (uint32_t)s.at - (uint32_t)at;
  return from <= len && s.len <= len - from;
}

// wherry_stays reports whether data stays as it is until the turn is over: it is in
// the inbox, or in the buffer that the event brought.
static inline int wherry_stays(wherry_span data) {
  if (!data.len || wherry_is_inside(data, wherry_inbox, WHERRY_INBOX_BYTES)) return 1;
  return wherry_event_now && wherry_is_inside(data, (const void *)wherry_event_now->data, wherry_event_now->len);
}

// wherry_queue queues a command with a copy of its data. What is too large for the
// stage goes out at once, from where it is.
WHERRY_COLD void wherry_queue(uint32_t kind, uint64_t conn, uint32_t flags, uint32_t code, wherry_span data) {
  char *copy = wherry_stays(data) ? 0 : wherry_stage(data.len);
  if (copy) {
    __builtin_memcpy(copy, data.at, data.len);
    return wherry_command(kind, conn, flags, code, (wherry_span){copy, data.len});
  }
  wherry_command(kind, conn, flags, code, data.len ? data : wherry_nothing);
  if (!wherry_stays(data)) wherry_flush();
}

// ---- Fields of responses. ----

static inline uint64_t wherry_field_bytes(wherry_span name, wherry_span value) {
  return ((uint64_t)WHERRY_FIELD_HEADER_SIZE + name.len + value.len + 3) & ~3ull;
}

// wherry_json_header is the front of every response whose body is JSON.
static const wherry_header wherry_json_header = {{"content-type", 12}, {"application/json", 16}};

// A wherry_answer is what goes into the fields of an accept, reject or respond, in
// this order.
typedef struct wherry_answer {
  wherry_span protocol;
  const wherry_header *first; // one that is in front of the others, or 0
  wherry_headers headers;
  wherry_span body;
} wherry_answer;

WHERRY_COLD void wherry_add_field(wherry_span *block, uint32_t room, wherry_span name, wherry_span value) {
  block->len += wherry_put_field((char *)block->at + block->len, room - block->len, name, value);
}

// wherry_queue_answer queues a command with fields; 0 if the stage has no room for them.
WHERRY_COLD int wherry_queue_answer(uint32_t kind, uint64_t conn, uint32_t http_status, const wherry_answer *a) {
  wherry_span protocol = WHERRY_STR(WHERRY_FIELD_PROTOCOL), body = WHERRY_STR(WHERRY_FIELD_BODY);
  // In 64 bits, so that no length can make the sum wrap.
  uint64_t room = 0;
  if (a->protocol.len) room += wherry_field_bytes(protocol, a->protocol);
  if (a->first) room += wherry_field_bytes(a->first->name, a->first->value);
  for (uint32_t i = 0; i < a->headers.count; i++)
    room += wherry_field_bytes(a->headers.list[i].name, a->headers.list[i].value);
  if (a->body.len) room += wherry_field_bytes(body, a->body);
  if (room > WHERRY_STAGE_BYTES) return 0;
  wherry_span block = {wherry_stage((uint32_t)room), 0};
  if (a->protocol.len) wherry_add_field(&block, (uint32_t)room, protocol, a->protocol);
  if (a->first) wherry_add_field(&block, (uint32_t)room, a->first->name, a->first->value);
  for (uint32_t i = 0; i < a->headers.count; i++)
    wherry_add_field(&block, (uint32_t)room, a->headers.list[i].name, a->headers.list[i].value);
  if (a->body.len) wherry_add_field(&block, (uint32_t)room, body, a->body);
  wherry_command(kind, conn, 0, http_status, block);
  return 1;
}

static inline wherry_error wherry_no_stage(const char *operation) {
  return wherry_full(
      wherry_format("%s: over the %u bytes of WHERRY_STAGE_BYTES", operation, (unsigned)WHERRY_STAGE_BYTES));
}

#endif
