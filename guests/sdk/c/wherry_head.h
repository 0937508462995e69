// wherry_head.h: what a client asked with: the request line, parameters of the route,
// header fields, query and cookies of a handshake or an HTTP request. It is there
// while on_connect, on_invalid, on_request, on_resume and their handlers of errors
// run, and empty afterwards. All of it is the client's and may be any bytes.
#ifndef WHERRY_HEAD_H
#define WHERRY_HEAD_H

#include "wherry_text.h"

#ifndef WHERRY_MAX_PARAMS
#define WHERRY_MAX_PARAMS 16 // declared parameters of an endpoint
#endif

struct wherry_param;

// A wherry_value is a declared parameter that was read.
typedef struct wherry_value {
  int is_there;
  wherry_span text; // as it was sent, decoded
  union {
    int64_t integer;
    double number;
    int truth;
  } as;
} wherry_value;

typedef struct wherry_head {
  wherry_span fields;
  const struct wherry_param *params; // the endpoint's
  uint32_t param_count;
  wherry_value values[WHERRY_MAX_PARAMS];
} wherry_head;

static inline wherry_span wherry_head_method(const wherry_head *h) {
  return wherry_find_field(h->fields, WHERRY_STR(WHERRY_FIELD_METHOD));
}
// wherry_head_path is the path as it was sent, percent-encoding and all.
static inline wherry_span wherry_head_path(const wherry_head *h) {
  return wherry_find_field(h->fields, WHERRY_STR(WHERRY_FIELD_PATH));
}
static inline wherry_span wherry_head_query(const wherry_head *h) {
  return wherry_find_field(h->fields, WHERRY_STR(WHERRY_FIELD_QUERY));
}
static inline wherry_span wherry_head_authority(const wherry_head *h) {
  return wherry_find_field(h->fields, WHERRY_STR(WHERRY_FIELD_AUTHORITY));
}
static inline wherry_span wherry_head_scheme(const wherry_head *h) {
  return wherry_find_field(h->fields, WHERRY_STR(WHERRY_FIELD_SCHEME));
}
static inline wherry_span wherry_head_peer(const wherry_head *h) {
  return wherry_find_field(h->fields, WHERRY_STR(WHERRY_FIELD_PEER));
}
static inline wherry_span wherry_head_route(const wherry_head *h) {
  return wherry_find_field(h->fields, WHERRY_STR(WHERRY_FIELD_ROUTE));
}
// wherry_head_body is the body of an HTTP request.
static inline wherry_span wherry_head_body(const wherry_head *h) {
  return wherry_find_field(h->fields, WHERRY_STR(WHERRY_FIELD_BODY));
}
// wherry_head_protocol is the subprotocol in use, in on_resume.
static inline wherry_span wherry_head_protocol(const wherry_head *h) {
  return wherry_find_field(h->fields, WHERRY_STR(WHERRY_FIELD_PROTOCOL));
}

// wherry_head_param returns a parameter of the route, or a span at 0.
WHERRY_COLD wherry_span wherry_head_param(const wherry_head *h, wherry_span wanted) {
  wherry_span rest = h->fields, name, value, prefix = WHERRY_STR(WHERRY_FIELD_PARAM);
  while (wherry_next_field(&rest, &name, &value)) {
    if (name.len < prefix.len || !wherry_equal(wherry_front(name, prefix.len), prefix)) continue;
    if (wherry_equal(wherry_rest(name, prefix.len), wanted)) return value;
  }
  return wherry_nothing;
}

// ---- Subprotocols. ----

// wherry_next_protocol takes one subprotocol off the front of rest, which was
// wherry_head_protocols; 0 at the end.
static inline wherry_span wherry_head_protocols(const wherry_head *h) {
  return wherry_find_field(h->fields, WHERRY_STR(WHERRY_FIELD_PROTOCOLS));
}
static inline int wherry_next_protocol(wherry_span *rest, wherry_span *name) {
  while (rest->len) {
    *name = wherry_trim(wherry_cut_at(rest, ','));
    if (name->len) return 1;
  }
  return 0;
}
static inline int wherry_has_protocol(wherry_span protocols, wherry_span wanted) {
  wherry_span name;
  while (wherry_next_protocol(&protocols, &name))
    if (wherry_equal(name, wanted)) return 1;
  return 0;
}

// ---- Header fields. ----

// wherry_next_header takes a header field off the front of rest, which was
// h->fields; 0 at the end.
WHERRY_COLD int wherry_next_header(wherry_span *rest, wherry_span *name, wherry_span *value) {
  while (wherry_next_field(rest, name, value))
    if (name->len && *name->at != ':') return 1;
  return 0;
}

// wherry_is_header compares a name, which a host has in lower case, with one in any case.
WHERRY_COLD int wherry_is_header(wherry_span name, wherry_span wanted) {
  if (name.len != wanted.len) return 0;
  for (uint32_t i = 0; i < name.len; i++) {
    char c = wanted.at[i];
    if (name.at[i] != (c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c)) return 0;
  }
  return 1;
}

