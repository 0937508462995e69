// wherry_check.h: mistakes in what a guest registers that the compiler does not see.
// They end the guest, with a line in the log, when it is asked for its mailbox: the
// module is never admitted.
#ifndef WHERRY_CHECK_H
#define WHERRY_CHECK_H

#include "wherry_params.h"

WHERRY_COLD __attribute__((noreturn)) void wherry_mistake(const wherry_endpoint *endpoint, const char *what,
                                                          const char *name) {
  wherry_logf(WHERRY_LOG_ERROR, "the endpoint %s: %s%s", endpoint->route ? endpoint->route : "without a route", what,
              name);
  __builtin_trap();
}

static inline void wherry_check_param(const wherry_endpoint *endpoint, const wherry_param *p) {
  wherry_value ignored;
  if (!p->name) wherry_mistake(endpoint, "a parameter without a name", "");
  if ((p->type == WHERRY_ENUM) != (p->choices != 0))
    wherry_mistake(endpoint, "choices belong to an enum, and to nothing else: ", p->name);
  if (p->fallback && wherry_read_value(p, wherry_cstr(p->fallback), &ignored))
    wherry_mistake(endpoint, "a default that is not of its type: ", p->name);
}

static inline void wherry_check_guest(const wherry_guest *guest) {
  for (uint32_t i = 0; i < guest->endpoint_count; i++) {
    const wherry_endpoint *endpoint = &guest->endpoints[i];
    for (uint32_t j = 0; j < i; j++) {
      const char *other = guest->endpoints[j].route;
      int is_same =
          other && endpoint->route ? wherry_same(wherry_cstr(other), endpoint->route) : other == endpoint->route;
      if (is_same) wherry_mistake(endpoint, "there are two of it", "");
    }
    if (endpoint->param_count > WHERRY_MAX_PARAMS)
      wherry_mistake(endpoint, "more parameters than WHERRY_MAX_PARAMS", "");
    for (uint32_t j = 0; j < endpoint->param_count; j++) wherry_check_param(endpoint, &endpoint->params[j]);
  }
}

#endif
