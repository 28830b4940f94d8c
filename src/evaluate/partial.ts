/** The file in which an evaluation keeps what it has finished: one line of JSON a part, after one that names the whole. */
import { open, readFile, rm } from 'node:fs/promises';
import { SelfgradError } from '../errors.ts';
import type { Evaluation } from '../evaluation.ts';
import { evaluationSchema } from '../report/evaluationSchema.ts';
import { writeAtomic } from '../report/writeAtomic.ts';

/** Lines that are whole JSON documents; one that a crash cut short ends the list. */
async function readLines(path: string): Promise<unknown[]> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const documents: unknown[] = [];
  for (const line of text.split('\n')) {
    try {
      documents.push(JSON.parse(line));
    } catch {
      break;
    }
  }
  return documents;
}

function lines(documents: readonly unknown[]): string {
  return documents.map((document) => `${JSON.stringify(document)}\n`).join('');
}

export class PartialEvaluation {
  readonly path: string;
  /** By the index of their first image. */
  readonly done = new Map<number, Evaluation>();
  /** The evaluation had begun before. */
  readonly resumed: boolean;

  private constructor(path: string, resumed: boolean) {
    this.path = path;
    this.resumed = resumed;
  }

  /**
   * Opens `path`, which need not exist.
   *
   * @param identity names the evaluation: model, data, attacks and all that its numbers depend on
   * @throws SelfgradError `ERR_CHECKPOINT` when the file belongs to another evaluation, `ERR_WRITE`
   */
  static async open(path: string, identity: string): Promise<PartialEvaluation> {
    let partial: PartialEvaluation;
    try {
      const [head, ...parts] = await readLines(path);
      if (head !== undefined && head !== identity) {
        throw new SelfgradError(
          'ERR_CHECKPOINT',
          `Expected the parts of this evaluation in ${path} but found those of another one.`,
          { fix: 'Repeat the command that was interrupted, or leave --resume out to begin anew.' },
        );
      }
      partial = new PartialEvaluation(path, head !== undefined);
      for (const part of parts) {
        const checked = evaluationSchema.safeParse(part);
        if (!checked.success) break;
        partial.done.set(checked.data.images.first, checked.data);
      }
    } catch (cause) {
      if (cause instanceof SelfgradError) throw cause;
      throw new SelfgradError('ERR_CHECKPOINT', `Cannot read ${path}: ${(cause as Error).message}.`, {
        cause,
      });
    }
    // Written anew, so that what a crash cut short does not stand between whole lines.
    await writeAtomic(path, lines([identity, ...partial.done.values()]));
    return partial;
  }

  /** Adds a finished part; when it returns, a crash cannot lose it. @throws SelfgradError `ERR_WRITE` */
  async add(part: Evaluation): Promise<void> {
    // As it will be read: the fields of a resumed evaluation and of one without interruption stand in one order.
    this.done.set(part.images.first, evaluationSchema.parse(part));
    try {
      const file = await open(this.path, 'a');
      try {
        await file.writeFile(lines([part]));
        await file.sync();
      } finally {
        await file.close();
      }
    } catch (cause) {
      throw new SelfgradError('ERR_WRITE', `Cannot write ${this.path}: ${(cause as Error).message}.`, {
        fix: 'Make room and repeat the command with --resume.',
        cause,
      });
    }
  }

  async remove(): Promise<void> {
    await rm(this.path, { force: true });
  }
}
