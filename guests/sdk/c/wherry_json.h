// wherry_json.h: JSON that is read where it lies. A wherry_json is the text of one
// value, which wherry_json_parse has found to be valid, at most 64 levels deep; its
// parts are found by walking over it, and nothing is copied but strings with
// escapes, and those to the scratch.
#ifndef WHERRY_JSON_H
#define WHERRY_JSON_H

#include "wherry_numbers.h"

enum { WHERRY_JSON_DEPTH = 64 };

// A wherry_json is a value, or none: raw.at is 0 where something was not found.
// Every function takes none for what it is, so that lookups can be chained.
typedef struct wherry_json {
  wherry_span raw;
} wherry_json;

typedef enum wherry_json_type {
  WHERRY_JSON_NONE,
  WHERRY_JSON_NULL,
  WHERRY_JSON_BOOL,
  WHERRY_JSON_NUMBER,
  WHERRY_JSON_STRING,
  WHERRY_JSON_ARRAY,
  WHERRY_JSON_OBJECT,
} wherry_json_type;

static const wherry_json wherry_json_none = {{0, 0}};

// ---- The scanner: each function returns what follows the thing, or 0. ----

static inline const char *wherry_json_blank(const char *p, const char *end) {
  while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')) p++;
  return p;
}

// wherry_json_hex reads the four digits of \uXXXX at p, or returns -1.
static inline int32_t wherry_json_hex(const char *p, const char *end) {
  int32_t n = 0;
  if (end - p < 4) return -1;
  for (int i = 0; i < 4; i++) {
    char c = p[i], lower = (char)(c | 0x20);
    if (c >= '0' && c <= '9')
      n = n * 16 + (c - '0');
    else if (lower >= 'a' && lower <= 'f')
      n = n * 16 + (lower - 'a' + 10);
    else
      return -1;
  }
  return n;
}

WHERRY_COLD const char *wherry_json_scan_string(const char *p, const char *end) {
  if (p == end || *p++ != '"') return 0;
  while (p < end && *p != '"') {
    uint8_t c = (uint8_t)*p;
    if (c < 0x20) return 0;
    if (c != '\\') {
      uint32_t size = c < 0x80 ? 1 : wherry_utf8((wherry_span){p, (uint32_t)(end - p)});
      if (!size) return 0;
      p += size;
      continue;
    }
    if (++p == end) return 0;
    switch (*p++) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
      break;
    case 'u':
      if (wherry_json_hex(p, end) < 0) return 0;
      p += 4;
      break;
    default:
      return 0;
    }
  }
  return p < end ? p + 1 : 0;
}

static inline const char *wherry_json_digits(const char *p, const char *end) {
  const char *from = p;
  while (p < end && *p >= '0' && *p <= '9') p++;
  return p > from ? p : 0;
}

WHERRY_COLD const char *wherry_json_scan_number(const char *p, const char *end) {
  if (p < end && *p == '-') p++;
  if (p < end && *p == '0')
    p++; // and no digit behind it
  else if (!(p = wherry_json_digits(p, end)))
    return 0;
  if (p < end && *p == '.' && !(p = wherry_json_digits(p + 1, end))) return 0;
  if (p < end && (*p | 0x20) == 'e') {
    p++;
    if (p < end && (*p == '+' || *p == '-')) p++;
    p = wherry_json_digits(p, end);
  }
  return p;
}

WHERRY_COLD const char *wherry_json_scan_word(const char *p, const char *end, wherry_span word) {
  if ((uint32_t)(end - p) < word.len || !wherry_equal((wherry_span){p, word.len}, word)) return 0;
  return p + word.len;
}

static inline const char *wherry_json_scan_scalar(const char *p, const char *end) {
  switch (*p) {
  case '"':
    return wherry_json_scan_string(p, end);
  case 't':
    return wherry_json_scan_word(p, end, WHERRY_STR("true"));
  case 'f':
    return wherry_json_scan_word(p, end, WHERRY_STR("false"));
  case 'n':
    return wherry_json_scan_word(p, end, WHERRY_STR("null"));
  default:
    return wherry_json_scan_number(p, end);
  }
}

static inline const char *wherry_json_scan_key(const char *p, const char *end) {
  p = wherry_json_scan_string(wherry_json_blank(p, end), end);
  if (!p) return 0;
  p = wherry_json_blank(p, end);
  return p < end && *p == ':' ? p + 1 : 0;
}