// wherry_next_header_of takes header fields off rest until one has the wanted name.
WHERRY_COLD int wherry_next_header_of(wherry_span *rest, wherry_span wanted, wherry_span *value) {
  wherry_span name;
  while (wherry_next_header(rest, &name, value))
    if (wherry_is_header(name, wanted)) return 1;
  return 0;
}

// wherry_head_header returns the first header field of a name, or a span at 0.
static inline wherry_span wherry_head_header(const wherry_head *h, wherry_span wanted) {
  wherry_span rest = h->fields, value;
  return wherry_next_header_of(&rest, wanted, &value) ? value : wherry_nothing;
}

// ---- The query. ----

static inline int wherry_hex_digit(char c) {
  char lower = (char)(c | 0x20);
  return c >= '0' && c <= '9' ? c - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// wherry_next_decoded takes one byte off the front of s, which is not empty: a
// plus is a blank, and a percent sign without two hexadecimal digits is itself.
static inline char wherry_next_decoded(wherry_span *s) {
  char c = *s->at;
  int high = c == '%' && s->len > 2 ? wherry_hex_digit(s->at[1]) : -1;
  int low = high >= 0 ? wherry_hex_digit(s->at[2]) : -1;
  *s = wherry_rest(*s, low >= 0 ? 3 : 1);
  return low >= 0 ? (char)(high * 16 + low) : c == '+' ? ' ' : c;
}

// wherry_decode_query decodes a part of a query to the scratch, or returns it as it
// is where there is nothing to decode; a span at 0 if the scratch has no room.
WHERRY_COLD wherry_span wherry_decode_query(wherry_span s) {
  uint32_t i = 0;
  while (i < s.len && s.at[i] != '%' && s.at[i] != '+') i++;
  if (i == s.len) return s;
  wherry_text t = wherry_scratch_text();
  while (s.len) wherry_put_char(&t, wherry_next_decoded(&s));
  return t.cut ? wherry_nothing : wherry_scratch_keep(&t);
}

// wherry_is_query reports whether a part of a query means text, without memory.
WHERRY_COLD int wherry_is_query(wherry_span s, wherry_span text) {
  while (s.len && text.len) {
    if (wherry_next_decoded(&s) != *text.at) return 0;
    text = wherry_rest(text, 1);
  }
  return !s.len && !text.len;
}

// wherry_next_query takes one pair off the front of rest, which was
// wherry_head_query, as it was sent; 0 at the end. Decode it with wherry_decode_query.
WHERRY_COLD int wherry_next_query(wherry_span *rest, wherry_span *name, wherry_span *value) {
  while (rest->len) {
    *value = wherry_cut_at(rest, '&');
    if (!value->len) continue;
    *name = wherry_cut_at(value, '=');
    return 1;
  }
  return 0;
}

// wherry_next_query_of takes pairs off rest until one has the wanted name, and
// decodes its value.
static inline int wherry_next_query_of(wherry_span *rest, wherry_span wanted, wherry_span *value) {
  wherry_span name;
  while (wherry_next_query(rest, &name, value)) {
    if (!wherry_is_query(name, wanted)) continue;
    *value = wherry_decode_query(*value);
    return 1;
  }
  return 0;
}

// wherry_head_query_param returns the last query parameter of a name, decoded, or a
// span at 0.
WHERRY_COLD wherry_span wherry_head_query_param(const wherry_head *h, wherry_span wanted) {
  wherry_span rest = wherry_head_query(h), name, value, found = wherry_nothing;
  while (wherry_next_query(&rest, &name, &value))
    if (wherry_is_query(name, wanted)) found = value;
  return found.at ? wherry_decode_query(found) : found;
}

// ---- Cookies. ----

// wherry_next_cookie takes one cookie off the front of rest, which was the value
// of a header field `cookie`; 0 at the end.
WHERRY_COLD int wherry_next_cookie(wherry_span *rest, wherry_span *name, wherry_span *value) {
  while (rest->len) {
    wherry_span pair = wherry_cut_at(rest, ';');
    *name = wherry_cut_at(&pair, '=');
    int has_value = pair.at > name->at + name->len;
    *name = wherry_trim(*name);
    *value = wherry_trim(pair);
    if (has_value) return 1;
  }
  return 0;
}

// wherry_head_cookie returns the last cookie of a name, or a span at 0.
WHERRY_COLD wherry_span wherry_head_cookie(const wherry_head *h, wherry_span wanted) {
  wherry_span fields = h->fields, line, name, value, found = wherry_nothing;
  while (wherry_next_header_of(&fields, WHERRY_STR("cookie"), &line))
    while (wherry_next_cookie(&line, &name, &value))
      if (wherry_equal(name, wanted)) found = value;
  return found;
}

#endif
