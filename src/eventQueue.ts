/** Events of a run on their way to whoever iterates it; nobody has to. */

/**
 * A single-reader queue that never makes the writer wait. Events that nobody has read yet are kept, except that a
 * newer `step` replaces an unread one: they are for eyes, and a reader that is slow or absent must not cost memory.
 */
export class EventQueue<Event extends { type: string }> implements AsyncIterable<Event> {
  #events: Event[] = [];
  #wake: (() => void) | undefined;
  #ended = false;
  #error: unknown;

  push(event: Event): void {
    if (event.type === 'step' && this.#events.at(-1)?.type === 'step') this.#events.pop();
    this.#events.push(event);
    this.#wake?.();
  }

  /** No more events; with an error, iteration ends by throwing it. */
  end(error?: unknown): void {
    this.#ended = true;
    this.#error = error;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Event> {
    for (;;) {
      const event = this.#events.shift();
      if (event !== undefined) {
        yield event;
      } else if (this.#ended) {
        if (this.#error !== undefined) throw this.#error;
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}
