// wherry_fields.h: spans, and the fields that `start`, `connect`, `resume` and
// `request` carry and that `accept`, `reject` and `respond` take.
#ifndef WHERRY_FIELDS_H
#define WHERRY_FIELDS_H

#include "wherry_abi.h"

// A span is bytes somewhere in memory; text in a span does not end with a zero.
typedef struct wherry_span {
  const char *at;
  uint32_t len;
} wherry_span;

// WHERRY_STR is the span of a string literal; wherry_data that of an event.
#define WHERRY_STR(literal) ((wherry_span){(literal), sizeof(literal) - 1})
static inline wherry_span wherry_data(const wherry_record *r) {
  return (wherry_span){(const char *)r->data, r->len};
}

static inline int wherry_equal(wherry_span a, wherry_span b) {
  if (a.len != b.len) return 0;
  for (uint32_t i = 0; i < a.len; i++)
    if (a.at[i] != b.at[i]) return 0;
  return 1;
}

// wherry_next_field takes one field off the front of rest; 0 at the end.
static inline int wherry_next_field(wherry_span *rest, wherry_span *name, wherry_span *value) {
  uint16_t name_len;
  uint32_t value_len;
  if (rest->len < WHERRY_FIELD_HEADER_SIZE) return 0;
  __builtin_memcpy(&name_len, rest->at, 2);
  __builtin_memcpy(&value_len, rest->at + 4, 4);
  uint32_t room = rest->len - WHERRY_FIELD_HEADER_SIZE;
  if (name_len > room || value_len > room - name_len) return 0;
  *name = (wherry_span){rest->at + WHERRY_FIELD_HEADER_SIZE, name_len};
  *value = (wherry_span){name->at + name_len, value_len};
  uint32_t size = (WHERRY_FIELD_HEADER_SIZE + name_len + value_len + 3) & ~3u;
  if (size > rest->len) size = rest->len; // the last padding may be cut off
  *rest = (wherry_span){rest->at + size, rest->len - size};
  return 1;
}

// wherry_find_field returns the first value of a name, or a span at 0.
static inline wherry_span wherry_find_field(wherry_span fields, wherry_span wanted) {
  wherry_span name, value;
  while (wherry_next_field(&fields, &name, &value))
    if (wherry_equal(name, wanted)) return value;
  return (wherry_span){0, 0};
}

// wherry_put_field writes a field to the front of at, which has room bytes, and
// returns its size, or 0 if it does not fit.
static inline uint32_t wherry_put_field(char *at, uint32_t room, wherry_span name, wherry_span value) {
  if (name.len > 0xffff || value.len > room || name.len > room - value.len) return 0;
  uint32_t end = WHERRY_FIELD_HEADER_SIZE + name.len + value.len, size = (end + 3) & ~3u;
  if (size > room) return 0;
  uint64_t header = name.len | (uint64_t)value.len << 32;
  __builtin_memcpy(at, &header, WHERRY_FIELD_HEADER_SIZE);
  __builtin_memcpy(at + WHERRY_FIELD_HEADER_SIZE, name.at, name.len);
  __builtin_memcpy(at + WHERRY_FIELD_HEADER_SIZE + name.len, value.at, value.len);
  __builtin_memset(at + end, 0, size - end);
  return size;
}

#endif
