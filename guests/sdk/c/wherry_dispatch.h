// wherry_dispatch.h: from events to handlers.
#ifndef WHERRY_DISPATCH_H
#define WHERRY_DISPATCH_H

#include "wherry_check.h"
#include "wherry_settle.h"
#include "wherry_timers.h"

// wherry_endpoint_of returns the endpoint of a route, or the one without a
// route, or 0.
static inline const wherry_endpoint *wherry_endpoint_of(wherry_span route) {
  const wherry_guest *guest = &wherry_this_guest;
  const wherry_endpoint *other = 0;
  for (uint32_t i = 0; i < guest->endpoint_count; i++) {
    const wherry_endpoint *endpoint = &guest->endpoints[i];
    if (!endpoint->route)
      other = endpoint;
    else if (wherry_same(route, endpoint->route))
      return endpoint;
  }
  return other;
}

// wherry_app_wants has the bits of what the guest has handlers for. The mailbox calls
// it, once and before anything else.
static uint32_t wherry_app_wants(void) {
  const wherry_guest *guest = &wherry_this_guest;
  wherry_check_guest(guest);
  uint32_t wants = guest->on_stop ? wherry_bit(WHERRY_KIND_STOP) : 0;
#ifdef WHERRY_TIMERS
  wants |= wherry_bit(WHERRY_KIND_TIMER);
#endif
  for (uint32_t i = 0; i < guest->endpoint_count; i++) {
    const wherry_endpoint *endpoint = &guest->endpoints[i];
    if (endpoint->on_request) wants |= wherry_bit(WHERRY_KIND_REQUEST);
    if (endpoint->on_resume) wants |= wherry_bit(WHERRY_KIND_RESUME);
    if (endpoint->on_writable) wants |= wherry_bit(WHERRY_KIND_WRITABLE);
  }
  return wants;
}

// ---- Handshakes. ----

// wherry_unknown answers what has no endpoint or no place in a table.
WHERRY_COLD void wherry_unknown(const wherry_record *event, uint32_t http_status) {
  wherry_answer answer = {wherry_nothing, &wherry_json_header, wherry_no_headers,
                          wherry_detail_body(wherry_cstr(wherry_phrase(http_status)))};
  wherry_queue_answer(event->kind == WHERRY_KIND_REQUEST ? WHERRY_KIND_RESPOND : WHERRY_KIND_REJECT, event->conn,
                      http_status, &answer);
}

// wherry_meet_invalid answers a handshake whose declared parameters are wrong.
static inline void wherry_meet_invalid(const wherry_session *s, const wherry_invalid *invalid) {
  wherry_conn c = {s->item.key};
  wherry_error e = s->endpoint->on_invalid ? s->endpoint->on_invalid(c, &wherry_head_now, invalid)
                                           : wherry_deny_invalid(c, s->route, invalid);
  wherry_settle_conn(s, "on_invalid", e);
}

// wherry_keep_protocols remembers what a handshake that still waits has offered.
static inline void wherry_keep_protocols(wherry_session *s) {
  wherry_span offered = wherry_head_protocols(&wherry_head_now);
  if (s->life != WHERRY_CONNECTING || offered.len > WHERRY_PROTOCOLS_BYTES) return;
  if (offered.len) __builtin_memcpy(s->protocols, offered.at, offered.len);
  s->protocols_len = (uint16_t)offered.len;
}

static inline void wherry_meet(const wherry_record *event) {
  const wherry_endpoint *endpoint = wherry_endpoint_of(wherry_head_route(&wherry_head_now));
  if (!endpoint) return wherry_unknown(event, WHERRY_HTTP_NOT_FOUND);
  wherry_session *s = (wherry_session *)wherry_pool_add(&wherry_sessions, event->conn);
  if (!s) {
    wherry_logf(WHERRY_LOG_WARN, "over the %u connections of WHERRY_CONNS: a handshake is refused",
                (unsigned)WHERRY_CONNS);
    return wherry_unknown(event, WHERRY_HTTP_SERVICE_UNAVAILABLE);
  }
  wherry_conn c = {event->conn};
  s->endpoint = endpoint;
  s->route = wherry_route_name(endpoint, wherry_head_route(&wherry_head_now));
  wherry_invalid invalid = wherry_read_params(&wherry_head_now, endpoint);
  if (invalid.count) return wherry_meet_invalid(s, &invalid);
  s->is_due = 1;
  wherry_error e = endpoint->on_connect ? endpoint->on_connect(c, &wherry_head_now)
                                        : wherry_conn_accept(c, wherry_nothing, wherry_no_headers);
  wherry_settle_conn(s, "on_connect", e);
  wherry_keep_protocols(s);
}

