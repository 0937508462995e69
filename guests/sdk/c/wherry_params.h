// wherry_params.h: declared parameters: read before on_connect, and what is wrong
// with them told.
#ifndef WHERRY_PARAMS_H
#define WHERRY_PARAMS_H

#include "wherry_conn.h"
#include "wherry_json_writer.h"

// ---- Types. ----

static inline int wherry_is_any_case(wherry_span s, const char *lower) {
  uint32_t i = 0;
  for (; i < s.len && lower[i]; i++)
    if ((s.at[i] >= 'A' && s.at[i] <= 'Z' ? s.at[i] | 0x20 : s.at[i]) != lower[i]) return 0;
  return i == s.len && !lower[i];
}

static inline int wherry_parse_bool(wherry_span s, int *out) {
  static const char *const words[] = {"false", "true", "0", "1", "no", "yes", "off", "on", "f", "t", "n", "y"};
  for (uint32_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
    if (!wherry_is_any_case(s, words[i])) continue;
    *out = (int)(i & 1);
    return 1;
  }
  return 0;
}

static inline int wherry_is_uuid(wherry_span s) {
  if (s.len != 36) return 0;
  for (uint32_t i = 0; i < s.len; i++) {
    int is_dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (is_dash ? s.at[i] != '-' : wherry_hex_digit(s.at[i]) < 0) return 0;
  }
  return 1;
}

static inline int wherry_is_choice(wherry_span s, const char *const *choices) {
  for (; choices && *choices; choices++)
    if (wherry_same(s, *choices)) return 1;
  return 0;
}

// wherry_read_value reads text as a type; it returns what is wrong, or 0.
static inline const char *wherry_read_value(const wherry_param *p, wherry_span text, wherry_value *v) {
  v->text = text;
  v->is_there = 1;
  switch (p->type) {
  case WHERRY_INT:
    return wherry_parse_int(text, &v->as.integer) ? 0 : "int_parsing";
  case WHERRY_FLOAT:
    return wherry_parse_double(text, &v->as.number) ? 0 : "float_parsing";
  case WHERRY_BOOL:
    return wherry_parse_bool(text, &v->as.truth) ? 0 : "bool_parsing";
  case WHERRY_UUID:
    return wherry_is_uuid(text) ? 0 : "uuid_parsing";
  case WHERRY_ENUM:
    return wherry_is_choice(text, p->choices) ? 0 : "enum";
  default:
    return 0;
  }
}

static inline wherry_span wherry_find_param(const wherry_head *h, const wherry_param *p) {
  wherry_span name = wherry_cstr(p->name);
  switch (p->from) {
  case WHERRY_PATH:
    return wherry_head_param(h, name);
  case WHERRY_QUERY:
    return wherry_head_query_param(h, name);
  case WHERRY_HEADER:
    return wherry_head_header(h, name);
  default:
    return wherry_head_cookie(h, name);
  }
}

static wherry_param_error wherry_param_errors[WHERRY_MAX_PARAMS];

// wherry_read_params reads what an endpoint declares, and returns what is wrong.
static inline wherry_invalid wherry_read_params(wherry_head *h, const wherry_endpoint *endpoint) {
  wherry_invalid invalid = {wherry_param_errors, 0};
  h->params = endpoint->params;
  h->param_count = endpoint->param_count;
  for (uint32_t i = 0; i < h->param_count; i++) {
    const wherry_param *p = &h->params[i];
    wherry_value *v = &h->values[i];
    wherry_span text = wherry_find_param(h, p);
    const char *wrong = 0;
    v->is_there = 0;
    if (text.at)
      wrong = wherry_read_value(p, text, v);
    else if (p->fallback)
      wrong = wherry_read_value(p, wherry_cstr(p->fallback), v);
    else if (p->required)
      wrong = "missing";
    if (wrong) wherry_param_errors[invalid.count++] = (wherry_param_error){p, wrong, text};
  }
  return invalid;
}

// ---- Values, by name. What was not declared, or with another type, is a bug of the
// guest, which ends with it. ----

WHERRY_COLD const wherry_value *wherry_value_of(const wherry_head *h, const char *name, uint32_t types) {
  for (uint32_t i = 0; i < h->param_count; i++)
    if (wherry_same(wherry_cstr(h->params[i].name), name) && (types >> h->params[i].type & 1)) return &h->values[i];
  wherry_logf(WHERRY_LOG_ERROR, "no parameter %s of this type is declared, or its time is over", name);
  __builtin_trap();
}

enum { WHERRY_ALL_TYPES_ = 0xff };

