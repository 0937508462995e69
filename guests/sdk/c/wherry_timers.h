// wherry_timers.h: timers that call back. A guest that uses them defines WHERRY_TIMERS
// before the #include: how many can be armed at once.
#ifndef WHERRY_TIMERS_H
#define WHERRY_TIMERS_H

#include "wherry_conn.h"

// A wherry_timer_info is what a callback is told.
typedef struct wherry_timer_info {
  uint64_t token;
  uint64_t argument; // of wherry_after
} wherry_timer_info;

// A wherry_alarm is called when its timer fires, with the connection that it was armed
// for, if any; an error is treated as one of a handler of that connection.
typedef wherry_error (*wherry_alarm)(wherry_conn c, const wherry_timer_info *timer);

#ifdef WHERRY_TIMERS

_Static_assert(WHERRY_TIMERS > 0, "limits of timers");

typedef struct wherry_armed {
  wherry_item item; // the key is the token
  wherry_conn conn;
  wherry_alarm alarm;
  uint64_t argument;
} wherry_armed;

WHERRY_POOL(wherry_alarms, wherry_armed, WHERRY_TIMERS);
static uint64_t wherry_last_token;

// wherry_after calls alarm once in ms milliseconds, or in 1 for 0. It returns the
// timer's token, or 0 if WHERRY_TIMERS are armed. A timer of a connection does
// nothing once that has ended, but keeps its place until its time, or until it is cancelled.
// WHERRY_NOBODY makes it the guest's.
static inline uint64_t wherry_after(uint32_t ms, wherry_conn c, wherry_alarm alarm, uint64_t argument) {
  wherry_armed *a = (wherry_armed *)wherry_pool_add(&wherry_alarms, wherry_last_token + 1);
  if (!a) return 0;
  a->conn = c;
  a->alarm = alarm;
  a->argument = argument;
  wherry_timer(++wherry_last_token, ms ? ms : 1);
  return wherry_last_token;
}

// wherry_cancel stops a timer. It reports whether that was armed.
static inline int wherry_cancel(uint64_t token) {
  wherry_item *item = (wherry_item *)wherry_pool_find(&wherry_alarms, token);
  if (!item) return 0;
  wherry_pool_remove(&wherry_alarms, item);
  wherry_timer(token, 0);
  return 1;
}

// wherry_take_alarm takes a timer that has fired, or that the host refused, out of the table.
static inline int wherry_take_alarm(uint64_t token, wherry_armed *out) {
  wherry_armed *a = (wherry_armed *)wherry_pool_find(&wherry_alarms, token);
  if (!a) return 0;
  *out = *a;
  wherry_pool_remove(&wherry_alarms, &a->item);
  return 1;
}

#else

#define WHERRY_NO_TIMERS_ \
  __attribute__((unavailable("define WHERRY_TIMERS before the #include, as the number of timers")))
WHERRY_NO_TIMERS_ uint64_t wherry_after(uint32_t ms, wherry_conn c, wherry_alarm alarm, uint64_t argument);
WHERRY_NO_TIMERS_ int wherry_cancel(uint64_t token);

#endif

#endif
