/** Labels of formats that hold numbers without names. */

/** A label beyond it is more likely damage than a class. */
export const maxLabel = 65_535;

/** `0` … `highest`. */
export function namesUpTo(highest: number): string[] {
  return Array.from({ length: highest + 1 }, (_, i) => String(i));
}
