// chat has rooms: whoever connects is in the room that the route's parameter
// "room" names, or the query "room=", or else "lobby", and every text message
// goes to all who are in it, the sender included, as "nick: text". "/nick NAME"
// changes the name. Notices start with "* ".
//
// Rooms are topics, so the host does the fan-out and this program never knows
// who is in one. It remembers only the name and room of each connection, in a
// table of fixed size, and leaves the name with the host as well (attach), so
// that a new instance can go on with the connections of an old one (resume).
#define WHERRY_WANTS wherry_bit(WHERRY_KIND_RESUME)
#include "../sdk/c/wherry.h"

enum {
  SLOTS = 4096, // of the table, a power of two
  MEMBERS = SLOTS / 4 * 3,
  NICK_BYTES = 24,
  ROOM_BYTES = 48,
  LINE_BYTES = 16 * 1024, // the longest message that is passed on
};

static const wherry_span none = {0, 0};

// ---- Members: an open hash table, handle to name and room. ----

typedef struct member {
  uint64_t conn; // 0 where the slot is free
  uint8_t nick_len, room_len;
  char nick[NICK_BYTES], room[ROOM_BYTES];
} member;

static member table[SLOTS];
static uint32_t members;
static uint32_t guests; // names given so far

static uint32_t home(uint64_t conn) { return (uint32_t)(conn * 0x9e3779b97f4a7c15u >> 40) % SLOTS; }

// find returns the slot of conn, or the free one where it would be. There is
// always a free one, because MEMBERS is less than SLOTS.
static member *find(uint64_t conn) {
  uint32_t i = home(conn);
  while (table[i].conn && table[i].conn != conn) i = (i + 1) % SLOTS;
  return &table[i];
}

// forget frees m's slot and moves up those that had to go past it, so that a
// search never needs a mark where somebody was.
static void forget(member *m) {
  uint32_t hole = (uint32_t)(m - table);
  for (uint32_t i = (hole + 1) % SLOTS; table[i].conn; i = (i + 1) % SLOTS) {
    uint32_t from_home = (i - home(table[i].conn)) % SLOTS, from_hole = (i - hole) % SLOTS;
    if (from_home < from_hole) continue;
    table[hole] = table[i];
    hole = i;
  }
  table[hole].conn = 0;
  members--;
}

static wherry_span nick_of(const member *m) { return (wherry_span){m->nick, m->nick_len}; }
static wherry_span room_of(const member *m) { return (wherry_span){m->room, m->room_len}; }

// ---- Words. ----

static int starts_with(wherry_span s, wherry_span prefix) {
  return s.len >= prefix.len && wherry_equal((wherry_span){s.at, prefix.len}, prefix);
}

// is_name reports whether s can be a name: no space, no control character, no
// colon, no star. Text is valid UTF-8, and bytes over 0x7f are parts of letters.
static int is_name(wherry_span s, uint32_t limit) {
  if (s.len == 0 || s.len > limit) return 0;
  for (uint32_t i = 0; i < s.len; i++) {
    uint8_t c = (uint8_t)s.at[i];
    if (c <= ' ' || c == 0x7f || c == ':' || c == '*') return 0;
  }
  return 1;
}

