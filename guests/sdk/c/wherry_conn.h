// wherry_conn.h: connections, and what can be done with them. Each has a place in a
// table of WHERRY_CONNS from its handshake until on_disconnect has returned; a
// handshake for which there is none is refused with 503.
#ifndef WHERRY_CONN_H
#define WHERRY_CONN_H

#include "wherry_guest.h"
#include "wherry_outgoing.h"
#include "wherry_pool.h"

#ifndef WHERRY_CONNS
#define WHERRY_CONNS 4096 // connections at once, handshakes included
#endif
#ifndef WHERRY_STATE_BYTES
#define WHERRY_STATE_BYTES 64 // of each, the guest's own
#endif
#ifndef WHERRY_ATTACHMENT_BYTES
#define WHERRY_ATTACHMENT_BYTES 64 // of each, the longest attachment; WHERRY_MAX_ATTACHMENT at most
#endif
#ifndef WHERRY_PROTOCOLS_BYTES
#define WHERRY_PROTOCOLS_BYTES 32 // of each, the subprotocols offered, for an answer after on_connect
#endif

_Static_assert(WHERRY_CONNS > 0 && WHERRY_STATE_BYTES > 0, "limits of connections");
_Static_assert(WHERRY_ATTACHMENT_BYTES > 0 && WHERRY_ATTACHMENT_BYTES <= WHERRY_MAX_ATTACHMENT,
               "limits of attachments");

// A wherry_session is a connection as this instance knows it.
typedef struct wherry_session {
  wherry_item item;
  const wherry_endpoint *endpoint;
  const char *route; // for the log
  uint8_t life;      // wherry_life
  uint8_t is_due;    // on_connect has run or did not have to: on_disconnect will
  uint16_t attachment_len, protocols_len;
  uint64_t state[(WHERRY_STATE_BYTES + 7) / 8];
  char attachment[WHERRY_ATTACHMENT_BYTES];
  char protocols[WHERRY_PROTOCOLS_BYTES];
} wherry_session;

WHERRY_POOL(wherry_sessions, wherry_session, WHERRY_CONNS);

static wherry_head wherry_head_now; // of the event that is being handled, or empty

static inline wherry_session *wherry_session_of(wherry_conn c) {
  return (wherry_session *)wherry_pool_find(&wherry_sessions, c.id);
}

// wherry_conn_life says in which state a connection is.
static inline wherry_life wherry_conn_life(wherry_conn c) {
  const wherry_session *s = wherry_session_of(c);
  return s ? (wherry_life)s->life : WHERRY_CLOSED;
}

// wherry_conn_state returns the guest's own WHERRY_STATE_BYTES of a connection, zero
// at first, or 0 after on_disconnect. They stay where they are until then.
static inline void *wherry_conn_state(wherry_conn c) {
  wherry_session *s = wherry_session_of(c);
  return s ? s->state : 0;
}

// WHERRY_STATE is the state as a type, which has to fit.
#define WHERRY_STATE(c, type) \
  ((type *)wherry_conn_state(c) + \
   WHERRY_ASSERT_(sizeof(type) <= WHERRY_STATE_BYTES, "the state is over WHERRY_STATE_BYTES"))

// ---- Answering the handshake. ----

static inline int wherry_offers(const wherry_session *s, wherry_span protocol) {
  wherry_span offered = wherry_head_protocols(&wherry_head_now);
  if (!wherry_event_now || wherry_event_now->conn != s->item.key || !wherry_head_now.fields.len)
    offered = (wherry_span){s->protocols, s->protocols_len};
  return wherry_has_protocol(offered, protocol);
}

// wherry_conn_accept lets a handshake in, with one of the subprotocols that it
// offers, or wherry_nothing, and with header fields. From then on the connection is open.
WHERRY_COLD wherry_error wherry_conn_accept(wherry_conn c, wherry_span protocol, wherry_headers headers) {
  wherry_session *s = wherry_session_of(c);
  if (!s || s->life != WHERRY_CONNECTING) return wherry_state_error("accept", wherry_conn_life(c));
  if (protocol.len && !wherry_offers(s, protocol))
    return wherry_argument_error(wherry_format("accept: subprotocol %.*s was not offered", WHERRY_SPAN(protocol)));
  wherry_answer answer = {protocol, 0, headers, wherry_nothing};
  if (!wherry_queue_answer(WHERRY_KIND_ACCEPT, c.id, 0, &answer)) return wherry_no_stage("accept");
  s->life = WHERRY_OPEN;
  return WHERRY_OK;
}

static inline wherry_error wherry_check_status(const char *operation, uint32_t http_status) {
  if (http_status >= 200 && http_status <= 599) return WHERRY_OK;
  return wherry_argument_error(wherry_format("%s: status %u is not from 200 to 599", operation, (unsigned)http_status));
}

