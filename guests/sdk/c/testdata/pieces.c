// pieces gives tests the parts of the SDK that read what others wrote: each route is
// one of them, a message is its input, and what it makes of that is sent back.
#define WHERRY_CONNS 8
#include "../wherry_app.h"

static char buffer[128 * 1024];

static wherry_error send_answer(wherry_conn c, wherry_text *t) {
  if (t->cut) return wherry_fail(WHERRY_STR("the answer is too long"));
  return wherry_conn_send_bytes(c, wherry_text_span(t));
}

// answer_json sends what a writer has, or the error's text.
static wherry_error answer_json(wherry_conn c, wherry_json_writer *w) {
  wherry_span out;
  wherry_error e = wherry_json_done(w, &out);
  return wherry_conn_send_bytes(c, e.type ? wherry_error_text(&e) : out);
}

// ---- JSON. ----

// copy_json reads JSON and writes the same.
static wherry_error copy_json(wherry_conn c, const wherry_message *m) {
  wherry_json_writer w = wherry_json_to(buffer, sizeof(buffer));
  wherry_json v;
  if (!wherry_json_parse(m->data, &v)) return wherry_conn_send_bytes(c, WHERRY_STR("invalid"));
  wherry_json_put(&w, v);
  return answer_json(c, &w);
}

// rebuild takes a value apart and puts it together again.
static void rebuild(wherry_json_writer *w, wherry_json v) {
  wherry_json_type type = wherry_json_type_of(v);
  wherry_span text;
  int64_t integer;
  double number;
  int truth;
  wherry_json_walk walk = wherry_json_in(v);
  if (type == WHERRY_JSON_OBJECT)
    wherry_json_open_object(w);
  else if (type == WHERRY_JSON_ARRAY)
    wherry_json_open_array(w);
  else if (wherry_json_text(v, &text))
    wherry_json_put_text(w, text);
  else if (wherry_json_int(v, &integer))
    wherry_json_put_int(w, integer);
  else if (wherry_json_double(v, &number))
    wherry_json_put_double(w, number);
  else if (wherry_json_bool(v, &truth))
    wherry_json_put_bool(w, truth);
  else if (type == WHERRY_JSON_NULL)
    wherry_json_put_null(w);
  else
    wherry_json_mistake(w, "a number that is too large");
  while (wherry_json_next(&walk)) {
    wherry_scratch_used = 0;
    if (walk.is_object && wherry_json_text(walk.key, &text)) wherry_json_put_key(w, text);
    rebuild(w, walk.value);
  }
  if (type >= WHERRY_JSON_ARRAY) wherry_json_close(w);
}

static wherry_error rebuild_json(wherry_conn c, const wherry_message *m) {
  wherry_json_writer w = wherry_json_to(buffer, sizeof(buffer));
  wherry_json v;
  if (!wherry_json_parse(m->data, &v)) return wherry_conn_send_bytes(c, WHERRY_STR("invalid"));
  rebuild(&w, v);
  return answer_json(c, &w);
}

// get_json is sent a key, a newline and JSON. It sends back the value of the key, how
// many there are, and the value at index 1.
static wherry_error get_json(wherry_conn c, const wherry_message *m) {
  wherry_span rest = m->data, key = wherry_cut_at(&rest, '\n');
  wherry_text t = wherry_text_in(buffer, sizeof(buffer));
  wherry_json v = wherry_json_none;
  wherry_json_parse(rest, &v);
  wherry_span got = wherry_json_get(v, key).raw, at = wherry_json_at(v, 1).raw;
  wherry_print(&t, "%.*s %u %.*s", WHERRY_SPAN(got), (unsigned)wherry_json_count(v), WHERRY_SPAN(at));
  return send_answer(c, &t);
}

// write_json plays a script for the writer, a letter for each call.
static wherry_error write_json(wherry_conn c, const wherry_message *m) {
  wherry_json_writer w = wherry_json_to(buffer, 64);
  for (uint32_t i = 0; i < m->data.len; i++) {
    switch (m->data.at[i]) {
    case '{':
      wherry_json_open_object(&w);
      break;
    case '[':
      wherry_json_open_array(&w);
      break;
    case 'e':
      wherry_json_close(&w);
      break;
    case 'k':
      wherry_json_put_key(&w, WHERRY_STR("k"));
      break;
    case 't':
      wherry_json_put_text(&w, WHERRY_STR("t"));
      break;
    case 'i':
      wherry_json_put_int(&w, INT64_MIN);
      break;
    case 'u':
      wherry_json_put_uint(&w, UINT64_MAX);
      break;
    case 'b':
      wherry_json_put_bool(&w, 1);
      break;
    case 'n':
      wherry_json_put_null(&w);
      break;
    case 'd':
      wherry_json_put_double(&w, 0.1);
      break;
    case 'x':
      wherry_json_put_double(&w, __builtin_nan(""));
      break;
    case 'f':
      wherry_json_put_double(&w, -__builtin_inf());
      break;
    case 'v':
      wherry_json_put(&w, wherry_json_none);
      break;
    }
  }
  return answer_json(c, &w);
}

static wherry_error quote(wherry_conn c, const wherry_message *m) {
  wherry_text t = wherry_text_in(buffer, sizeof(buffer));
  wherry_put_string(&t, m->data);
  return send_answer(c, &t);
}

// ---- Numbers, types and text. ----

