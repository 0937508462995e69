// Programs whose work is all computing, to measure what metering costs. Each
// takes how much to do, and returns something of all that it did.
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

#define EXPORT(name) __attribute__((export_name(#name)))

static u8 buffer[64 << 10];

static void fill(u32 seed) {
  for (u32 i = 0; i < sizeof buffer; i++) {
    seed = seed * 1664525 + 1013904223;
    buffer[i] = seed >> 24;
  }
}

// One multiplication and one addition a turn of the loop: the tightest there is.
EXPORT(multiply) u32 multiply(u32 n) {
  u64 x = n;
#pragma clang loop unroll(disable)
  for (u32 i = 0; i < n * 1000; i++)
    x = x * 6364136223846793005u + 1442695040888963407u;
  return (u32)(x >> 32);
}

EXPORT(fnv) u32 fnv(u32 n) {
  u32 h = 2166136261u;
  fill(n);
  for (u32 round = 0; round < n; round++)
    for (u32 i = 0; i < 4096; i++)
      h = (h ^ buffer[i]) * 16777619u;
  return h;
}

EXPORT(sieve) u32 sieve(u32 n) {
  u32 count = 0;
  for (u32 round = 0; round < n; round++) {
    for (u32 i = 0; i < 8192; i++)
      buffer[i] = 1;
    for (u32 i = 2; i < 8192; i++) {
      if (!buffer[i])
        continue;
      count++;
      for (u32 j = i + i; j < 8192; j += i)
        buffer[j] = 0;
    }
  }
  return count;
}

static __attribute__((noinline)) u32 fib(u32 n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }

EXPORT(recurse) u32 recurse(u32 n) {
  u32 sum = 0;
  for (u32 i = 0; i < n; i++)
    sum += fib(14 + (i & 1));
  return sum;
}

static const u32 k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
    0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
    0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
    0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
    0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
    0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

#define ROTATE(x, n) ((x) >> (n) | (x) << (32 - (n)))

static __attribute__((noinline)) void compress(u32 *h, const u8 *p) {
  u32 w[64], s[8];
  for (u32 i = 0; i < 16; i++)
    w[i] = (u32)p[4 * i] << 24 | p[4 * i + 1] << 16 | p[4 * i + 2] << 8 | p[4 * i + 3];
  for (u32 i = 16; i < 64; i++) {
    u32 a = ROTATE(w[i - 15], 7) ^ ROTATE(w[i - 15], 18) ^ w[i - 15] >> 3;
    u32 b = ROTATE(w[i - 2], 17) ^ ROTATE(w[i - 2], 19) ^ w[i - 2] >> 10;
    w[i] = w[i - 16] + a + w[i - 7] + b;
  }
  for (u32 i = 0; i < 8; i++)
    s[i] = h[i];
  for (u32 i = 0; i < 64; i++) {
    u32 e = s[4], a = s[0];
    u32 t1 = s[7] + (ROTATE(e, 6) ^ ROTATE(e, 11) ^ ROTATE(e, 25)) + ((e & s[5]) ^ (~e & s[6])) + k[i] + w[i];
    u32 t2 = (ROTATE(a, 2) ^ ROTATE(a, 13) ^ ROTATE(a, 22)) + ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));
    s[7] = s[6], s[6] = s[5], s[5] = s[4], s[4] = s[3] + t1;
    s[3] = s[2], s[2] = s[1], s[1] = s[0], s[0] = t1 + t2;
  }
  for (u32 i = 0; i < 8; i++)
    h[i] += s[i];
}

EXPORT(sha256) u32 sha256(u32 n) {
  u32 h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  fill(n);
  for (u32 i = 0; i < n * 4; i++)
    compress(h, buffer + 64 * (i % 1024));
  return h[0];
}

// A parser by recursive descent, with a call for each value and each character
// class, as parsers have.
static const char document[] =
    "{\"kind\":\"message\",\"room\":\"lobby\",\"id\":48151623,\"tags\":[\"a\",\"bb\",\"ccc\",[1,2,3,[4.5,-6e2,null]]],"
    "\"user\":{\"name\":\"Ada\",\"admin\":true,\"scores\":[12,7,99,1024,65536]},\"text\":\"so \\\"it\\\" goes \\u00e9\",\"end\":false}";
static const char *at;

static __attribute__((noinline)) u32 space(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }
static __attribute__((noinline)) u32 digit(char c) { return c >= '0' && c <= '9'; }

static u32 string(void) {
  u32 h = 5381;
  for (at++; *at && *at != '"'; at++) {
    if (*at == '\\')
      at++;
    h = h * 33 + (u8)*at;
  }
  at++;
  return h;
}

static u32 value(void) {
  u32 h = 0;
  while (space(*at))
    at++;
  switch (*at) {
  case '"':
    return string();
  case '{':
  case '[':
    for (at++; *at && *at != '}' && *at != ']';) {
      h = h * 31 + value();
      while (space(*at) || *at == ',' || *at == ':')
        at++;
    }
    at++;
    return h;
  case 't':
  case 'n':
    at += 4;
    return 1;
  case 'f':
    at += 5;
    return 2;
  }
  while (digit(*at) || *at == '.' || *at == '-' || *at == 'e')
    h = h * 10 + *at++;
  return h;
}

EXPORT(json) u32 json(u32 n) {
  u32 h = 0;
  for (u32 i = 0; i < n; i++) {
    at = document;
    h = h * 17 + value();
  }
  return h;
}

// Bulk instructions, and a call through a table.
typedef u32 (*operation)(u32);
static u32 twice(u32 x) { return x * 2; }
static u32 next(u32 x) { return x + 1; }
static operation volatile operations[] = {twice, next};

EXPORT(bulk) u32 bulk(u32 n) {
  u32 h = 1;
  fill(n);
  for (u32 i = 0; i < n; i++) {
    __builtin_memcpy(buffer + 4096, buffer, 4096 - (i & 15));
    __builtin_memset(buffer, i, 256);
    h = operations[i & 1](h) + buffer[4096 + i % 4000];
  }
  return h;
}
