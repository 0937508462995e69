// wherry_text.h: text of a bounded length, the formatter that writes to it, and
// memory for what lives no longer than an event.
#ifndef WHERRY_TEXT_H
#define WHERRY_TEXT_H

#include <stdarg.h>

#include "wherry_fields.h"

#ifndef WHERRY_SCRATCH_BYTES
#define WHERRY_SCRATCH_BYTES (32 * 1024) // what handling one event can take of wherry_scratch
#endif

// Functions off the way of a message, which are not worth a copy at every call.
#define WHERRY_COLD static __attribute__((noinline, unused))

static const wherry_span wherry_nothing = {0, 0};

// wherry_cstr is the span of a string that ends with a zero.
WHERRY_COLD wherry_span wherry_cstr(const char *s) {
  uint32_t n = 0;
  while (s && s[n]) n++;
  return (wherry_span){s, n};
}

WHERRY_COLD int wherry_same(wherry_span a, const char *b) { return wherry_equal(a, wherry_cstr(b)); }

// wherry_front is the first n bytes of s, and wherry_rest what follows them; n is at
// most s.len.
static inline wherry_span wherry_front(wherry_span s, uint32_t n) { return (wherry_span){s.at, n}; }
static inline wherry_span wherry_rest(wherry_span s, uint32_t n) { return (wherry_span){s.at + n, s.len - n}; }

// wherry_cut_at takes the front of rest up to the first of a character, which is
// taken off, too; all of it where there is none.
WHERRY_COLD wherry_span wherry_cut_at(wherry_span *rest, char c) {
  uint32_t n = 0;
  while (n < rest->len && rest->at[n] != c) n++;
  wherry_span front = wherry_front(*rest, n);
  *rest = wherry_rest(*rest, n < rest->len ? n + 1 : n);
  return front;
}

