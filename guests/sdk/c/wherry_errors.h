// wherry_errors.h: what a handler fails with, and what the functions of
// connections return. An error is a value: return it, look at its type, or ignore
// it. Its spans are not copied, so they point to literals, to the scratch
// (wherry_format) or to what the event carries, never to a handler's own variables.
#ifndef WHERRY_ERRORS_H
#define WHERRY_ERRORS_H

#include "wherry_log.h"
#include "wherry_status.h"

// A wherry_header is a header field of a response, and wherry_headers some of them,
// in order.
typedef struct wherry_header {
  wherry_span name, value;
} wherry_header;
typedef struct wherry_headers {
  const wherry_header *list;
  uint32_t count;
} wherry_headers;

static const wherry_headers wherry_no_headers = {0, 0};

// WHERRY_HEADERS lists headers, {name, value} each, in place of an argument.
#define WHERRY_HEADERS(...) \
  ((wherry_headers){(const wherry_header[]){__VA_ARGS__}, \
                    sizeof((const wherry_header[]){__VA_ARGS__}) / sizeof(wherry_header)})

// The type of an error. Those of a guest begin at WHERRY_OWN_ERROR.
enum {
  WHERRY_NO_ERROR,
  WHERRY_PASSED,         // of a handler of errors: it has not dealt with it
  WHERRY_STATE_ERROR,    // a call that the connection's state does not allow; `life` says which
  WHERRY_ARGUMENT_ERROR, // a call with an argument that nothing could be made of
  WHERRY_FULL,           // a table or a buffer of the SDK is full
  WHERRY_POLICY_ERROR,   // close with `code` and `text`
  WHERRY_HTTP_ERROR,     // answer with the HTTP status `code`, the detail `text` and `headers`
  WHERRY_FAILURE,        // anything else
  WHERRY_OWN_ERROR = 16,
};

// The life of a connection.
typedef enum wherry_life {
  WHERRY_CONNECTING, // the handshake waits
  WHERRY_OPEN,       // accepted
  WHERRY_CLOSING,    // this guest closed or denied
  WHERRY_CLOSED,     // in on_disconnect and after it
} wherry_life;

typedef struct wherry_error {
  uint16_t type; // WHERRY_NO_ERROR, WHERRY_STATE_ERROR...
  uint16_t life; // of a state error
  uint32_t code;
  wherry_span text;
  wherry_headers headers;
} wherry_error;

#define WHERRY_OK ((wherry_error){0, 0, 0, {0, 0}, {0, 0}})

// wherry_fail is a failure that is nobody's fault but the guest's: 500, or close 1011.
static inline wherry_error wherry_fail(wherry_span text) {
  return (wherry_error){WHERRY_FAILURE, 0, 0, text, wherry_no_headers};
}
// wherry_fail_as is one of a type of the guest's own, WHERRY_OWN_ERROR or above, for
// which it has a handler.
static inline wherry_error wherry_fail_as(uint32_t type, wherry_span text) {
  return (wherry_error){(uint16_t)type, 0, 0, text, wherry_no_headers};
}
// wherry_fail_policy closes the connection with a code and a reason.
static inline wherry_error wherry_fail_policy(uint32_t code, wherry_span reason) {
  return (wherry_error){WHERRY_POLICY_ERROR, 0, code, reason, wherry_no_headers};
}
// wherry_pass is what a handler of errors returns that has not dealt with one.
static inline wherry_error wherry_pass(void) {
  return (wherry_error){WHERRY_PASSED, 0, 0, wherry_nothing, wherry_no_headers};
}

// wherry_argument_error is that of a call which nothing can be made of.
WHERRY_COLD wherry_error wherry_argument_error(wherry_span text) {
  return (wherry_error){WHERRY_ARGUMENT_ERROR, 0, 0, text, wherry_no_headers};
}
// wherry_full is the error of a table or buffer whose size is one of the macros.
static inline wherry_error wherry_full(wherry_span text) {
  return (wherry_error){WHERRY_FULL, 0, 0, text, wherry_no_headers};
}

// wherry_fail_http answers a handshake or a request with a status. An empty detail
// is the status's phrase. The list of headers is copied to the scratch, so that it can
// be one of WHERRY_HEADERS.
WHERRY_COLD wherry_error wherry_fail_http(uint32_t http_status, wherry_span detail, wherry_headers headers) {
  if (headers.count) {
    wherry_header *list = (wherry_header *)wherry_scratch(headers.count * (uint32_t)sizeof(wherry_header));
    if (!list) return wherry_full(WHERRY_STR("no room for headers in WHERRY_SCRATCH_BYTES"));
    __builtin_memcpy(list, headers.list, headers.count * sizeof(wherry_header));
    headers.list = list;
  }
  return (wherry_error){WHERRY_HTTP_ERROR, 0, http_status, detail, headers};
}

static inline const char *wherry_life_name(uint32_t life) {
  static const char *const names[] = {"connecting", "open", "closing", "closed"};
  return life <= WHERRY_CLOSED ? names[life] : "";
}

// wherry_state_error is that of an operation in a state.
WHERRY_COLD wherry_error wherry_state_error(const char *operation, wherry_life life) {
  wherry_span text = wherry_format("%s while %s", operation, wherry_life_name(life));
  return (wherry_error){WHERRY_STATE_ERROR, (uint16_t)life, 0, text, wherry_no_headers};
}

// wherry_detail is what an HTTP error tells the client.
static inline wherry_span wherry_detail(const wherry_error *e) {
  return e->text.len ? e->text : wherry_cstr(wherry_phrase(e->code));
}

// wherry_error_text says what an error is, for the log. It may be of the scratch.
WHERRY_COLD wherry_span wherry_error_text(const wherry_error *e) {
  wherry_span detail = wherry_detail(e);
  switch (e->type) {
  case WHERRY_POLICY_ERROR:
    return wherry_format(e->text.len ? "close %u: %.*s" : "close %u", (unsigned)e->code, WHERRY_SPAN(e->text));
  case WHERRY_HTTP_ERROR:
    return wherry_format(detail.len ? "http %u: %.*s" : "http %u", (unsigned)e->code, WHERRY_SPAN(detail));
  default:
    return e->text;
  }
}

#endif