// is_room is stricter: these are the characters that a URL leaves as they are.
static int is_room(wherry_span s) {
  if (s.len == 0 || s.len > ROOM_BYTES) return 0;
  for (uint32_t i = 0; i < s.len; i++) {
    char c = s.at[i], lower = (char)(c | 0x20);
    if (!((lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.')) return 0;
  }
  return 1;
}

// query_value returns what follows key, which ends with "=", in a query.
static wherry_span query_value(wherry_span query, wherry_span key) {
  while (query.len) {
    uint32_t n = 0;
    while (n < query.len && query.at[n] != '&') n++;
    wherry_span pair = {query.at, n};
    if (starts_with(pair, key)) return (wherry_span){pair.at + key.len, pair.len - key.len};
    if (n < query.len) n++; // the ampersand
    query = (wherry_span){query.at + n, query.len - n};
  }
  return none;
}

static wherry_span room_from(wherry_span fields) {
  wherry_span room = wherry_find_field(fields, WHERRY_STR(WHERRY_FIELD_PARAM "room"));
  if (!room.at) room = query_value(wherry_find_field(fields, WHERRY_STR(WHERRY_FIELD_QUERY)), WHERRY_STR("room="));
  return room.at ? room : WHERRY_STR("lobby");
}

// set_nick gives m a name of at most NICK_BYTES.
static void set_nick(member *m, wherry_span nick) {
  __builtin_memcpy(m->nick, nick.at, nick.len);
  m->nick_len = (uint8_t)nick.len;
}

// set_guest_nick gives m the name "guest-" and the next number.
static void set_guest_nick(member *m) {
  char digits[10];
  uint32_t n = 0, number = ++guests;
  do digits[n++] = (char)('0' + number % 10);
  while (number /= 10);
  set_nick(m, WHERRY_STR("guest-"));
  while (n) m->nick[m->nick_len++] = digits[--n];
}

// ---- Commands. ----

// say publishes four spans as one line to everybody in a room. The command
// points to a copy: names move and change before the turn is over.
static void say(wherry_span room, wherry_span a, wherry_span b, wherry_span c, wherry_span d) {
  wherry_span parts[] = {room, a, b, c, d};
  uint32_t len = room.len + a.len + b.len + c.len + d.len;
  char *at = wherry_stage(len), *end = at;
  if (!at) return;
  for (uint32_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
    __builtin_memcpy(end, parts[i].at, parts[i].len);
    end += parts[i].len;
  }
  wherry_command(WHERRY_KIND_PUBLISH, 0, WHERRY_FLAG_TEXT, room.len, (wherry_span){at, len});
}

// keep_nick leaves m's name with the host.
static void keep_nick(const member *m) {
  char *at = wherry_stage(m->nick_len);
  if (!at) return;
  __builtin_memcpy(at, m->nick, m->nick_len);
  wherry_attach(m->conn, (wherry_span){at, m->nick_len});
}

// ---- Events. ----

// enter makes conn a member of a room, or returns 0 if there is no room for one
// more. The name is up to the caller.
static member *enter(uint64_t conn, wherry_span room) {
  member *m = find(conn);
  if (m->conn || members == MEMBERS) return 0;
  members++;
  m->conn = conn;
  m->nick_len = 0;
  __builtin_memcpy(m->room, room.at, room.len);
  m->room_len = (uint8_t)room.len;
  return m;
}

static void on_connect(const wherry_record *event) {
  wherry_span room = room_from(wherry_data(event));
  if (!is_room(room)) return wherry_reject(event->conn, 400, none);
  member *m = enter(event->conn, room);
  if (!m) return wherry_reject(event->conn, 503, none);
  set_guest_nick(m);
  wherry_accept(event->conn, none);
  wherry_subscribe(event->conn, room);
  keep_nick(m);
  say(room, WHERRY_STR("* "), nick_of(m), WHERRY_STR(" joined"), none);
}

// on_resume takes over a connection of an instance before this one. Its topics
// are the host's business and still hold.
static void on_resume(const wherry_record *event) {
  wherry_span room = room_from(wherry_data(event));
  member *m = is_room(room) ? enter(event->conn, room) : 0;
  if (!m) return wherry_close(event->conn, 1013, none);
  wherry_span nick = wherry_find_field(wherry_data(event), WHERRY_STR(WHERRY_FIELD_ATTACHMENT));
  if (is_name(nick, NICK_BYTES)) return set_nick(m, nick);
  set_guest_nick(m);
  keep_nick(m);
}

static void on_nick(member *m, wherry_span nick) {
  if (!is_name(nick, NICK_BYTES)) return wherry_send(m->conn, WHERRY_FLAG_TEXT, WHERRY_STR("* not a name"));
  char before[NICK_BYTES];
  wherry_span old = {before, m->nick_len};
  __builtin_memcpy(before, m->nick, m->nick_len);
  set_nick(m, nick);
  keep_nick(m);
  say(room_of(m), WHERRY_STR("* "), old, WHERRY_STR(" is now "), nick);
}

static void on_message(const wherry_record *event) {
  member *m = find(event->conn);
  wherry_span text = wherry_data(event);
  if (!m->conn) return; // of a connection that was refused a moment ago
  if (!(event->flags & WHERRY_FLAG_TEXT)) return wherry_close(m->conn, 1003, WHERRY_STR("text only"));
  if (text.len > LINE_BYTES) return wherry_send(m->conn, WHERRY_FLAG_TEXT, WHERRY_STR("* too long"));
  if (starts_with(text, WHERRY_STR("/nick "))) return on_nick(m, (wherry_span){text.at + 6, text.len - 6});
  if (text.len) say(room_of(m), nick_of(m), WHERRY_STR(": "), text, none);
}

static void on_close(const wherry_record *event) {
  member *m = find(event->conn);
  if (!m->conn) return;
  if (event->flags & WHERRY_FLAG_OPENED) say(room_of(m), WHERRY_STR("* "), nick_of(m), WHERRY_STR(" left"), none);
  forget(m);
}

static void wherry_on_event(const wherry_record *event) {
  switch (event->kind) {
  case WHERRY_KIND_CONNECT:
    return on_connect(event);
  case WHERRY_KIND_MESSAGE:
    return on_message(event);
  case WHERRY_KIND_CLOSE:
    return on_close(event);
  case WHERRY_KIND_RESUME:
    return on_resume(event);
  }
}
