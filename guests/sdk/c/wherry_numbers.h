// wherry_numbers.h: numbers from text and to text, without a library. A double is
// read and written exactly: what is read is the nearest one, and what is written
// reads as the same again.
#ifndef WHERRY_NUMBERS_H
#define WHERRY_NUMBERS_H

#include "wherry_text.h"

// wherry_parse_uint reads decimal digits, all of s, up to a limit. 0 if it cannot.
WHERRY_COLD int wherry_parse_uint(wherry_span s, uint64_t limit, uint64_t *out) {
  uint64_t n = 0;
  for (uint32_t i = 0; i < s.len; i++) {
    uint32_t digit = (uint32_t)(uint8_t)s.at[i] - '0';
    if (digit > 9 || n > limit / 10 || digit > limit - n * 10) return 0;
    n = n * 10 + digit;
  }
  *out = n;
  return s.len > 0;
}

// wherry_parse_int reads an optional sign and decimal digits within 64 bits.
static inline int wherry_parse_int(wherry_span s, int64_t *out) {
  int negative = s.len && *s.at == '-';
  if (s.len && (negative || *s.at == '+')) s = wherry_rest(s, 1);
  uint64_t n;
  if (!wherry_parse_uint(s, (uint64_t)INT64_MAX + (uint64_t)negative, &n)) return 0;
  *out = (int64_t)(negative ? 0 - n : n);
  return 1;
}

// ---- Large integers: as many bits as the longest quotient below needs. ----

enum { WHERRY_LIMBS = 128 };

typedef struct wherry_big {
  uint32_t used; // limbs; the last is not 0
  uint32_t limb[WHERRY_LIMBS];
} wherry_big;

// wherry_big_multiply makes b b * by + plus.
WHERRY_COLD void wherry_big_multiply(wherry_big *b, uint32_t by, uint32_t plus) {
  uint64_t carry = plus;
  for (uint32_t i = 0; i < b->used; i++) {
    carry += (uint64_t)b->limb[i] * by;
    b->limb[i] = (uint32_t)carry;
    carry >>= 32;
  }
  if (carry && b->used < WHERRY_LIMBS) b->limb[b->used++] = (uint32_t)carry;
}

static inline void wherry_big_multiply_10(wherry_big *b, uint32_t times) {
  for (; times >= 9; times -= 9) wherry_big_multiply(b, 1000000000, 0);
  for (; times; times--) wherry_big_multiply(b, 10, 0);
}

static inline void wherry_big_shift(wherry_big *b, uint32_t bits) {
  for (; bits >= 31; bits -= 31) wherry_big_multiply(b, 1u << 31, 0);
  wherry_big_multiply(b, 1u << bits, 0);
}

static inline uint32_t wherry_big_bits(const wherry_big *b) {
  return b->used ? b->used * 32 - (uint32_t)__builtin_clz(b->limb[b->used - 1]) : 0;
}

// wherry_big_order is negative, 0 or positive as a is less than b, b, or more.
static inline int wherry_big_order(const wherry_big *a, const wherry_big *b) {
  if (a->used != b->used) return a->used < b->used ? -1 : 1;
  for (uint32_t i = a->used; i-- > 0;)
    if (a->limb[i] != b->limb[i]) return a->limb[i] < b->limb[i] ? -1 : 1;
  return 0;
}

// wherry_big_take takes b off a, if that is at least b, and reports whether it did.
WHERRY_COLD int wherry_big_take(wherry_big *a, const wherry_big *b) {
  if (wherry_big_order(a, b) < 0) return 0;
  uint64_t borrow = 0;
  for (uint32_t i = 0; i < a->used; i++) {
    uint64_t less = borrow + (i < b->used ? b->limb[i] : 0);
    borrow = a->limb[i] < less;
    a->limb[i] -= (uint32_t)less;
  }
  while (a->used && !a->limb[a->used - 1]) a->used--;
  return 1;
}

// ---- Doubles from text. ----

enum { WHERRY_DIGITS = 800 }; // no double lies so close to another that more could matter

// A wherry_decimal is digits * 10^exponent; digits that were left out are in `more`.
typedef struct wherry_decimal {
  wherry_big digits;
  uint32_t count; // of digits, without zeros in front
  int32_t exponent;
  int more;
} wherry_decimal;