// wherry_keep_attachment takes over what an instance before this one has attached.
static inline void wherry_keep_attachment(wherry_session *s) {
  wherry_span bytes = wherry_find_field(wherry_head_now.fields, WHERRY_STR(WHERRY_FIELD_ATTACHMENT));
  if (bytes.len > WHERRY_ATTACHMENT_BYTES) {
    wherry_logf(WHERRY_LOG_ERROR, "an attachment is over the %u bytes of WHERRY_ATTACHMENT_BYTES: it reads as empty",
                (unsigned)WHERRY_ATTACHMENT_BYTES);
    return;
  }
  if (bytes.len) __builtin_memcpy(s->attachment, bytes.at, bytes.len);
  s->attachment_len = (uint16_t)bytes.len;
}

static inline void wherry_resume(const wherry_record *event) {
  const wherry_endpoint *endpoint = wherry_endpoint_of(wherry_head_route(&wherry_head_now));
  if (!endpoint || !endpoint->on_resume) return wherry_close(event->conn, WHERRY_CLOSE_SERVICE_RESTART, wherry_nothing);
  wherry_session *s = (wherry_session *)wherry_pool_add(&wherry_sessions, event->conn);
  if (!s) {
    wherry_logf(WHERRY_LOG_WARN, "over the %u connections of WHERRY_CONNS: one is closed", (unsigned)WHERRY_CONNS);
    return wherry_close(event->conn, WHERRY_CLOSE_TRY_AGAIN_LATER, wherry_nothing);
  }
  s->endpoint = endpoint;
  s->route = wherry_route_name(endpoint, wherry_head_route(&wherry_head_now));
  s->life = WHERRY_OPEN;
  s->is_due = 1;
  wherry_keep_attachment(s);
  wherry_settle_conn(s, "on_resume", endpoint->on_resume((wherry_conn){event->conn}, &wherry_head_now));
}

// ---- Connections. ----

// wherry_wrong_kind says what an endpoint expected instead of a message, or 0.
static inline const char *wherry_wrong_kind(const wherry_endpoint *endpoint, wherry_message *m) {
  switch (endpoint->encoding) {
  case WHERRY_TEXT:
    return m->is_text ? 0 : "text expected";
  case WHERRY_BYTES:
    return m->is_text ? "bytes expected" : 0;
  case WHERRY_JSON:
    if (!m->is_text) return "json expected";
    return wherry_json_parse(m->data, &m->json) ? 0 : "malformed json";
  default:
    return 0;
  }
}

static inline void wherry_receive(const wherry_session *s, const wherry_record *event) {
  wherry_conn c = {event->conn};
  wherry_message m = {wherry_data(event), event->flags & WHERRY_FLAG_TEXT, wherry_json_none};
  if (s->life != WHERRY_OPEN) return;
  const char *wrong = wherry_wrong_kind(s->endpoint, &m);
  if (wrong)
    wherry_conn_close(c, WHERRY_CLOSE_UNSUPPORTED_DATA, wherry_cstr(wrong));
  else if (s->endpoint->on_receive)
    wherry_settle_conn(s, "on_receive", s->endpoint->on_receive(c, &m));
}

static inline void wherry_part(wherry_session *s, const wherry_record *event) {
  const wherry_endpoint *endpoint = s->endpoint;
  s->life = WHERRY_CLOSED;
  if (endpoint->on_disconnect && (s->is_due || (event->flags & WHERRY_FLAG_OPENED))) {
    wherry_end end = {event->code, wherry_data(event), event->flags};
    wherry_error e = endpoint->on_disconnect((wherry_conn){event->conn}, &end);
    if (e.type != WHERRY_STATE_ERROR) wherry_only_log(s->route, "on_disconnect", e);
  }
  wherry_pool_remove(&wherry_sessions, &s->item);
}

static inline void wherry_drained(const wherry_session *s) {
  if (s->life == WHERRY_OPEN && s->endpoint->on_writable)
    wherry_settle_conn(s, "on_writable", s->endpoint->on_writable((wherry_conn){s->item.key}));
}

// ---- What is about no connection. ----

static inline void wherry_serve(const wherry_record *event) {
  wherry_request r = {event->conn};
  const wherry_endpoint *endpoint = wherry_endpoint_of(wherry_head_route(&wherry_head_now));
  if (!endpoint) return wherry_unknown(event, WHERRY_HTTP_NOT_FOUND);
  if (!endpoint->on_request) return wherry_unknown(event, WHERRY_HTTP_UPGRADE_REQUIRED);
  wherry_request_came(r);
  const char *route = wherry_route_name(endpoint, wherry_head_route(&wherry_head_now));
  wherry_error e = endpoint->on_request(r, &wherry_head_now);
  if (e.type) wherry_settle((wherry_failure){WHERRY_NOBODY, r, &wherry_head_now, &e, endpoint, route, "on_request"});
}

