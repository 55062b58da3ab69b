// Checks a draw: what was committed to before the question, and the order that both seeds give. Plain arithmetic, so
// that it runs anywhere, also offline. It computes what backend/readings/rules/drawing.py does; tests/vectors hold both.
const CARDS = 78, WORDS = 2 ** 32;
const K = new Uint32Array([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
]);
const START = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];
const turn = (word, bits) => (word >>> bits) | (word << (32 - bits));

/** SHA-256 (FIPS 180-4) of bytes. */
export function sha256(bytes) {
  const size = ((bytes.length + 72) >> 6) << 6, padded = new Uint8Array(size), view = new DataView(padded.buffer);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  view.setUint32(size - 4, bytes.length * 8);
  const state = new Uint32Array(START), w = new Uint32Array(64);
  for (let at = 0; at < size; at += 64) {
    for (let i = 0; i < 16; i++) w[i] = view.getUint32(at + i * 4);
    for (let i = 16; i < 64; i++) {
      const s0 = turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ (w[i - 15] >>> 3);
      const s1 = turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ (w[i - 2] >>> 10);
      w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 64; i++) {
      const t1 = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
      const t2 = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0];
    }
    [a, b, c, d, e, f, g, h].forEach((word, i) => { state[i] += word; });
  }
  const out = new DataView(new ArrayBuffer(32));
  state.forEach((word, i) => out.setUint32(i * 4, word));
  return new Uint8Array(out.buffer);
}

const join = (...parts) => Uint8Array.from(parts.flatMap((part) => [...part]));
const ascii = (text) => Uint8Array.from(text, (sign) => sign.charCodeAt(0));
const number = (value, bytes) => Uint8Array.from({ length: bytes }, (_, i) => Math.floor(value / 256 ** (bytes - 1 - i)) % 256);
const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const unhex = (text) => Uint8Array.from(text.replaceAll("-", "").match(/../g) ?? [], (pair) => parseInt(pair, 16));

/** HMAC-SHA-256 (RFC 2104) with a key of at most 64 bytes. */
export function hmac(key, message) {
  const padded = new Uint8Array(64);
  padded.set(key);
  return sha256(join(padded.map((byte) => byte ^ 0x5c), sha256(join(padded.map((byte) => byte ^ 0x36), message))));
}

/** The commitment that was shown before the question, in hexadecimal digits. */
export const commitment = (proof) => hex(sha256(join(
  ascii("souk/commit/v1"), unhex(proof.seed), unhex(proof.reading_id), unhex(proof.spread_id),
  number(proof.spread_version, 4), number(proof.deck_version, 4),
)));

const block = (proof, label, counter) => hmac(unhex(proof.seed), join(
  ascii(label), number(proof.client_seed.length, 2), ascii(proof.client_seed), number(counter, 4),
));

function* words(proof) {
  for (let counter = 0; ; counter++) {
    const view = new DataView(block(proof, "souk/draw/v1", counter).buffer);
    for (let at = 0; at < 32; at += 4) yield view.getUint32(at);
  }
}

/** All 78 cards as they lay: Fisher-Yates, a fresh word for each swap, without words that would favour a card. */
export function order(proof) {
  const deck = Array.from({ length: CARDS }, (_, card) => card), stream = words(proof);
  for (let last = CARDS - 1; last > 0; last--) {
    const choices = last + 1, fair = WORDS - (WORDS % choices);
    let word = stream.next().value;
    while (word >= fair) word = stream.next().value;
    const other = word % choices;
    [deck[last], deck[other]] = [deck[other], deck[last]];
  }
  return deck;
}

/** Whether each of 78 cards, as they lay, is upside down. */
export function orientations(proof) {
  const bits = block(proof, "souk/turn/v1", 0);
  return Array.from({ length: CARDS }, (_, place) => proof.reversed_cards && ((bits[place >> 3] >> (7 - (place & 7))) & 1) === 1);
}

/** What a proof's seeds give, and whether that is what the proof says. */
export function check(proof) {
  const lay = order(proof), turned = orientations(proof);
  const cards = proof.cards.map((_, place) => [lay[place], turned[place]]);
  const result = { commitment: commitment(proof), order: lay, cards };
  const sealed = result.commitment === proof.commitment;
  const dealt = String(lay) === String(proof.order) && String(cards) === String(proof.cards);
  return { ...result, sealed, dealt, right: sealed && dealt };
}

globalThis.document?.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-check-draw]");
  if (!button) return;
  const { right } = check(JSON.parse(button.dataset.checkDraw)), output = document.getElementById("draw-checked");
  output.textContent = right ? output.dataset.right : output.dataset.wrong;
  output.dataset.state = right ? "right" : "wrong";
  output.hidden = false;
});
// Before this script is here a tap would do nothing.
for (const button of globalThis.document?.querySelectorAll("[data-check-draw]") ?? []) button.disabled = false;