// wherry_param_given reports whether a parameter was there, or has a default.
static inline int wherry_param_given(const wherry_head *h, const char *name) {
  return wherry_value_of(h, name, WHERRY_ALL_TYPES_)->is_there;
}
// wherry_param_text is the text of a parameter of any type; at 0 where it is missing.
WHERRY_COLD wherry_span wherry_param_text(const wherry_head *h, const char *name) {
  const wherry_value *v = wherry_value_of(h, name, WHERRY_ALL_TYPES_);
  return v->is_there ? v->text : wherry_nothing;
}
// The others are 0 where the parameter is missing.
static inline int64_t wherry_param_int(const wherry_head *h, const char *name) {
  const wherry_value *v = wherry_value_of(h, name, 1u << WHERRY_INT);
  return v->is_there ? v->as.integer : 0;
}
static inline double wherry_param_float(const wherry_head *h, const char *name) {
  const wherry_value *v = wherry_value_of(h, name, 1u << WHERRY_FLOAT);
  return v->is_there ? v->as.number : 0;
}
static inline int wherry_param_bool(const wherry_head *h, const char *name) {
  const wherry_value *v = wherry_value_of(h, name, 1u << WHERRY_BOOL);
  return v->is_there && v->as.truth;
}

// ---- What is wrong, told. ----

enum { WHERRY_INPUT_BYTES = 64 }; // of an input that is told

static inline wherry_span wherry_source_name(const wherry_param *p) {
  static const char *const names[] = {"path", "query", "header", "cookie"};
  return wherry_cstr(names[p->from]);
}

static inline void wherry_put_problem(wherry_text *t, const wherry_param_error *e) {
  static const char *const texts[] = {"", "not an integer", "not a number", "not a boolean", "not a uuid"};
  if (!e->input.at) return wherry_put(t, WHERRY_STR("required"));
  if (e->param->type != WHERRY_ENUM) return wherry_put(t, wherry_cstr(texts[e->param->type]));
  const char *before = "not one of ";
  for (const char *const *choice = e->param->choices; choice && *choice; choice++, before = ", ")
    wherry_print(t, "%s%s", before, *choice);
}

// wherry_json_put_invalid writes the errors as JSON: an array of objects with type,
// loc, msg and input.
WHERRY_COLD void wherry_json_put_invalid(wherry_json_writer *w, const wherry_invalid *invalid) {
  wherry_json_open_array(w);
  for (uint32_t i = 0; i < invalid->count; i++) {
    const wherry_param_error *e = &invalid->errors[i];
    char problem[512];
    wherry_text text = wherry_text_in(problem, sizeof(problem));
    wherry_put_problem(&text, e);
    wherry_json_open_object(w);
    wherry_json_put_key(w, WHERRY_STR("type"));
    wherry_json_put_text(w, wherry_cstr(e->type));
    wherry_json_put_key(w, WHERRY_STR("loc"));
    wherry_json_open_array(w);
    wherry_json_put_text(w, wherry_source_name(e->param));
    wherry_json_put_text(w, wherry_cstr(e->param->name));
    wherry_json_close(w);
    wherry_json_put_key(w, WHERRY_STR("msg"));
    wherry_json_put_text(w, wherry_text_span(&text));
    if (e->input.at) wherry_json_put_key(w, WHERRY_STR("input"));
    if (e->input.at) wherry_json_put_text(w, wherry_cut_utf8(e->input, WHERRY_INPUT_BYTES));
    wherry_json_close(w);
  }
  wherry_json_close(w);
}

// wherry_json_scratch is a writer with room in the scratch.
static inline wherry_json_writer wherry_json_scratch(uint32_t room) {
  char *at = (char *)wherry_scratch(room);
  return wherry_json_to(at, at ? room : 0);
}

// wherry_deny_invalid is the answer to invalid parameters where an endpoint has none
// of its own.
static inline wherry_error wherry_deny_invalid(wherry_conn c, const char *route, const wherry_invalid *invalid) {
  char places[512];
  wherry_text list = wherry_text_in(places, sizeof(places));
  for (uint32_t i = 0; i < invalid->count; i++) {
    const wherry_param_error *e = &invalid->errors[i];
    wherry_print(&list, "%s%.*s %s %s", i ? ", " : "", WHERRY_SPAN(wherry_source_name(e->param)), e->param->name,
                 e->type);
  }
  wherry_logf(WHERRY_LOG_WARN, "%s: invalid parameters: %.*s", route, WHERRY_SPAN(wherry_text_span(&list)));
  wherry_json_writer w = wherry_json_scratch(invalid->count * 1024);
  wherry_span body;
  wherry_json_open_object(&w);
  wherry_json_put_key(&w, WHERRY_STR("detail"));
  wherry_json_put_invalid(&w, invalid);
  wherry_json_close(&w);
  wherry_error e = wherry_json_done(&w, &body);
  return e.type ? e : wherry_refuse(c, WHERRY_HTTP_FORBIDDEN, &wherry_json_header, wherry_no_headers, body);
}

#endif
