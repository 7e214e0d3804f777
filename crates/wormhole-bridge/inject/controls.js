// @ts-check
// The controls of a chat page: what is typed into the composer and sent, and which model is chosen.

/** What the browser's own editing takes without delay. */
const SHORT_UNITS = 4096;

/** White space is the editor's to arrange; everything else must stand in it. @param {string} text */
const bare = (text) => text.replace(/[\s\u200b\ufeff]+/g, "");

/** @param {{ scope: any, page: ReturnType<typeof createPage> }} parts */
function createControls({ scope, page }) {
  const { document, ClipboardEvent, InputEvent, DataTransfer, HTMLSelectElement, HTMLTextAreaElement, HTMLInputElement } = scope;
  const editor = (/** @type {any} */ element) => !(element instanceof HTMLTextAreaElement || element instanceof HTMLInputElement);
  const held = (/** @type {any} */ element) => (editor(element) ? element.innerText : element.value);
  const words = (/** @type {any} */ element) => String(element.innerText ?? element.textContent ?? "").trim().replace(/\s+/g, " ");
  /** What the composer is to hold, with nothing but its white space left out. */
  let wanted = "";

  /** The last that matches and can be seen; a page may keep another one hidden. @param {string} selector */
  function composer(selector) {
    const all = [...page.all(selector)];
    return all.find(page.visible) ?? page.first(selector);
  }

  /** @param {any} element */
  function selectAll(element) {
    const selection = document.getSelection();
    selection.removeAllRanges();
    const range = document.createRange();
    range.selectNodeContents(element);
    selection.addRange(range);
  }

  /** The browser's own editing takes a minute for a thousand lines: they are put in place as it would have. @param {any} element @param {string} value */
  function put(element, value) {
    const keeps = scope.getComputedStyle(element).whiteSpace.startsWith("pre");
    const lines = value.split("\n").flatMap((text, at) => (at === 0 ? [text] : [document.createElement("br"), text]));
    element.replaceChildren(...(keeps ? [value] : lines));
    element.dispatchEvent(new InputEvent("input", { bubbles: true, composed: true, inputType: "insertText" }));
  }

  /**
   * Editors keep a document of their own and write it into the page. They all take a paste; what takes none is a plain
   * editable element, where the browser itself does the editing.
   * @param {any} element @param {string} value
   */
  function edit(element, value) {
    element.focus();
    selectAll(element);
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", value);
    const taken = !element.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true, composed: true }));
    if (taken) return;
    const short = value.length <= SHORT_UNITS && !value.includes("\n");
    if (!short || !document.execCommand("insertText", false, value)) put(element, value);
  }

  /** @param {any} element */
  const disabled = (element) => element.disabled === true || element.getAttribute("aria-disabled") === "true";
  /** @param {string | null} send */
  const button = (send) => (send === null ? undefined : [...page.all(send)].find(page.visible));

  return Object.freeze({
    /** @param {string} selector @param {string} value */
    compose(selector, value) {
      const element = composer(selector);
      wanted = bare(value);
      if (!editor(element)) {
        element.focus();
        page.type(element, value);
      } else if (element.isContentEditable) edit(element, value);
      else throw new CommandError("script", "compose: the element takes no text");
    },
    /** The composer holds the whole text. @param {string} selector */
    composed: (selector) => bare(held(composer(selector))) === wanted,
    /** @param {string} selector */
    isEmpty(selector) {
      const element = [...page.all(selector)].find(page.visible);
      return element !== undefined && wanted !== "" && bare(held(element)) === "";
    },
    /** Whether the button that sends can be pressed now. @param {string} send @returns {"yes" | "disabled" | "missing"} */
    sendable(send) {
      const found = button(send);
      return found ? (disabled(found) ? "disabled" : "yes") : "missing";
    },
    /** Sends what was composed. @param {string} selector @param {string | null} send */
    submit(selector, send) {
      const found = button(send);
      if (found && !disabled(found)) page.press(found);
      else page.enter(selector);
    },
    /** What can be chosen: options of a list, or the items of a menu that are shown. @param {string} selector @param {number} most */
    options(selector, most) {
      const list = page.all(selector)[0];
      if (list instanceof HTMLSelectElement) {
        return [...list.options].slice(0, most).map((option) => ({ name: option.value, label: words(option), on: option.selected }));
      }
      const items = [...page.all(selector)].filter(page.visible).slice(0, most);
      return items.map((item) => ({ name: words(item), label: "", on: item.getAttribute("aria-selected") === "true" || item.getAttribute("aria-checked") === "true" }));
    },
    /** Chooses one of those; whether it is there. @param {string} selector @param {string} name */
    pick(selector, name) {
      const list = page.all(selector)[0];
      if (list instanceof HTMLSelectElement) {
        if (![...list.options].some((option) => option.value === name)) return false;
        page.type(list, name);
        return true;
      }
      const item = [...page.all(selector)].filter(page.visible).find((item) => words(item) === name);
      if (item) page.press(item);
      return item !== undefined;
    },
  });
}
