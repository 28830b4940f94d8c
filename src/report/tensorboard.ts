/**
 * The scalars of a training run as a TensorBoard event file: records of TensorFlow's `Event` message
 * (https://github.com/tensorflow/tensorboard, `compat/proto/event.proto`), with its names and field numbers.
 */
import { closeSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import protobuf from 'protobufjs';
import { SelfgradError } from '../errors.ts';
import type { TrainEvent } from '../events.ts';

const { root } = protobuf.parse(`
  syntax = "proto3";
  message Event {
    double wall_time = 1; int64 step = 2;
    oneof what { string file_version = 3; Summary summary = 5; SessionLog session_log = 7; }
  }
  message Summary { message Value { string tag = 1; float simple_value = 2; } repeated Value value = 1; }
  message SessionLog { int32 status = 1; }
`);
const eventType = root.lookupType('Event');

/** `SessionLog.START`: what earlier files hold from this step on was undone. */
const started = 1;

/** Castagnoli's polynomial, reflected; zlib has another one. */
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  return value;
});

/** @internal CRC-32C (RFC 3720, B.4). */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ table[(crc ^ byte) & 255]!;
  return ~crc >>> 0;
}

/** As TFRecord stores a checksum, so that one over data with checksums in it stays one. */
function masked(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** Length, its checksum, the data, their checksum. */
function record(data: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(16 + data.length);
  bytes.writeBigUInt64LE(BigInt(data.length), 0);
  bytes.writeUInt32LE(masked(bytes.subarray(0, 8)), 8);
  bytes.set(data, 12);
  bytes.writeUInt32LE(masked(data), 12 + data.length);
  return bytes;
}

/** What an event says, by tag; null where it has no figures. */
function scalars(event: TrainEvent): Record<string, number> | null {
  switch (event.type) {
    case 'step': {
      const { loss, lr, passes, imagesPerSecond } = event;
      return {
        'train/loss': loss,
        'train/lr': lr,
        'train/images_per_second': imagesPerSecond,
        'passes/forward': passes.forward,
        'passes/backward': passes.backward,
      };
    }
    case 'epoch':
      return { 'epoch/loss': event.loss, 'epoch/perturbed_accuracy': event.accuracy };
    case 'eval':
      return {
        'validation/clean_accuracy': event.clean.rate,
        'validation/robust_accuracy': event.robust.rate,
      };
    case 'alarm':
      return { 'alarm/agreement': event.agreement };
    default:
      return null;
  }
}

const suffix = '.selfgrad';

export interface EventFileOptions {
  /** An existing folder; TensorBoard takes it for a run. */
  directory: string;
  /** Keep the files of the run before it was interrupted: what was undone is hidden. Defaults to false: they go. */
  resume?: boolean;
  /** Seconds since 1970, for the file's name and the records. */
  now?: () => number;
}

/** A file of a run under way; every event is on its way to the disk when `show` returns. */
export class EventFile {
  readonly path: string;
  readonly #file: number;
  readonly #now: () => number;

  /** @throws SelfgradError `ERR_WRITE` */
  constructor({ directory, resume = false, now = () => Date.now() / 1000 }: EventFileOptions) {
    this.#now = now;
    const own = (name: string) => name.startsWith('events.out.tfevents.') && name.endsWith(suffix);
    this.path = join(directory, `events.out.tfevents.${Math.floor(now())}.${process.pid}${suffix}`);
    try {
      if (!resume) for (const name of readdirSync(directory).filter(own)) rmSync(join(directory, name));
      this.#file = openSync(this.path, 'a');
      this.#write({ fileVersion: 'brain.Event:2' }, 0);
    } catch (cause) {
      throw this.#failure(cause);
    }
  }

  /** @throws SelfgradError `ERR_WRITE` */
  show(event: TrainEvent): void {
    try {
      if (event.type === 'start') this.#write({ sessionLog: { status: started } }, event.resumedAtStep + 1);
      const values = scalars(event);
      if (values === null || !('step' in event)) return;
      const value = Object.entries(values).map(([tag, simpleValue]) => ({ tag, simpleValue }));
      this.#write({ summary: { value } }, event.step);
    } catch (cause) {
      throw this.#failure(cause);
    }
  }

  close(): void {
    closeSync(this.#file);
  }

  #write(what: Record<string, unknown>, step: number): void {
    const message = eventType.fromObject({ wallTime: this.#now(), step, ...what });
    writeSync(this.#file, record(eventType.encode(message).finish()));
  }

  #failure(cause: unknown): SelfgradError {
    return new SelfgradError('ERR_WRITE', `Cannot write ${this.path}: ${(cause as Error).message}.`, {
      fix: 'Check that the directory is writable and has space, then resume the run.',
      cause,
    });
  }
}
