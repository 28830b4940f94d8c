/** One bit an image, as text: what an attack did to each, so that methods can be compared image by image. */

/** Base64 of the flags, the first in the lowest bit of the first byte. */
export function packBits(flags) {
  const bytes = new Uint8Array(Math.ceil(flags.length / 8));
  flags.forEach((flag, i) => {
    if (flag) bytes[i >> 3] |= 1 << (i & 7);
  });
  return Buffer.from(bytes).toString('base64');
}

/** The first `count` flags, each 0 or 1. */
export function unpackBits(text, count) {
  const bytes = Buffer.from(text, 'base64');
  return Array.from({ length: count }, (_, i) => (bytes[i >> 3] >> (i & 7)) & 1);
}
