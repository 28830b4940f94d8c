/** Stamps: a file that holds the hash of what a build was made from, written last, tells whether it is stale. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

function filesBelow(path) {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesBelow(join(path, name)));
}

/** SHA-256 over names and contents of files and folders, and over further values. */
export function hashOf(folder, paths, values = []) {
  const hash = createHash('sha256').update(JSON.stringify(values));
  for (const path of paths) {
    for (const file of filesBelow(join(folder, path))) {
      hash.update(`\0${file.slice(folder.length)}\0`).update(readFileSync(file));
    }
  }
  return hash.digest('hex');
}

export function hasStamp(file, hash) {
  try {
    return readFileSync(file, 'utf8') === hash;
  } catch {
    return false;
  }
}

export function writeStamp(file, hash) {
  const temporary = `${file}.${process.pid}`;
  writeFileSync(temporary, hash);
  renameSync(temporary, file);
}
