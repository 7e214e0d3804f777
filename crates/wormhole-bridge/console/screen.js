// @ts-check
// The picture of the page, and the mouse on it.

import { modifiers } from "./wire.js";

/** The least time between two movements that are sent, in milliseconds; shorter while something is dragged. */
const MOVE = 80;
const DRAG = 30;

/** Presses closer than this are one double click. */
const DOUBLE = { time: 400, distance: 6 };

/** A finger that moved further than this scrolls, and does not press. */
const TAP = 10;

/**
 * @param {{send: import("./wire.js").Send, mayWork: () => boolean, canvas: HTMLCanvasElement, onPress: () => void}} parts
 */
export function createScreen({ send, mayWork, canvas, onPress }) {
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  let page = { width: 1280, height: 800 };
  let moved = 0;
  let press = { at: 0, x: 0, y: 0, clicks: 0 };
  /** @type {{x: number, y: number, scrolled: boolean} | null} */
  let finger = null;

  /** @param {MouseEvent} event */
  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    return {
      x: ((event.clientX - box.left) / box.width) * page.width,
      y: ((event.clientY - box.top) / box.height) * page.height,
    };
  };
  /**
   * @param {MouseEvent} event
   * @param {string} act
   * @param {Record<string, unknown>} [more]
   */
  const point = (event, act, more) => {
    const { button, buttons } = event;
    const held = { button: Math.max(button, 0), buttons: buttons & 7, modifiers: modifiers(event) };
    send({ type: "pointer", act, ...place(event), ...held, ...more });
  };
  /** @param {MouseEvent} event */
  const clicks = (event) => {
    const near = Math.hypot(event.clientX - press.x, event.clientY - press.y) < DOUBLE.distance;
    const again = near && event.timeStamp - press.at < DOUBLE.time;
    press = { at: event.timeStamp, x: event.clientX, y: event.clientY, clicks: again ? (press.clicks % 3) + 1 : 1 };
    return press.clicks;
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (!mayWork() || event.button > 2) return;
    if (event.pointerType === "touch") {
      finger = { x: event.clientX, y: event.clientY, scrolled: false };
      return;
    }
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    onPress();
    point(event, "down", { clicks: clicks(event) });
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!mayWork()) return;
    if (finger) return slide(event, finger);
    if (event.timeStamp - moved < (event.buttons ? DRAG : MOVE)) return;
    moved = event.timeStamp;
    point(event, "move");
  });
  canvas.addEventListener("pointerup", (event) => {
    if (!mayWork()) return;
    if (!finger) return point(event, "up", { clicks: press.clicks });
    const tapped = !finger.scrolled;
    finger = null;
    if (!tapped) return;
    const count = { button: 0, clicks: clicks(event) };
    point(event, "move", { buttons: 0 });
    point(event, "down", { ...count, buttons: 1 });
    point(event, "up", { ...count, buttons: 0 });
  });
  canvas.addEventListener("pointercancel", () => { finger = null; });
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener("wheel", (event) => {
    if (!mayWork()) return;
    event.preventDefault();
    // Lines and whole pages in pixels, about.
    const unit = [1, 40, 800][event.deltaMode] ?? 1;
    point(event, "wheel", { dx: event.deltaX * unit, dy: event.deltaY * unit });
  }, { passive: false });

  /**
   * A finger that slides turns the wheel.
   * @param {PointerEvent} event
   * @param {{x: number, y: number, scrolled: boolean}} from
   */
  function slide(event, from) {
    const [dx, dy] = [from.x - event.clientX, from.y - event.clientY];
    if (!from.scrolled && Math.hypot(dx, dy) < TAP) return;
    const scale = page.width / canvas.getBoundingClientRect().width;
    point(event, "wheel", { dx: dx * scale, dy: dy * scale });
    finger = { x: event.clientX, y: event.clientY, scrolled: true };
  }

  return {
    /** @param {import("./wire.js").Frame} frame */
    async draw(frame) {
      const picture = await createImageBitmap(frame.jpeg);
      page = { width: frame.width, height: frame.height };
      if (canvas.width !== picture.width || canvas.height !== picture.height) {
        canvas.width = picture.width;
        canvas.height = picture.height;
      }
      context.drawImage(picture, 0, 0);
      picture.close();
    },
  };
}
