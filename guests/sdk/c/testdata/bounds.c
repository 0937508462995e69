// bounds runs what the SDK reads of others natively, where a sanitizer sees every read
// that is a byte too far; in a guest's memory there is always something there. Its
// input is any number of inputs, each with its length in front, in four bytes.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../wherry_head.h"
#include "../wherry_json.h"

static unsigned long long sum; // of all that was found, so that it is looked at

static void see(wherry_span s) {
  for (uint32_t i = 0; i < s.len; i++) sum = sum * 31 + (uint8_t)s.at[i];
}

static void walk(wherry_json v) {
  wherry_span text;
  int64_t integer;
  double number;
  see(v.raw);
  wherry_scratch_used = 0;
  if (wherry_json_text(v, &text)) see(text);
  sum += (unsigned)wherry_json_is(v, WHERRY_STR("a\n")) + wherry_json_count(v);
  if (wherry_json_int(v, &integer)) sum += (unsigned long long)integer;
  if (wherry_json_double(v, &number)) {
    char shown[40];
    wherry_text t = wherry_text_in(shown, sizeof(shown));
    wherry_put_double(&t, number);
    see(wherry_text_span(&t));
  }
  for (wherry_json_walk w = wherry_json_in(v); wherry_json_next(&w);) {
    see(w.key.raw);
    walk(w.value);
  }
}

static void read_query(wherry_span query) {
  wherry_span rest = query, name, value;
  while (wherry_next_query(&rest, &name, &value)) {
    wherry_scratch_used = 0;
    see(wherry_decode_query(name));
    see(wherry_decode_query(value));
    sum += (unsigned)wherry_is_query(name, WHERRY_STR("a b"));
  }
  while (wherry_next_query_of(&query, WHERRY_STR("a"), &value)) see(value);
}

static void read_lists(wherry_span s) {
  wherry_span rest = s, name, value;
  while (wherry_next_cookie(&rest, &name, &value)) see(name), see(value);
  rest = s;
  while (wherry_next_protocol(&rest, &name)) see(name);
  see(wherry_trim(s));
  for (uint32_t i = 0; i < s.len && i < 130; i++) see(wherry_cut_utf8(s, i));
}

// read_head takes the input for the fields of a handshake.
static void read_head(wherry_span s) {
  static wherry_head head;
  head.fields = s;
  see(wherry_head_query_param(&head, WHERRY_STR("a")));
  see(wherry_head_cookie(&head, WHERRY_STR("a")));
  see(wherry_head_header(&head, WHERRY_STR("Host")));
  see(wherry_head_param(&head, WHERRY_STR("room")));
}

static void read_all(wherry_span s) {
  wherry_json v;
  double number;
  int64_t integer;
  if (wherry_json_parse(s, &v)) walk(v);
  if (wherry_parse_double(s, &number)) sum += number > 1;
  if (wherry_parse_int(s, &integer)) sum += (unsigned long long)integer;
  read_query(s);
  read_lists(s);
  wherry_scratch_used = 0;
  read_head(s);
}

int main(void) {
  uint32_t len, count = 0;
  while (fread(&len, sizeof(len), 1, stdin) == 1) {
    char *input = malloc(len ? len : 1);
    if (!input || fread(input, 1, len, stdin) != len) return 1;
    read_all((wherry_span){input, len});
    free(input);
    count++;
  }
  printf("%u inputs, %llx\n", (unsigned)count, sum);
  return 0;
}
