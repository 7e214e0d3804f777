// @ts-check
// Frames on their way to the bridge: who says them (document, command) and in what order.

/**
 * @param {{ doc: string, send: (text: string) => void }} parts `doc` is random for each document, so that the
 *   bridge can tell what an older document said.
 */
function createTransport({ doc, send }) {
  const { stringify } = JSON;
  /** @type {Map<number, number>} The next sequence number of each command that still speaks. */
  const next = new Map();
  let open = true;

  return Object.freeze({
    /**
     * Says one thing. `end`, `value` and `error` are the last that a command says.
     * @param {number} id
     * @param {Frame} frame
     */
    emit(id, frame) {
      if (!open) return;
      const seq = next.get(id) ?? 0;
      if (frame.k === "end" || frame.k === "value" || frame.k === "error") next.delete(id);
      else next.set(id, seq + 1);
      send(stringify([{ doc, id, seq, ...frame }]));
    },
    /** Every command begins anew: whoever hears this has heard nothing before. */
    restart() {
      next.clear();
    },
    /** From now on nothing is said: what a dying document aborts is no news of the site. */
    close() {
      open = false;
    },
  });
}