// wherry_json_scan scans one value, blanks in front of it included. It keeps a bit
// for each level instead of calling itself: depth costs an input nothing, but a
// guest its stack.
WHERRY_COLD const char *wherry_json_scan(const char *p, const char *end) {
  uint64_t objects = 0; // the lowest bit: whether the innermost level is an object
  uint32_t depth = 0;
  for (;;) {
    p = wherry_json_blank(p, end);
    if (p == end) return 0;
    int opens = *p == '{' || *p == '[';
    if (opens) {
      int is_object = *p == '{';
      if (depth++ == WHERRY_JSON_DEPTH) return 0;
      objects = objects << 1 | (uint64_t)is_object;
      const char *inside = wherry_json_blank(p + 1, end);
      if (inside == end || *inside != (is_object ? '}' : ']')) {
        p = is_object ? wherry_json_scan_key(p + 1, end) : p + 1;
        if (!p) return 0;
        continue;
      }
      p = inside;
    } else {
      p = wherry_json_scan_scalar(p, end);
      if (!p) return 0;
    }
    // A value has ended, or is about to end with the bracket at p.
    for (int bracket = opens;; bracket = 0) {
      if (depth == 0) return p;
      if (!bracket) p = wherry_json_blank(p, end);
      if (p == end) return 0;
      if (*p == ',' && !bracket) break;
      if (*p++ != (objects & 1 ? '}' : ']')) return 0;
      objects >>= 1;
      depth--;
    }
    p = objects & 1 ? wherry_json_scan_key(p + 1, end) : p + 1;
    if (!p) return 0;
  }
}

// wherry_json_parse returns the value that text is, or 0 if it is not JSON.
static inline int wherry_json_parse(wherry_span text, wherry_json *out) {
  const char *end = text.at + text.len, *from = wherry_json_blank(text.at, end);
  const char *behind = wherry_json_scan(from, end);
  if (!behind || wherry_json_blank(behind, end) != end) return 0;
  *out = (wherry_json){{from, (uint32_t)(behind - from)}};
  return 1;
}

// ---- Values. ----

static inline wherry_json_type wherry_json_type_of(wherry_json v) {
  if (!v.raw.at || !v.raw.len) return WHERRY_JSON_NONE;
  switch (*v.raw.at) {
  case '{':
    return WHERRY_JSON_OBJECT;
  case '[':
    return WHERRY_JSON_ARRAY;
  case '"':
    return WHERRY_JSON_STRING;
  case 't':
  case 'f':
    return WHERRY_JSON_BOOL;
  case 'n':
    return WHERRY_JSON_NULL;
  default:
    return WHERRY_JSON_NUMBER;
  }
}

// wherry_json_int reads a number without fraction and exponent within 64 bits, exactly.
static inline int wherry_json_int(wherry_json v, int64_t *out) {
  return wherry_json_type_of(v) == WHERRY_JSON_NUMBER && wherry_parse_int(v.raw, out);
}
static inline int wherry_json_uint(wherry_json v, uint64_t *out) {
  return wherry_json_type_of(v) == WHERRY_JSON_NUMBER && wherry_parse_uint(v.raw, UINT64_MAX, out);
}
// wherry_json_double reads any number that is not too large for a double.
static inline int wherry_json_double(wherry_json v, double *out) {
  return wherry_json_type_of(v) == WHERRY_JSON_NUMBER && wherry_parse_double(v.raw, out);
}
static inline int wherry_json_bool(wherry_json v, int *out) {
  *out = wherry_json_type_of(v) == WHERRY_JSON_BOOL && *v.raw.at == 't';
  return wherry_json_type_of(v) == WHERRY_JSON_BOOL;
}

// ---- Strings. ----

// wherry_put_rune writes a code point; a surrogate, which is none, as U+FFFD.
WHERRY_COLD void wherry_put_rune(wherry_text *t, uint32_t c) {
  if (c >= 0xd800 && c < 0xe000) c = 0xfffd;
  char b[4];
  if (c < 0x80) return wherry_put_char(t, (char)c);
  uint32_t size = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  for (uint32_t i = size; i-- > 1; c >>= 6) b[i] = (char)(0x80 | (c & 0x3f));
  b[0] = (char)((0xf0 << (4 - size)) | c);
  wherry_put(t, (wherry_span){b, size});
}

// wherry_json_escape reads the escape at p, behind its backslash, of a valid string.
WHERRY_COLD const char *wherry_json_escape(const char *p, const char *end, uint32_t *out) {
  static const char letters[] = "bfnrt", meant[] = "\b\f\n\r\t";
  char c = *p++;
  *out = (uint8_t)c;
  for (uint32_t i = 0; letters[i]; i++)
    if (c == letters[i]) *out = (uint8_t)meant[i];
  if (c != 'u') return p;
  uint32_t high = (uint32_t)wherry_json_hex(p, end);
  p += 4;
  *out = high;
  // Two surrogates, one after the other, are one character.
  if (high < 0xd800 || high >= 0xdc00 || end - p < 6 || p[0] != '\\' || p[1] != 'u') return p;
  int32_t low = wherry_json_hex(p + 2, end);
  if (low < 0xdc00 || low >= 0xe000) return p;
  *out = 0x10000 + ((high - 0xd800) << 10) + ((uint32_t)low - 0xdc00);
  return p + 6;
}