WHERRY_COLD wherry_error wherry_refuse(wherry_conn c, uint32_t http_status, const wherry_header *first,
                                       wherry_headers headers, wherry_span body) {
  wherry_session *s = wherry_session_of(c);
  if (!s || s->life != WHERRY_CONNECTING) return wherry_state_error("deny", wherry_conn_life(c));
  wherry_error e = wherry_check_status("deny", http_status);
  if (e.type) return e;
  wherry_answer answer = {wherry_nothing, first, headers, body};
  if (!wherry_queue_answer(WHERRY_KIND_REJECT, c.id, http_status, &answer)) return wherry_no_stage("deny");
  s->life = WHERRY_CLOSING;
  return WHERRY_OK;
}

// wherry_conn_deny refuses a handshake with an HTTP response.
static inline wherry_error wherry_conn_deny(wherry_conn c, uint32_t http_status, wherry_headers headers,
                                            wherry_span body) {
  return wherry_refuse(c, http_status, 0, headers, body);
}

// ---- Ending it. ----

// wherry_can_close reports whether a close frame can have a code.
static inline int wherry_can_close(uint32_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014 && code != 1010) ||
         (code >= 3000 && code <= 4999);
}

// wherry_conn_close ends a connection. What was sent before goes out before. A
// handshake that waits is refused with 403, and only on_disconnect sees the code.
WHERRY_COLD wherry_error wherry_conn_close(wherry_conn c, uint32_t code, wherry_span reason) {
  wherry_session *s = wherry_session_of(c);
  if (!s || s->life > WHERRY_OPEN) return wherry_state_error("close", wherry_conn_life(c));
  if (s->life == WHERRY_OPEN ? !wherry_can_close(code) : code > 65535)
    return wherry_argument_error(wherry_format("close: code %u cannot be sent", (unsigned)code));
  wherry_queue(WHERRY_KIND_CLOSE, c.id, 0, code, wherry_cut_utf8(reason, WHERRY_MAX_REASON));
  s->life = WHERRY_CLOSING;
  return WHERRY_OK;
}

// ---- Sending. ----

static inline wherry_error wherry_conn_send(wherry_conn c, uint32_t flags, wherry_span message) {
  wherry_life life = wherry_conn_life(c);
  if (life != WHERRY_OPEN) return wherry_state_error("send", life);
  wherry_queue(WHERRY_KIND_MESSAGE, c.id, flags, 0, message);
  return WHERRY_OK;
}

// wherry_conn_send_text sends text, which is UTF-8, or the host refuses it.
static inline wherry_error wherry_conn_send_text(wherry_conn c, wherry_span text) {
  return wherry_conn_send(c, WHERRY_FLAG_TEXT, text);
}
static inline wherry_error wherry_conn_send_bytes(wherry_conn c, wherry_span bytes) {
  return wherry_conn_send(c, 0, bytes);
}

// wherry_conn_send_back sends a message that arrived, as it is.
static inline wherry_error wherry_conn_send_back(wherry_conn c, const wherry_message *message) {
  return wherry_conn_send(c, message->is_text ? WHERRY_FLAG_TEXT : 0, message->data);
}

// ---- What outlives the instance. ----

// wherry_conn_attach leaves bytes with the connection, in place of what was left
// before, for on_resume.
WHERRY_COLD wherry_error wherry_conn_attach(wherry_conn c, wherry_span bytes) {
  wherry_session *s = wherry_session_of(c);
  if (!s || s->life > WHERRY_OPEN) return wherry_state_error("attach", wherry_conn_life(c));
  if (bytes.len > WHERRY_MAX_ATTACHMENT)
    return wherry_argument_error(wherry_format("attach: attachment of %u bytes", (unsigned)bytes.len));
  if (bytes.len > WHERRY_ATTACHMENT_BYTES)
    return wherry_full(
        wherry_format("attach: over the %u bytes of WHERRY_ATTACHMENT_BYTES", (unsigned)WHERRY_ATTACHMENT_BYTES));
  if (bytes.len) __builtin_memmove(s->attachment, bytes.at, bytes.len);
  s->attachment_len = (uint16_t)bytes.len;
  wherry_queue(WHERRY_KIND_ATTACH, c.id, 0, 0, (wherry_span){s->attachment, bytes.len});
  return WHERRY_OK;
}

// wherry_conn_attachment returns what is attached.
static inline wherry_span wherry_conn_attachment(wherry_conn c) {
  const wherry_session *s = wherry_session_of(c);
  return s ? (wherry_span){s->attachment, s->attachment_len} : wherry_nothing;
}

#endif
