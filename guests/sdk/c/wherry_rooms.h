// wherry_rooms.h: rooms. A room is a topic of the host, which knows who is in it,
// sends, and deals with members that are slow or gone. Members survive a new
// instance, and one whose connection ends has left.
#ifndef WHERRY_ROOMS_H
#define WHERRY_ROOMS_H

#include "wherry_conn.h"
#include "wherry_json_writer.h"

static inline wherry_error wherry_check_room(const char *operation, wherry_span room) {
  if (room.len && room.len <= WHERRY_MAX_TOPIC) return WHERRY_OK;
  return wherry_argument_error(wherry_format("%s: topic of %u bytes", operation, (unsigned)room.len));
}

WHERRY_COLD wherry_error wherry_room_member(const char *operation, uint32_t kind, wherry_conn c, wherry_span room) {
  wherry_life life = wherry_conn_life(c);
  if (life > WHERRY_OPEN) return wherry_state_error(operation, life);
  wherry_error e = wherry_check_room(operation, room);
  if (!e.type) wherry_queue(kind, c.id, 0, 0, room);
  return e;
}

// wherry_room_join and wherry_room_leave are possible while connecting and open. To
// join twice is to join once.
static inline wherry_error wherry_room_join(wherry_conn c, wherry_span room) {
  return wherry_room_member("join", WHERRY_KIND_SUBSCRIBE, c, room);
}
static inline wherry_error wherry_room_leave(wherry_conn c, wherry_span room) {
  return wherry_room_member("leave", WHERRY_KIND_UNSUBSCRIBE, c, room);
}

// wherry_room_send sends to all who are in a room but one, who may be WHERRY_NOBODY,
// or have ended; flags is WHERRY_FLAG_TEXT or 0 for bytes.
WHERRY_COLD wherry_error wherry_room_send(wherry_conn except, wherry_span room, uint32_t flags, wherry_span message) {
  wherry_error e = wherry_check_room("broadcast", room);
  if (e.type) return e;
  if (!wherry_publish_except(except.id, room, flags, message)) return wherry_no_stage("broadcast");
  return WHERRY_OK;
}

static inline wherry_error wherry_room_text(wherry_span room, wherry_span text) {
  return wherry_room_send(WHERRY_NOBODY, room, WHERRY_FLAG_TEXT, text);
}
static inline wherry_error wherry_room_text_except(wherry_conn except, wherry_span room, wherry_span text) {
  return wherry_room_send(except, room, WHERRY_FLAG_TEXT, text);
}
static inline wherry_error wherry_room_bytes(wherry_span room, wherry_span bytes) {
  return wherry_room_send(WHERRY_NOBODY, room, 0, bytes);
}
static inline wherry_error wherry_room_bytes_except(wherry_conn except, wherry_span room, wherry_span bytes) {
  return wherry_room_send(except, room, 0, bytes);
}

// ---- JSON, to a room or a connection: what the writer has is sent, or what was
// wrong with it returned. ----

static inline wherry_error wherry_room_json_except(wherry_conn except, wherry_span room, wherry_json_writer *json) {
  wherry_span text;
  wherry_error e = wherry_json_done(json, &text);
  return e.type ? e : wherry_room_text_except(except, room, text);
}
static inline wherry_error wherry_room_json(wherry_span room, wherry_json_writer *json) {
  return wherry_room_json_except(WHERRY_NOBODY, room, json);
}
static inline wherry_error wherry_conn_send_json(wherry_conn c, wherry_json_writer *json) {
  wherry_span text;
  wherry_error e = wherry_json_done(json, &text);
  return e.type ? e : wherry_conn_send_text(c, text);
}

#endif
