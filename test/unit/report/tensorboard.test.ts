/** TensorBoard's event files, read back by the definitions of TFRecord and protocol buffers. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Reader } from 'protobufjs';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { TrainEvent } from '../../../src/events.ts';
import { rate } from '../../../src/interval.ts';
import { crc32c, EventFile } from '../../../src/report/tensorboard.ts';

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'selfgrad-tensorboard-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const unmask = (stored: number) => {
  const rotated = (stored - 0xa282ead8) >>> 0;
  return ((rotated >>> 17) | (rotated << 15)) >>> 0;
};

/** The records of a file, each checksum looked at. */
function records(path: string): Uint8Array[] {
  const bytes = readFileSync(path);
  const found: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at));
    expect(unmask(bytes.readUInt32LE(at + 8))).toBe(crc32c(bytes.subarray(at, at + 8)));
    const data = bytes.subarray(at + 12, at + 12 + length);
    expect(unmask(bytes.readUInt32LE(at + 12 + length))).toBe(crc32c(data));
    found.push(data);
    at += 16 + length;
  }
  return found;
}

/** Fields by number: a double, a varint, or bytes. */
function fields(bytes: Uint8Array): Map<number, (number | Uint8Array)[]> {
  const reader = Reader.create(bytes);
  const found = new Map<number, (number | Uint8Array)[]>();
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    const wire = tag & 7;
    const value =
      wire === 0
        ? Number(reader.int64())
        : wire === 1
          ? reader.double()
          : wire === 5
            ? reader.float()
            : reader.bytes();
    found.set(tag >>> 3, [...(found.get(tag >>> 3) ?? []), value]);
  }
  return found;
}

function read(path: string) {
  return records(path).map((bytes) => {
    const event = fields(bytes);
    const summary = event.get(5)?.[0] as Uint8Array | undefined;
    const values = summary === undefined ? [] : (fields(summary).get(1) as Uint8Array[]);
    return {
      wallTime: event.get(1)?.[0],
      step: event.get(2)?.[0] ?? 0,
      version: event.has(3) ? Buffer.from(event.get(3)![0] as Uint8Array).toString() : undefined,
      session: event.has(7) ? fields(event.get(7)![0] as Uint8Array).get(1)![0] : undefined,
      scalars: Object.fromEntries(
        values.map((value) => {
          const entry = fields(value);
          return [Buffer.from(entry.get(1)![0] as Uint8Array).toString(), entry.get(2)?.[0] ?? 0];
        }),
      ),
    };
  });
}

const start: TrainEvent = {
  type: 'start',
  strategy: 'pgd',
  steps: 10,
  stepsPerEpoch: 5,
  parameters: 100,
  resumedAtStep: 0,
  validation: null,
};
const step = (at: number): TrainEvent => ({
  type: 'step',
  step: at,
  epoch: 1,
  steps: 10,
  loss: 1 / at,
  lr: 0.25,
  passes: { forward: 100 * at, backward: 50 * at },
  seconds: at,
  imagesPerSecond: 64,
});

describe('crc32c', () => {
  it.each([
    ['123456789', 0xe3069283],
    ['', 0],
    ['\0'.repeat(32), 0x8a9136aa],
  ])('of %j is that of RFC 3720', (text, crc) => {
    expect(crc32c(Buffer.from(text))).toBe(crc);
  });
});

describe('EventFile', () => {
  it('holds every figure of the run by tag and step', () => {
    const file = new EventFile({ directory: temporaryFolder(), now: () => 1000.5 });
    file.show(start);
    file.show(step(4));
    file.show({
      type: 'eval',
      epoch: 1,
      step: 5,
      clean: rate(3, 4),
      robust: rate(1, 4),
      passes: { forward: 1, backward: 1 },
      seconds: 1,
    });
    file.show({ type: 'checkpoint', path: 'x', step: 5 });
    file.close();
    expect(file.path).toMatch(/events\.out\.tfevents\.1000\.\d+\.selfgrad$/);
    const [version, session, trained, validated, ...rest] = read(file.path);
    expect(version).toMatchObject({ version: 'brain.Event:2', wallTime: 1000.5 });
    expect(session).toMatchObject({ session: 1, step: 1 });
    expect(trained).toMatchObject({
      step: 4,
      scalars: {
        'train/loss': 0.25,
        'train/lr': 0.25,
        'train/images_per_second': 64,
        'passes/forward': 400,
        'passes/backward': 200,
      },
    });
    expect(validated).toMatchObject({
      step: 5,
      scalars: { 'validation/clean_accuracy': 0.75, 'validation/robust_accuracy': 0.25 },
    });
    expect(rest).toEqual([]);
  });

  it('of a resumed run stands beside the earlier one and takes back what was undone', () => {
    const directory = temporaryFolder();
    const before = new EventFile({ directory, now: () => 1 });
    before.show(start);
    before.close();
    const after = new EventFile({ directory, resume: true, now: () => 2 });
    after.show({ ...start, resumedAtStep: 7 });
    after.close();
    expect(readdirSync(directory)).toHaveLength(2);
    expect(read(after.path)[1]).toMatchObject({ session: 1, step: 8 });
  });

  it('of a new run replaces those of the run before, and nothing else', () => {
    const directory = temporaryFolder();
    new EventFile({ directory, now: () => 1 }).close();
    writeFileSync(join(directory, 'events.out.tfevents.1.other'), '');
    const file = new EventFile({ directory, now: () => 2 });
    file.close();
    expect(
      readdirSync(directory)
        .map((name) => join(directory, name))
        .sort(),
    ).toEqual([join(directory, 'events.out.tfevents.1.other'), file.path].sort());
  });

  it('needs a folder', () => {
    expect(() => new EventFile({ directory: join(temporaryFolder(), 'none') })).toThrow(
      expect.objectContaining({ code: 'ERR_WRITE' }),
    );
  });
});
