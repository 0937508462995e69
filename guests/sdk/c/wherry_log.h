// wherry_log.h: lines for the log, and the end of a guest that found a bug in itself.
#ifndef WHERRY_LOG_H
#define WHERRY_LOG_H

#include "wherry_text.h"

enum { WHERRY_LINE_BYTES = 1024 }; // of a line; hosts cut longer ones, too

// wherry_logf writes a line, level WHERRY_LOG_DEBUG, _INFO, _WARN or _ERROR. It
// formats as wherry_vprint says.
WHERRY_COLD __attribute__((format(printf, 2, 3))) void wherry_logf(int32_t level, const char *format, ...) {
  char line[WHERRY_LINE_BYTES];
  wherry_text t = wherry_text_in(line, sizeof(line));
  va_list args;
  va_start(args, format);
  wherry_vprint(&t, format, args);
  va_end(args);
  wherry_log(level, t.at, t.len);
}

// wherry_abort stops the guest: the log has the message, and the stack of the trap.
WHERRY_COLD __attribute__((noreturn)) void wherry_abort(const char *message) {
  wherry_span text = wherry_cstr(message);
  wherry_log(WHERRY_LOG_ERROR, text.at, text.len);
  __builtin_trap();
}

#endif
