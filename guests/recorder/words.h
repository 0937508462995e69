// words.h: cutting spans into words, and putting them together in a fixed place.
#ifndef WORDS_H
#define WORDS_H

#include "../sdk/c/wherry_fields.h"

static wherry_span from(wherry_span s, uint32_t n) { return (wherry_span){s.at + n, s.len - n}; }

// cut takes what is before the first end off the front of rest, and the end too.
static wherry_span cut(wherry_span *rest, char end) {
  uint32_t n = 0;
  while (n < rest->len && rest->at[n] != end) n++;
  wherry_span part = {rest->at, n};
  *rest = from(*rest, n < rest->len ? n + 1 : n);
  return part;
}

static wherry_span trim(wherry_span s) {
  while (s.len && *s.at == ' ') s = from(s, 1);
  while (s.len && s.at[s.len - 1] == ' ') s.len--;
  return s;
}

static int starts_with(wherry_span s, wherry_span prefix) {
  return s.len >= prefix.len && wherry_equal((wherry_span){s.at, prefix.len}, prefix);
}

static uint32_t number_of(wherry_span digits) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < digits.len; i++) n = n * 10 + (uint32_t)(digits.at[i] - '0');
  return n;
}

// A text grows in place, and stops at its end.
typedef struct text {
  char *at;
  uint32_t len, room;
} text;

static wherry_span span_of(const text *t) { return (wherry_span){t->at, t->len}; }

static void put_char(text *t, char c) {
  if (t->len < t->room) t->at[t->len++] = c;
}

static void put(text *t, wherry_span s) {
  for (uint32_t i = 0; i < s.len; i++) put_char(t, s.at[i]);
}

static void put_number(text *t, uint32_t n) {
  char digits[10];
  uint32_t used = 0;
  do digits[used++] = (char)('0' + n % 10);
  while (n /= 10);
  while (used) put_char(t, digits[--used]);
}

static void put_hex(text *t, uint8_t byte) {
  put_char(t, "0123456789abcdef"[byte >> 4]);
  put_char(t, "0123456789abcdef"[byte & 15]);
}

#endif