static inline void wherry_decimal_digit(wherry_decimal *d, uint32_t digit, int is_fraction) {
  if (d->count == WHERRY_DIGITS) {
    d->more |= digit != 0;
    d->exponent += !is_fraction;
    return;
  }
  if (d->count || digit) d->count++;
  wherry_big_multiply(&d->digits, 10, digit);
  d->exponent -= is_fraction;
}

// wherry_decimal_parse reads digits with an optional fraction and exponent, all of s.
WHERRY_COLD int wherry_decimal_parse(wherry_span s, wherry_decimal *d) {
  uint32_t i = 0, whole = 0, digits = 0;
  d->digits.used = d->count = 0;
  d->exponent = d->more = 0;
  for (; i < s.len && s.at[i] >= '0' && s.at[i] <= '9'; i++, whole++)
    wherry_decimal_digit(d, (uint32_t)(s.at[i] - '0'), 0);
  if (i < s.len && s.at[i] == '.') {
    for (i++; i < s.len && s.at[i] >= '0' && s.at[i] <= '9'; i++, digits++)
      wherry_decimal_digit(d, (uint32_t)(s.at[i] - '0'), 1);
    if (!digits) return 0;
  }
  if (!whole) return 0;
  if (i == s.len) return 1;
  if ((s.at[i] | 0x20) != 'e') return 0;
  int negative = ++i < s.len && s.at[i] == '-';
  if (i < s.len && (negative || s.at[i] == '+')) i++;
  int32_t exponent = 0;
  if (i == s.len) return 0;
  for (; i < s.len; i++) {
    if (s.at[i] < '0' || s.at[i] > '9') return 0;
    // Far beyond any double, whatever the digits are, and no overflow.
    if (exponent < 100000000) exponent = exponent * 10 + (s.at[i] - '0');
  }
  d->exponent += negative ? -exponent : exponent;
  return 1;
}

// wherry_quotient returns the bits of the double nearest to n / d, both over 0; an
// infinity's where that is too large. It destroys them.
static inline uint64_t wherry_quotient(wherry_big *n, wherry_big *d) {
  int32_t exponent = (int32_t)wherry_big_bits(n) - (int32_t)wherry_big_bits(d);
  wherry_big_shift(exponent < 0 ? n : d, (uint32_t)(exponent < 0 ? -exponent : exponent));
  if (wherry_big_order(n, d) < 0) {
    wherry_big_shift(n, 1);
    exponent--;
  }
  // n / d is in [1, 2) now, and the value that times 2^exponent.
  if (exponent > 1023) return 0x7ffull << 52;
  int32_t precision = exponent < -1022 ? 53 + 1022 + exponent : 53;
  if (precision < 0) return 0;
  uint64_t mantissa = 0;
  for (int32_t i = 0; i < precision; i++) {
    mantissa = mantissa << 1 | (uint64_t)wherry_big_take(n, d);
    wherry_big_shift(n, 1);
  }
  // What is left is twice the remainder; of two that are as near the even one is taken.
  int half = wherry_big_order(n, d);
  mantissa += half > 0 || (half == 0 && (mantissa & 1));
  // A carry goes on into the exponent, as it should.
  return exponent < -1022 ? mantissa : ((uint64_t)(exponent + 1022) << 52) + mantissa;
}

// wherry_parse_double reads an optional sign, digits, and an optional fraction and
// exponent, all of s. 0 if it cannot, or the number is too large.
WHERRY_COLD int wherry_parse_double(wherry_span s, double *out) {
  static wherry_decimal d;
  static wherry_big divisor;
  int negative = s.len && *s.at == '-';
  if (s.len && (negative || *s.at == '+')) s = wherry_rest(s, 1);
  if (!wherry_decimal_parse(s, &d)) return 0;
  uint64_t bits = 0;
  int32_t magnitude = (int32_t)d.count + d.exponent;
  if (d.count && magnitude > 310) return 0;
  if (d.count && magnitude > -330) {
    if (d.more) {
      wherry_big_multiply(&d.digits, 10, 1); // not quite the next digit, but not nothing
      d.exponent--;
    }
    divisor.limb[0] = divisor.used = 1;
    wherry_big_multiply_10(d.exponent < 0 ? &divisor : &d.digits,
                           (uint32_t)(d.exponent < 0 ? -d.exponent : d.exponent));
    bits = wherry_quotient(&d.digits, &divisor);
    if (bits >> 52 == 0x7ff) return 0;
  }
  bits |= (uint64_t)negative << 63;
  __builtin_memcpy(out, &bits, sizeof(bits));
  return 1;
}

