// The one piece of cryptography a WebSocket server needs: RFC 6455 section 4.2.2,
// Sec-WebSocket-Accept = base64(SHA-1(key + GUID)).
#ifndef WSC_ACCEPT_H
#define WSC_ACCEPT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { KEY_CHARS = 24, ACCEPT_CHARS = 28 };

static uint32_t rotl(uint32_t x, int n) { return x << n | x >> (32 - n); }

// sha1_block folds one 64-byte block into the state (FIPS 180-4 section 6.1.2).
static void sha1_block(uint32_t h[5], const uint8_t *p) {
	uint32_t w[80];
	for (int i = 0; i < 16; i++)
		w[i] = (uint32_t)p[4 * i] << 24 | (uint32_t)p[4 * i + 1] << 16 | (uint32_t)p[4 * i + 2] << 8 | p[4 * i + 3];
	for (int i = 16; i < 80; i++)
		w[i] = rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);

	uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
	for (int i = 0; i < 80; i++) {
		uint32_t f, k;
		if (i < 20)
			f = (b & c) | (~b & d), k = 0x5a827999;
		else if (i < 40)
			f = b ^ c ^ d, k = 0x6ed9eba1;
		else if (i < 60)
			f = (b & c) | (b & d) | (c & d), k = 0x8f1bbcdc;
		else
			f = b ^ c ^ d, k = 0xca62c1d6;
		uint32_t t = rotl(a, 5) + f + e + k + w[i];
		e = d, d = c, c = rotl(b, 30), b = a, a = t;
	}
	h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
}

// base64_20 encodes the 20 bytes of a digest into exactly ACCEPT_CHARS characters.
static void base64_20(const uint8_t *in, char *out) {
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (int i = 0; i < 21; i += 3) {
		uint32_t v = (uint32_t)in[i] << 16 | (uint32_t)in[i + 1] << 8 | (i + 2 < 20 ? in[i + 2] : 0);
		for (int shift = 18; shift >= 0; shift -= 6)
			*out++ = digits[v >> shift & 63];
	}
	out[-1] = '='; // the 21st byte does not exist
}

// accept_key writes the answer to key (KEY_CHARS characters) to out, ACCEPT_CHARS
// characters without a terminating zero.
static void accept_key(const char *key, char *out) {
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	uint8_t text[128] = {0}, digest[20]; // 24 + 36 bytes, padded to two blocks
	const size_t len = KEY_CHARS + sizeof guid - 1;
	memcpy(text, key, KEY_CHARS);
	memcpy(text + KEY_CHARS, guid, sizeof guid - 1);
	text[len] = 0x80;
	text[126] = (uint8_t)(len * 8 >> 8), text[127] = (uint8_t)(len * 8);

	uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
	sha1_block(h, text);
	sha1_block(h, text + 64);
	for (int i = 0; i < 20; i++)
		digest[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
	base64_20(digest, out);
}

#endif