// wherry_json_decode appends what a string means to a text. 0 if v is no string.
WHERRY_COLD int wherry_json_decode(wherry_json v, wherry_text *t) {
  if (wherry_json_type_of(v) != WHERRY_JSON_STRING) return 0;
  const char *p = v.raw.at + 1, *end = v.raw.at + v.raw.len - 1;
  while (p < end) {
    const char *from = p;
    uint32_t c;
    while (p < end && *p != '\\') p++;
    wherry_put(t, (wherry_span){from, (uint32_t)(p - from)});
    if (p == end) break;
    p = wherry_json_escape(p + 1, end, &c);
    wherry_put_rune(t, c);
  }
  return 1;
}

// wherry_json_text gives what a string means: a part of the JSON, or, where it has
// escapes, of the scratch. 0 if v is no string, or the scratch has no room.
WHERRY_COLD int wherry_json_text(wherry_json v, wherry_span *out) {
  if (wherry_json_type_of(v) != WHERRY_JSON_STRING) return 0;
  *out = (wherry_span){v.raw.at + 1, v.raw.len - 2};
  uint32_t i = 0;
  while (i < out->len && out->at[i] != '\\') i++;
  if (i == out->len) return 1;
  wherry_text t = wherry_scratch_text();
  if (wherry_json_decode(v, &t), t.cut) return 0;
  *out = wherry_scratch_keep(&t);
  return 1;
}

// wherry_json_is reports whether v is a string that means text. It takes no memory:
// no character of a string is shorter than what it means.
WHERRY_COLD int wherry_json_is(wherry_json v, wherry_span text) {
  if (wherry_json_type_of(v) != WHERRY_JSON_STRING) return 0;
  const char *p = v.raw.at + 1, *end = v.raw.at + v.raw.len - 1;
  while (p < end) {
    char rune[4];
    wherry_text one = wherry_text_in(rune, sizeof(rune));
    uint32_t c;
    if (*p == '\\') {
      p = wherry_json_escape(p + 1, end, &c);
      wherry_put_rune(&one, c);
    } else {
      wherry_put_char(&one, *p++);
    }
    if (one.len > text.len || !wherry_equal(wherry_front(text, one.len), wherry_text_span(&one))) return 0;
    text = wherry_rest(text, one.len);
  }
  return text.len == 0;
}

// ---- Arrays and objects. ----

// A wherry_json_walk is the way through an array or object: start it with
// wherry_json_in, and call wherry_json_next until it returns 0.
typedef struct wherry_json_walk {
  const char *p, *end;
  int is_object;
  wherry_json key, value; // of the last call; the key of an object only
} wherry_json_walk;

static inline wherry_json_walk wherry_json_in(wherry_json v) {
  wherry_json_type type = wherry_json_type_of(v);
  wherry_json_walk walk = {0, 0, type == WHERRY_JSON_OBJECT, wherry_json_none, wherry_json_none};
  if (type < WHERRY_JSON_ARRAY) return walk;
  walk.p = v.raw.at + 1; // behind the bracket, and later behind each comma
  walk.end = v.raw.at + v.raw.len - 1;
  return walk;
}

WHERRY_COLD int wherry_json_next(wherry_json_walk *walk) {
  const char *p = wherry_json_blank(walk->p, walk->end);
  if (p == walk->end) return 0;
  if (walk->is_object) {
    const char *behind = wherry_json_scan_string(p, walk->end);
    if (!behind) return 0;
    walk->key = (wherry_json){{p, (uint32_t)(behind - p)}};
    p = wherry_json_scan_key(p, walk->end);
    if (!p) return 0;
    p = wherry_json_blank(p, walk->end);
  }
  const char *behind = wherry_json_scan(p, walk->end);
  if (!behind) return 0;
  walk->value = (wherry_json){{p, (uint32_t)(behind - p)}};
  p = wherry_json_blank(behind, walk->end);
  walk->p = p < walk->end ? p + 1 : p;
  return 1;
}

// wherry_json_get returns the value of a key, the last one where it is there twice.
static inline wherry_json wherry_json_get(wherry_json object, wherry_span key) {
  wherry_json found = wherry_json_none;
  if (wherry_json_type_of(object) != WHERRY_JSON_OBJECT) return found;
  for (wherry_json_walk walk = wherry_json_in(object); wherry_json_next(&walk);)
    if (wherry_json_is(walk.key, key)) found = walk.value;
  return found;
}

// wherry_json_at returns the value at an index of an array, from 0.
static inline wherry_json wherry_json_at(wherry_json array, uint32_t index) {
  if (wherry_json_type_of(array) != WHERRY_JSON_ARRAY) return wherry_json_none;
  for (wherry_json_walk walk = wherry_json_in(array); wherry_json_next(&walk);)
    if (index-- == 0) return walk.value;
  return wherry_json_none;
}

static inline uint32_t wherry_json_count(wherry_json v) {
  uint32_t n = 0;
  for (wherry_json_walk walk = wherry_json_in(v); wherry_json_next(&walk);) n++;
  return n;
}

#endif