// ---- Doubles to text. ----

// wherry_double_digits writes the first `count` digits of a value, rounded, and returns
// the power of ten of the first. bits are those of a double over 0.
WHERRY_COLD int32_t wherry_double_digits(uint64_t bits, char *digits, uint32_t count) {
  static wherry_big n, d;
  int32_t raw = (int32_t)(bits >> 52), exponent = (raw ? raw : 1) - 1075;
  uint64_t mantissa = (bits & 0xfffffffffffff) | (raw ? 1ull << 52 : 0);
  n.limb[0] = (uint32_t)mantissa;
  n.limb[1] = (uint32_t)(mantissa >> 32);
  n.used = n.limb[1] ? 2 : 1;
  d.limb[0] = d.used = 1;
  // 1233 / 4096 is a little less than the logarithm of 2: this is at most the power, and near.
  int32_t power = ((int32_t)wherry_big_bits(&n) + exponent - 1) * 1233 / 4096 - 2;
  wherry_big_shift(exponent < 0 ? &d : &n, (uint32_t)(exponent < 0 ? -exponent : exponent));
  wherry_big_multiply_10(power < 0 ? &n : &d, (uint32_t)(power < 0 ? -power : power));
  for (wherry_big_multiply_10(&d, 1); wherry_big_order(&n, &d) >= 0; power++) wherry_big_multiply_10(&d, 1);
  for (uint32_t i = 0; i < count; i++) {
    wherry_big_multiply_10(&n, 1);
    for (digits[i] = '0'; wherry_big_take(&n, &d);) digits[i]++;
  }
  wherry_big_shift(&n, 1);
  int half = wherry_big_order(&n, &d);
  if (half < 0 || (half == 0 && !(digits[count - 1] & 1))) return power;
  uint32_t i = count;
  while (i && digits[i - 1] == '9') digits[--i] = '0';
  if (i) {
    digits[i - 1]++;
    return power;
  }
  digits[0] = '1'; // 99...9 became 100...0
  return power + 1;
}

// wherry_put_decimal writes digits with a point behind the digit of 10^0, or with
// an exponent where that would need many zeros.
WHERRY_COLD void wherry_put_decimal(wherry_text *t, wherry_span digits, int32_t power) {
  int32_t count = (int32_t)digits.len;
  if (power < -6 || power > 20) {
    wherry_put_char(t, digits.at[0]);
    if (count > 1) wherry_put_char(t, '.');
    wherry_put(t, wherry_rest(digits, 1));
    wherry_put_char(t, 'e');
    wherry_put_char(t, power < 0 ? '-' : '+');
    return wherry_put_uint(t, (uint64_t)(power < 0 ? -power : power));
  }
  if (power < 0) wherry_put(t, WHERRY_STR("0."));
  for (int32_t i = -1; i > power; i--) wherry_put_char(t, '0');
  for (int32_t i = 0; i < count || i <= power; i++) {
    if (i && i == power + 1) wherry_put_char(t, '.');
    wherry_put_char(t, i < count ? digits.at[i] : '0');
  }
}

// wherry_put_double writes a finite double with 15 digits, or as many more as it takes to
// read as the same, without zeros at their end. The smallest doubles have fewer.
WHERRY_COLD void wherry_put_double(wherry_text *t, double value) {
  uint64_t bits;
  __builtin_memcpy(&bits, &value, sizeof(bits));
  if (bits >> 63) wherry_put_char(t, '-');
  bits &= ~(1ull << 63);
  if (!bits) return wherry_put_char(t, '0');
  char digits[17], form[40];
  for (uint32_t count = bits >> 52 ? 15 : 1;; count++) {
    int32_t power = wherry_double_digits(bits, digits, count);
    uint32_t kept = count;
    while (kept > 1 && digits[kept - 1] == '0') kept--;
    wherry_text decimal = wherry_text_in(form, sizeof(form));
    wherry_put_decimal(&decimal, (wherry_span){digits, kept}, power);
    double again = 0;
    wherry_parse_double(wherry_text_span(&decimal), &again);
    uint64_t again_bits;
    __builtin_memcpy(&again_bits, &again, sizeof(again_bits));
    if (again_bits == bits || count == 17) return wherry_put(t, wherry_text_span(&decimal));
  }
}

#endif
