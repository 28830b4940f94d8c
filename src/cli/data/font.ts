/** Capitals, digits and signs of 5×7 dots: what names classes in a picture where no font can be counted on. */

/** A character, then a row of five dots in each two hexadecimal digits, from the top, the leftmost dot the highest. */
const table = `
  A0e11111f111111 B1e11111e11111e C0e11101010110e D1e11111111111e E1f10101e10101f
  F1f10101e101010 G0e11101711110e H1111111f111111 I0e04040404040e J0702020202120c
  K11121418141211 L1010101010101f M111b1515111111 N11191915131311 O0e11111111110e
  P1e11111e101010 Q0e11111115120d R1e11111e141211 S0f10100e01011e T1f040404040404
  U1111111111110e V11111111110a04 W11111115151b11 X11110a040a1111 Y11110a04040404
  Z1f01020408101f 00e11131519110e 1040c040404040e 20e11010608101f 31e01010e01011e
  402060a121f0202 51f101e0101110e 60608101e11110e 71f010204040808 80e11110e11110e
  90e11110f01020c -0000000e000000 _0000000000001f .00000000000c0c ,000000000c0408
  /01010204081010 (02040808080402 )08040202020408 +0004041f040400 &0c12140815120d
  '04040400000000 :000c0c000c0c00 #0a0a1f0a1f0a0a ~00000815020000 ?0e110102040004
`;

/** Dots of one line of text with a column between characters. */
export const charWidth = 6;
export const charHeight = 7;

const glyphs = new Map(
  table.split(/\s+/).map((entry) => [entry.slice(0, 1), Buffer.from(entry.slice(1), 'hex')] as const),
);

/** Calls `dot(x, y)` for each dot of `text`; small letters become capitals, unknown characters question marks. */
export function drawText(text: string, dot: (x: number, y: number) => void): void {
  for (const [place, character] of [...text.toUpperCase()].entries()) {
    if (character === ' ') continue;
    const rows = glyphs.get(character) ?? (glyphs.get('?') as Buffer);
    for (const [y, row] of rows.entries())
      for (let x = 0; x < charWidth - 1; x++) if (row & (16 >> x)) dot(place * charWidth + x, y);
  }
}
