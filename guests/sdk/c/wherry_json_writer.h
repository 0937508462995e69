// wherry_json_writer.h: JSON that is written from front to back, commas and colons
// included. A mistake, such as a key in an array or a double that is not a number,
// is kept until wherry_json_done tells of it: nothing needs to be checked before.
#ifndef WHERRY_JSON_WRITER_H
#define WHERRY_JSON_WRITER_H

#include "wherry_errors.h"
#include "wherry_json.h"

typedef struct wherry_json_writer {
  wherry_text text;
  uint64_t objects; // the lowest bit: whether the innermost level is an object
  uint64_t filled;  // and whether it has something in it
  uint32_t depth;
  int after_key, has_value;
  const char *wrong; // the first mistake
} wherry_json_writer;

static inline wherry_json_writer wherry_json_to(char *at, uint32_t room) {
  return (wherry_json_writer){wherry_text_in(at, room), 0, 0, 0, 0, 0, 0};
}

WHERRY_COLD void wherry_json_mistake(wherry_json_writer *w, const char *what) {
  if (!w->wrong) w->wrong = what;
}

// wherry_json_before writes the comma in front of a value or a key, and reports
// whether there may be one.
WHERRY_COLD int wherry_json_before(wherry_json_writer *w, int is_key) {
  int in_object = w->depth && (w->objects & 1);
  if (!w->depth && w->has_value) wherry_json_mistake(w, "a second value behind the first");
  if (is_key && (!in_object || w->after_key)) wherry_json_mistake(w, "a key where none can be");
  if (!is_key && in_object && !w->after_key) wherry_json_mistake(w, "a value without a key");
  if (w->wrong) return 0;
  if (!w->after_key && w->depth && (w->filled & 1)) wherry_put_char(&w->text, ',');
  w->filled |= 1;
  w->after_key = is_key;
  w->has_value = 1;
  return 1;
}

// wherry_put_string_part writes text as it is in a string; a byte that is no UTF-8
// becomes U+FFFD.
WHERRY_COLD void wherry_put_string_part(wherry_text *t, wherry_span s) {
  while (s.len) {
    uint32_t plain = 0;
    while (plain < s.len && (uint8_t)s.at[plain] >= 0x20 && (uint8_t)s.at[plain] < 0x80 && s.at[plain] != '"' &&
           s.at[plain] != '\\')
      plain++;
    wherry_put(t, wherry_front(s, plain));
    s = wherry_rest(s, plain);
    if (!s.len) return;
    uint8_t c = (uint8_t)*s.at;
    uint32_t size = wherry_utf8(s);
    if (c >= 0x80) {
      if (size)
        wherry_put(t, wherry_front(s, size));
      else
        wherry_put(t, WHERRY_STR("\xef\xbf\xbd"));
    } else if (c == '"' || c == '\\' || (c >= '\b' && c <= '\r' && c != '\v')) {
      wherry_put_char(t, '\\');
      wherry_put_char(t, c < 0x20 ? "btn.fr"[c - '\b'] : (char)c);
    } else {
      wherry_print(t, "\\u00%x%x", (unsigned)c >> 4, (unsigned)c & 15);
    }
    s = wherry_rest(s, size ? size : 1);
  }
}
WHERRY_COLD void wherry_put_string(wherry_text *t, wherry_span s) {
  wherry_put_char(t, '"');
  wherry_put_string_part(t, s);
  wherry_put_char(t, '"');
}

// ---- What can be written. ----