// wherry_trim takes blanks and tabs off both ends.
WHERRY_COLD wherry_span wherry_trim(wherry_span s) {
  while (s.len && (*s.at == ' ' || *s.at == '\t')) s = wherry_rest(s, 1);
  while (s.len && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t')) s.len--;
  return s;
}

// ---- UTF-8. ----

// wherry_utf8 returns the size of the character at the front of s, or 0 if there
// is none.
WHERRY_COLD uint32_t wherry_utf8(wherry_span s) {
  const uint8_t *b = (const uint8_t *)s.at;
  if (s.len == 0) return 0;
  if (b[0] < 0x80) return 1;
  if (b[0] < 0xc2 || b[0] > 0xf4) return 0;
  uint32_t size = b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : 4;
  // The second byte keeps out what is longer than it has to be, and surrogates.
  uint8_t low = b[0] == 0xe0 ? 0xa0 : b[0] == 0xf0 ? 0x90 : 0x80;
  uint8_t high = b[0] == 0xed ? 0x9f : b[0] == 0xf4 ? 0x8f : 0xbf;
  for (uint32_t i = 1; i < size; i++, low = 0x80, high = 0xbf)
    if (i == s.len || b[i] < low || b[i] > high) return 0;
  return size;
}

// wherry_cut_utf8 is the front of s of at most n bytes that splits no character.
WHERRY_COLD wherry_span wherry_cut_utf8(wherry_span s, uint32_t n) {
  if (s.len <= n) return s;
  uint32_t end = n;
  while (end && n - end < 4 && ((uint8_t)s.at[end] & 0xc0) == 0x80) end--;
  // What is no UTF-8 has no boundaries.
  return wherry_front(s, ((uint8_t)s.at[end] & 0xc0) == 0x80 ? n : end);
}

// ---- A text that is being written. ----

// A wherry_text is written from the front of a buffer. What does not fit is left
// out, and `cut` says that something was.
typedef struct wherry_text {
  char *at;
  uint32_t len, room;
  int cut;
} wherry_text;

static inline wherry_text wherry_text_in(char *at, uint32_t room) { return (wherry_text){at, 0, room, 0}; }
static inline wherry_span wherry_text_span(const wherry_text *t) { return (wherry_span){t->at, t->len}; }

WHERRY_COLD void wherry_put(wherry_text *t, wherry_span s) {
  if (s.len > t->room - t->len) {
    t->cut = 1;
    s = wherry_cut_utf8(s, t->room - t->len);
  }
  if (s.len) __builtin_memcpy(t->at + t->len, s.at, s.len);
  t->len += s.len;
}

static inline void wherry_put_char(wherry_text *t, char c) {
  if (t->len < t->room)
    t->at[t->len++] = c;
  else
    t->cut = 1;
}

WHERRY_COLD void wherry_put_digits(wherry_text *t, uint64_t n, uint32_t base) {
  char digits[20];
  uint32_t i = sizeof(digits);
  do digits[--i] = "0123456789abcdef"[n % base];
  while (n /= base);
  wherry_put(t, (wherry_span){digits + i, sizeof(digits) - i});
}

static inline void wherry_put_uint(wherry_text *t, uint64_t n) { wherry_put_digits(t, n, 10); }

static inline void wherry_put_int(wherry_text *t, int64_t n) {
  if (n < 0) wherry_put_char(t, '-');
  wherry_put_digits(t, n < 0 ? 0 - (uint64_t)n : (uint64_t)n, 10);
}

// WHERRY_SPAN gives a span to the verb %.*s of the formatter.
#define WHERRY_SPAN(span) (int)(span).len, (span).at

// wherry_vprint writes what printf would, of which it knows %d %i %u %x %c %s %.*s
// %%, with l, ll or z in front of the numbers; no widths, no %f. Where it meets
// another verb it stops, because it cannot tell what that takes.
WHERRY_COLD void wherry_vprint(wherry_text *t, const char *format, va_list args) {
  for (const char *f = format; *f; f++) {
    if (*f != '%') {
      wherry_put_char(t, *f);
      continue;
    }
    uint32_t bound = UINT32_MAX, longs = 0;
    if (f[1] == '.' && f[2] == '*') bound = (uint32_t)va_arg(args, int), f += 2;
    while (f[1] == 'l' || f[1] == 'z') longs += f[1] == 'l', f++;
    switch (*++f) {
    case 'd':
    case 'i':
      wherry_put_int(t, longs > 1 ? va_arg(args, long long) : va_arg(args, int));
      break;
    case 'u':
    case 'x':
      wherry_put_digits(t, longs > 1 ? va_arg(args, unsigned long long) : va_arg(args, unsigned), *f == 'x' ? 16 : 10);
      break;
    case 'c':
      wherry_put_char(t, (char)va_arg(args, int));
      break;
    case 's': {
      const char *s = va_arg(args, const char *);
      wherry_put(t, bound == UINT32_MAX ? wherry_cstr(s) : (wherry_span){s, bound});
      break;
    }
    case '%':
      wherry_put_char(t, '%');
      break;
    default:
      return wherry_put(t, wherry_cstr("(bad format)"));
    }
  }
}

WHERRY_COLD __attribute__((format(printf, 2, 3))) void wherry_print(wherry_text *t, const char *format, ...) {
  va_list args;
  va_start(args, format);
  wherry_vprint(t, format, args);
  va_end(args);
}

// ---- Scratch: gone when the event is dealt with. ----

static char wherry_scratch_bytes[WHERRY_SCRATCH_BYTES] __attribute__((aligned(8)));
static uint32_t wherry_scratch_used;

// wherry_scratch returns len bytes, at a multiple of 8, or 0 where that is more than is left.
static inline void *wherry_scratch(uint32_t len) {
  uint32_t left = WHERRY_SCRATCH_BYTES - wherry_scratch_used;
  if (len > left) return 0;
  uint32_t taken = (len + 7) & ~7u;
  char *at = wherry_scratch_bytes + wherry_scratch_used;
  wherry_scratch_used += taken < left ? taken : left;
  return at;
}

// wherry_scratch_text is a text in all that is left of the scratch, and
// wherry_scratch_keep takes as much of it as was written. Nothing else may take of
// the scratch in between.
static inline wherry_text wherry_scratch_text(void) {
  return wherry_text_in(wherry_scratch_bytes + wherry_scratch_used, WHERRY_SCRATCH_BYTES - wherry_scratch_used);
}
static inline wherry_span wherry_scratch_keep(const wherry_text *t) {
  wherry_scratch(t->len);
  return wherry_text_span(t);
}

// wherry_format returns text of the scratch. It is cut off where that is full.
WHERRY_COLD __attribute__((format(printf, 1, 2))) wherry_span wherry_format(const char *format, ...) {
  wherry_text t = wherry_scratch_text();
  va_list args;
  va_start(args, format);
  wherry_vprint(&t, format, args);
  va_end(args);
  return wherry_scratch_keep(&t);
}

#endif