static wherry_error read_double(wherry_conn c, const wherry_message *m) {
  wherry_text t = wherry_text_in(buffer, sizeof(buffer));
  double d;
  uint64_t bits;
  if (!wherry_parse_double(m->data, &d)) return wherry_conn_send_bytes(c, WHERRY_STR("invalid"));
  __builtin_memcpy(&bits, &d, sizeof(bits));
  wherry_print(&t, "%llx ", (unsigned long long)bits);
  wherry_put_double(&t, d);
  return send_answer(c, &t);
}

static wherry_error read_int(wherry_conn c, const wherry_message *m) {
  int64_t n;
  if (!wherry_parse_int(m->data, &n)) return wherry_conn_send_bytes(c, WHERRY_STR("invalid"));
  return wherry_conn_send_bytes(c, wherry_format("%lld", (long long)n));
}

// cut is sent a length and what to cut.
static wherry_error cut(wherry_conn c, const wherry_message *m) {
  if (!m->data.len) return WHERRY_OK;
  return wherry_conn_send_bytes(c, wherry_cut_utf8(wherry_rest(m->data, 1), (uint8_t)*m->data.at));
}

static wherry_error print(wherry_conn c, const wherry_message *m) {
  wherry_text t = wherry_text_in(buffer, 64);
  wherry_print(&t, "%d %u %x %c %s %.*s %lld %llu %%", -2147483647 - 1, 4294967295u, 48879u, 'c', "s",
               WHERRY_SPAN(m->data), (long long)INT64_MIN, (unsigned long long)UINT64_MAX);
  return wherry_conn_send_bytes(c, wherry_text_span(&t));
}

// ---- Heads. ----

// show_query sends name and value of each pair of the query, then what the header
// field x-name asks for.
static wherry_error show_query(wherry_conn c, const wherry_head *h) {
  wherry_span rest = wherry_head_query(h), name, value;
  wherry_conn_accept(c, wherry_nothing, wherry_no_headers);
  while (wherry_next_query(&rest, &name, &value)) {
    wherry_scratch_used = 0;
    wherry_conn_send_bytes(c, wherry_decode_query(name));
    wherry_scratch_used = 0;
    wherry_conn_send_bytes(c, wherry_decode_query(value));
  }
  return wherry_conn_send_bytes(c, wherry_head_query_param(h, wherry_head_header(h, WHERRY_STR("X-Name"))));
}

static wherry_error show_cookies(wherry_conn c, const wherry_head *h) {
  wherry_span rest = wherry_head_header(h, WHERRY_STR("cookie")), name, value;
  wherry_conn_accept(c, wherry_nothing, wherry_no_headers);
  while (wherry_next_cookie(&rest, &name, &value)) {
    wherry_conn_send_bytes(c, name);
    wherry_conn_send_bytes(c, value);
  }
  return wherry_conn_send_bytes(c, wherry_head_cookie(h, WHERRY_STR("a")));
}

static wherry_error show_params(wherry_conn c, const wherry_head *h) {
  wherry_conn_accept(c, wherry_nothing, wherry_no_headers);
  return wherry_conn_send_bytes(c, wherry_param_text(h, "s"));
}

// ---- The pool. ----

typedef struct thing {
  wherry_item item;
  uint8_t mark;
} thing;

WHERRY_POOL(things, thing, 5);

// play_pool adds or, with the highest bit, removes the thing of each byte's key, and
// sends which keys are there.
static wherry_error play_pool(wherry_conn c, const wherry_message *m) {
  wherry_text t = wherry_text_in(buffer, sizeof(buffer));
  for (uint32_t i = 0; i < m->data.len; i++) {
    uint8_t key = (uint8_t)m->data.at[i] & 0x7f;
    thing *found = (thing *)wherry_pool_find(&things, key);
    if (found && m->data.at[i] & 0x80)
      wherry_pool_remove(&things, &found->item);
    else if ((found = (thing *)wherry_pool_add(&things, key)))
      found->mark = key;
  }
  for (uint32_t key = 0; key < 128; key++) {
    const thing *found = (const thing *)wherry_pool_find(&things, key);
    wherry_put_char(&t, found ? (char)found->mark : 0);
  }
  for (uint32_t key = 1; key < 128; key++) {
    thing *found = (thing *)wherry_pool_find(&things, key);
    if (found) wherry_pool_remove(&things, &found->item);
  }
  return send_answer(c, &t);
}

WHERRY_GUEST(WHERRY_ENDPOINTS(
    {.route = "copy", .on_receive = copy_json}, {.route = "rebuild", .on_receive = rebuild_json},
    {.route = "get", .on_receive = get_json}, {.route = "write", .on_receive = write_json},
    {.route = "quote", .on_receive = quote}, {.route = "double", .on_receive = read_double},
    {.route = "int", .on_receive = read_int}, {.route = "cut", .on_receive = cut},
    {.route = "print", .on_receive = print}, {.route = "pool", .on_receive = play_pool},
    {.route = "query", .on_connect = show_query}, {.route = "cookies", .on_connect = show_cookies},
    {.route = "params", .on_connect = show_params,
     WHERRY_PARAMS(
         {.from = WHERRY_QUERY, .name = "b", .type = WHERRY_BOOL}, {.from = WHERRY_QUERY, .name = "u", .type = WHERRY_UUID},
         {.from = WHERRY_QUERY, .name = "i", .type = WHERRY_INT}, {.from = WHERRY_QUERY, .name = "f", .type = WHERRY_FLOAT},
         {.from = WHERRY_QUERY, .name = "s", .type = WHERRY_STRING},
         {.from = WHERRY_QUERY, .name = "e", .type = WHERRY_ENUM, .choices = WHERRY_ONE_OF("red", "green")})}))