WHERRY_COLD void wherry_json_open(wherry_json_writer *w, int is_object) {
  if (w->depth == WHERRY_JSON_DEPTH) wherry_json_mistake(w, "more than 64 levels");
  if (!wherry_json_before(w, 0)) return;
  wherry_put_char(&w->text, is_object ? '{' : '[');
  w->objects = w->objects << 1 | (uint64_t)is_object;
  w->filled <<= 1;
  w->depth++;
}
// wherry_json_open_object and wherry_json_open_array begin one that wherry_json_close ends.
static inline void wherry_json_open_object(wherry_json_writer *w) { wherry_json_open(w, 1); }
static inline void wherry_json_open_array(wherry_json_writer *w) { wherry_json_open(w, 0); }
WHERRY_COLD void wherry_json_close(wherry_json_writer *w) {
  if (!w->depth) wherry_json_mistake(w, "an end of nothing");
  if (w->after_key) wherry_json_mistake(w, "a key without a value");
  if (w->wrong) return;
  wherry_put_char(&w->text, w->objects & 1 ? '}' : ']');
  w->objects >>= 1;
  w->filled >>= 1;
  w->depth--;
}

static inline void wherry_json_put_key(wherry_json_writer *w, wherry_span key) {
  if (!wherry_json_before(w, 1)) return;
  wherry_put_string(&w->text, key);
  wherry_put_char(&w->text, ':');
}
static inline void wherry_json_put_text(wherry_json_writer *w, wherry_span s) {
  if (wherry_json_before(w, 0)) wherry_put_string(&w->text, s);
}
static inline void wherry_json_put_int(wherry_json_writer *w, int64_t n) {
  if (wherry_json_before(w, 0)) wherry_put_int(&w->text, n);
}
static inline void wherry_json_put_uint(wherry_json_writer *w, uint64_t n) {
  if (wherry_json_before(w, 0)) wherry_put_uint(&w->text, n);
}
static inline void wherry_json_put_bool(wherry_json_writer *w, int b) {
  if (wherry_json_before(w, 0)) wherry_put(&w->text, b ? WHERRY_STR("true") : WHERRY_STR("false"));
}
static inline void wherry_json_put_null(wherry_json_writer *w) {
  if (wherry_json_before(w, 0)) wherry_put(&w->text, WHERRY_STR("null"));
}
static inline void wherry_json_put_double(wherry_json_writer *w, double d) {
  if (d - d != 0) wherry_json_mistake(w, "a double that is not a finite number");
  if (wherry_json_before(w, 0)) wherry_put_double(&w->text, d);
}

// wherry_json_put writes a value that was read: without blanks, its strings with
// our escapes, its numbers as they are.
WHERRY_COLD void wherry_json_put(wherry_json_writer *w, wherry_json v) {
  if (wherry_json_type_of(v) == WHERRY_JSON_NONE) wherry_json_mistake(w, "a value that is not there");
  if (!wherry_json_before(w, 0)) return;
  const char *p = v.raw.at, *end = p + v.raw.len;
  while ((p = wherry_json_blank(p, end)) < end) {
    if (*p != '"') {
      wherry_put_char(&w->text, *p++);
      continue;
    }
    const char *behind = wherry_json_scan_string(p, end);
    if (!behind) return wherry_json_mistake(w, "a value that was not read");
    wherry_put_char(&w->text, '"');
    for (p++; p < behind - 1;) {
      const char *from = p;
      while (p < behind - 1 && *p != '\\') p++;
      wherry_put_string_part(&w->text, (wherry_span){from, (uint32_t)(p - from)});
      if (p == behind - 1) break;
      char rune[4];
      wherry_text one = wherry_text_in(rune, sizeof(rune));
      uint32_t c;
      p = wherry_json_escape(p + 1, behind - 1, &c);
      wherry_put_rune(&one, c);
      wherry_put_string_part(&w->text, wherry_text_span(&one));
    }
    wherry_put_char(&w->text, '"');
    p = behind;
  }
}

// wherry_json_done gives the whole value, or says what was wrong with it.
static inline wherry_error wherry_json_done(wherry_json_writer *w, wherry_span *out) {
  *out = wherry_nothing;
  if (w->depth || !w->has_value) wherry_json_mistake(w, "a value that has not ended");
  if (w->text.cut) wherry_json_mistake(w, "a value longer than its buffer");
  if (w->wrong) return wherry_fail(wherry_format("cannot encode %s", w->wrong));
  *out = wherry_text_span(&w->text);
  return WHERRY_OK;
}

#endif
