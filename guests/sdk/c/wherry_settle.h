// wherry_settle.h: what becomes of an error that a handler returned: the guest's
// handlers are asked, then the endpoint's, and then there is a default.
#ifndef WHERRY_SETTLE_H
#define WHERRY_SETTLE_H

#include "wherry_config.h"
#include "wherry_params.h"
#include "wherry_requests.h"

// wherry_log_failure writes what failed where; route is 0 for what has none.
WHERRY_COLD void wherry_log_failure(const char *route, const char *where, wherry_span text) {
  wherry_logf(WHERRY_LOG_ERROR, "%s%s%s: %.*s", route ? route : "", route ? " " : "", where, WHERRY_SPAN(text));
}

// ---- Handlers. ----

// wherry_ask_handlers asks those of types, then those of statuses, then the endpoint,
// until one has dealt with the failure.
static inline wherry_error wherry_ask_handlers(const wherry_failure *f) {
  const wherry_guest *guest = &wherry_this_guest;
  for (int by_status = 0; by_status < 2; by_status++) {
    if (by_status && f->error->type != WHERRY_HTTP_ERROR) break;
    for (uint32_t i = 0; i < guest->handler_count; i++) {
      const wherry_handler *h = &guest->handlers[i];
      if (by_status ? h->http_status != f->error->code || h->type : h->type != f->error->type) continue;
      wherry_error e = h->handle(f);
      if (e.type != WHERRY_PASSED) return e;
    }
  }
  return f->endpoint->on_error ? f->endpoint->on_error(f) : wherry_pass();
}

// ---- The defaults. ----

// wherry_detail_body is {"detail":"..."}.
WHERRY_COLD wherry_span wherry_detail_body(wherry_span detail) {
  wherry_text t = wherry_scratch_text();
  wherry_put(&t, WHERRY_STR("{\"detail\":"));
  wherry_put_string(&t, detail);
  wherry_put_char(&t, '}');
  // A body that is cut is no JSON: better none.
  return t.cut ? wherry_nothing : wherry_scratch_keep(&t);
}

// wherry_reply answers what waits, a handshake or a request.
static inline wherry_error wherry_reply(const wherry_failure *f, uint32_t http_status, const wherry_header *first,
                                        wherry_headers headers, wherry_span body) {
  if (f->conn.id) return wherry_refuse(f->conn, http_status, first, headers, body);
  return wherry_answer_request(f->request, http_status, first, headers, body);
}

static inline int wherry_waits(const wherry_failure *f) {
  return f->conn.id ? wherry_conn_life(f->conn) == WHERRY_CONNECTING : wherry_request_waits(f->request);
}

// wherry_settle_internal is the answer to "anything else".
static inline void wherry_settle_internal(const wherry_failure *f, wherry_span text) {
  static const wherry_header plain = {{"content-type", 12}, {"text/plain; charset=utf-8", 25}};
  wherry_log_failure(f->route, f->where, text);
  if (wherry_waits(f)) {
    wherry_span body = wherry_is_debug ? wherry_format("%s %s: %.*s\n", f->route, f->where, WHERRY_SPAN(text))
                                       : wherry_detail_body(wherry_cstr(wherry_phrase(500)));
    wherry_reply(f, WHERRY_HTTP_INTERNAL_SERVER_ERROR, wherry_is_debug ? &plain : &wherry_json_header,
                 wherry_no_headers, body);
  } else if (f->conn.id) {
    wherry_conn_close(f->conn, WHERRY_CLOSE_INTERNAL_ERROR, wherry_is_debug ? text : WHERRY_STR("internal error"));
  }
}

// wherry_settle_policy and wherry_settle_http return what is wrong with an answer that cannot be given.
static inline wherry_error wherry_settle_policy(const wherry_failure *f) {
  if (f->conn.id) return wherry_conn_close(f->conn, f->error->code, f->error->text);
  wherry_span detail = f->error->text.len ? f->error->text : wherry_cstr(wherry_phrase(WHERRY_HTTP_FORBIDDEN));
  return wherry_reply(f, WHERRY_HTTP_FORBIDDEN, &wherry_json_header, wherry_no_headers, wherry_detail_body(detail));
}

static inline wherry_error wherry_settle_http(const wherry_failure *f) {
  if (!wherry_waits(f)) return *f->error;
  return wherry_reply(f, f->error->code, &wherry_json_header, f->error->headers,
                      wherry_detail_body(wherry_detail(f->error)));
}

// wherry_settle does with an error what has to be done.
WHERRY_COLD void wherry_settle(wherry_failure f) {
  wherry_error e = *f.error;
  wherry_error dealt = wherry_ask_handlers(&f);
  if (dealt.type == WHERRY_NO_ERROR) return;
  if (dealt.type != WHERRY_PASSED) return wherry_settle_internal(&f, wherry_error_text(&dealt));
  if (e.type == WHERRY_STATE_ERROR && e.life >= WHERRY_CLOSING) return;
  if (e.type == WHERRY_POLICY_ERROR)
    e = wherry_settle_policy(&f);
  else if (e.type == WHERRY_HTTP_ERROR)
    e = wherry_settle_http(&f);
  if (e.type == WHERRY_STATE_ERROR && f.error->type != WHERRY_STATE_ERROR) e = *f.error; // too late to answer
  if (e.type) wherry_settle_internal(&f, wherry_error_text(&e));
}

// wherry_settle_conn settles what a handler of a connection returned.
static inline void wherry_settle_conn(const wherry_session *s, const char *where, wherry_error e) {
  if (e.type) wherry_settle((wherry_failure){{s->item.key}, {0}, &wherry_head_now, &e, s->endpoint, s->route, where});
}

// wherry_only_log is for handlers that answer nobody.
static inline void wherry_only_log(const char *route, const char *where, wherry_error e) {
  if (e.type) wherry_log_failure(route, where, wherry_error_text(&e));
}

#endif