static inline void wherry_started(const wherry_record *event) {
  wherry_keep_start(wherry_data(event));
  if (wherry_this_guest.on_start) wherry_only_log(0, "on_start", wherry_this_guest.on_start());
}

static inline void wherry_stopping(const wherry_record *event) {
  if (wherry_this_guest.on_stop) wherry_only_log(0, "on_stop", wherry_this_guest.on_stop(event->code));
}

static inline void wherry_alarmed(const wherry_record *event) {
#ifdef WHERRY_TIMERS
  wherry_armed a;
  if (!wherry_take_alarm(event->token, &a)) return;
  wherry_session *s = wherry_session_of(a.conn);
  if (a.conn.id && !s) return;
  wherry_timer_info info = {event->token, a.argument};
  wherry_error e = a.alarm(a.conn, &info);
  if (s)
    wherry_settle_conn(s, "on_timer", e);
  else
    wherry_only_log(0, "on_timer", e);
#else
  (void)event;
#endif
}

static inline const char *wherry_command_name(uint32_t kind) {
  static const char *const names[] = {"", "ready", "accept",    "message",     "close",   "reject",
                                      "", "timer", "subscribe", "unsubscribe", "publish", "attach",
                                      "", "",      "respond",   "call"};
  return kind < sizeof(names) / sizeof(names[0]) && *names[kind] ? names[kind] : "command";
}

static inline const char *wherry_status_name(uint32_t status) {
  static const char *const names[] = {"ok",     "closed",    "would_block", "too_big",    "invalid",
                                      "denied", "not_found", "busy",        "unsupported"};
  return status < sizeof(names) / sizeof(names[0]) ? names[status] : "refused";
}

static inline void wherry_refused(const wherry_record *event) {
  uint32_t kind = event->flags, is_answer = kind == WHERRY_KIND_RESPOND;
  wherry_fault fault = {kind, event->code, {is_answer ? 0 : event->conn}, {is_answer ? event->conn : 0}};
#ifdef WHERRY_TIMERS
  wherry_armed a;
  if (kind == WHERRY_KIND_TIMER) wherry_take_alarm(event->token, &a);
#endif
  if (wherry_this_guest.on_fault)
    wherry_only_log(0, "on_fault", wherry_this_guest.on_fault(&fault));
  else if (event->code != WHERRY_STATUS_CLOSED)
    wherry_logf(WHERRY_LOG_WARN, "%s refused: %s", wherry_command_name(kind), wherry_status_name(event->code));
}

// ---- Every event. ----

// wherry_on_session handles an event about a connection that this instance has met.
static inline void wherry_on_session(const wherry_record *event) {
  wherry_session *s = wherry_session_of((wherry_conn){event->conn});
  if (!s) return; // refused without an endpoint, or not taken over
  switch (event->kind) {
  case WHERRY_KIND_MESSAGE:
    return wherry_receive(s, event);
  case WHERRY_KIND_CLOSE:
    return wherry_part(s, event);
  case WHERRY_KIND_WRITABLE:
    return wherry_drained(s);
  }
}

// wherry_with_head handles an event that carries a head, and forgets that then.
static inline void wherry_with_head(const wherry_record *event) {
  wherry_head_now.fields = wherry_data(event);
  switch (event->kind) {
  case WHERRY_KIND_CONNECT:
    wherry_meet(event);
    break;
  case WHERRY_KIND_RESUME:
    wherry_resume(event);
    break;
  case WHERRY_KIND_REQUEST:
    wherry_serve(event);
    break;
  }
  wherry_head_now.fields = wherry_nothing;
  wherry_head_now.param_count = 0;
}

static void wherry_on_event(const wherry_record *event) {
  wherry_event_now = event;
  wherry_scratch_used = 0;
  switch (event->kind) {
  case WHERRY_KIND_CONNECT:
  case WHERRY_KIND_RESUME:
  case WHERRY_KIND_REQUEST:
    return wherry_with_head(event);
  case WHERRY_KIND_START:
    return wherry_started(event);
  case WHERRY_KIND_STOP:
    return wherry_stopping(event);
  case WHERRY_KIND_TIMER:
    return wherry_alarmed(event);
  case WHERRY_KIND_FAULT:
    return wherry_refused(event);
  default:
    return wherry_on_session(event);
  }
}

#endif
