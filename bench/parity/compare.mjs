/** Two verdicts on the same images: true where an image withstood. */
export function compare(ours, theirs) {
  const count = (holds) => ours.filter((_, i) => holds(Boolean(ours[i]), Boolean(theirs[i]))).length;
  return {
    count: ours.length,
    ours: count((a) => a),
    theirs: count((_, b) => b),
    onlyWeBroke: count((a, b) => !a && b),
    onlyTheyBroke: count((a, b) => a && !b),
  };
}

/** Of a cascade: what stood after each of its attacks, from the attack that broke each image (-1 none, -2 none needed). */
export function stagesOf(brokenBy, attacks) {
  return Array.from({ length: attacks }, (_, stage) => Array.from(brokenBy, (by) => by === -1 || by > stage));
}
