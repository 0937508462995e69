// wherry_config.h: what the host tells an instance at its start, kept for as long as it lives.
#ifndef WHERRY_CONFIG_H
#define WHERRY_CONFIG_H

#include "wherry_log.h"

#ifndef WHERRY_CONFIG_BYTES
#define WHERRY_CONFIG_BYTES (16 * 1024) // names and values; what does not fit is left out, and the log says so
#endif

static char wherry_start_bytes[WHERRY_CONFIG_BYTES];
static uint32_t wherry_start_len;
static int wherry_is_debug; // errors are told to clients

static inline wherry_span wherry_start_fields(void) { return (wherry_span){wherry_start_bytes, wherry_start_len}; }

// wherry_config returns a value of the configuration, or a span at 0.
WHERRY_COLD wherry_span wherry_config(wherry_span wanted) {
  wherry_span rest = wherry_start_fields(), name, value, prefix = WHERRY_STR(WHERRY_FIELD_CONFIG);
  while (wherry_next_field(&rest, &name, &value)) {
    if (name.len < prefix.len || !wherry_equal(wherry_front(name, prefix.len), prefix)) continue;
    if (wherry_equal(wherry_rest(name, prefix.len), wanted)) return value;
  }
  return wherry_nothing;
}
static inline wherry_span wherry_tenant(void) {
  return wherry_find_field(wherry_start_fields(), WHERRY_STR(WHERRY_FIELD_TENANT));
}
static inline wherry_span wherry_instance(void) {
  return wherry_find_field(wherry_start_fields(), WHERRY_STR(WHERRY_FIELD_INSTANCE));
}
// wherry_max_message is the largest message that a client can send, in decimal.
static inline wherry_span wherry_max_message(void) {
  return wherry_find_field(wherry_start_fields(), WHERRY_STR(WHERRY_FIELD_MAX_MESSAGE));
}

static inline void wherry_keep_start(wherry_span fields) {
  wherry_span name, value;
  wherry_start_len = 0;
  while (wherry_next_field(&fields, &name, &value)) {
    uint32_t size =
        wherry_put_field(wherry_start_bytes + wherry_start_len, WHERRY_CONFIG_BYTES - wherry_start_len, name, value);
    if (!size)
      wherry_logf(WHERRY_LOG_ERROR, "over the %u bytes of WHERRY_CONFIG_BYTES: %.*s is left out",
                  (unsigned)WHERRY_CONFIG_BYTES, WHERRY_SPAN(name));
    wherry_start_len += size;
  }
  wherry_span debug = wherry_config(WHERRY_STR("debug"));
  wherry_is_debug = wherry_same(debug, "1") || wherry_same(debug, "true");
}

#endif
