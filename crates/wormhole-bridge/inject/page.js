// @ts-check
// The only file that touches the page's DOM. It knows no site: selectors come with the command.

/** @param {any} scope The global object of our isolated world. */
function createPage(scope) {
  const { document, location, Event, KeyboardEvent, InputEvent } = scope;
  // Prototype accessors, taken once: a page can shadow `document.cookie` or `input.value` with named elements.
  const getter = (/** @type {any} */ owner, /** @type {string} */ name) =>
    Object.getOwnPropertyDescriptor(owner.prototype, name)?.get;
  const setter = (/** @type {any} */ owner, /** @type {string} */ name) =>
    Object.getOwnPropertyDescriptor(owner.prototype, name)?.set;
  const readCookies = getter(scope.Document, "cookie");
  const queryAll = scope.Document.prototype.querySelectorAll;
  const fields = [
    [scope.HTMLInputElement, setter(scope.HTMLInputElement, "value")],
    [scope.HTMLTextAreaElement, setter(scope.HTMLTextAreaElement, "value")],
    [scope.HTMLSelectElement, setter(scope.HTMLSelectElement, "value")],
  ];

  /** @param {string} selector */
  const all = (selector) => queryAll.call(document, selector);

  /** @param {string} selector */
  function first(selector) {
    const element = all(selector)[0];
    if (!element) throw new CommandError("missing", selector);
    return element;
  }

  /** @returns {[string, string][]} */
  function cookies() {
    const text = readCookies?.call(document) ?? "";
    return text.split("; ").filter(Boolean).map((/** @type {string} */ pair) => {
      const at = pair.indexOf("=");
      return at < 0 ? ["", pair] : [pair.slice(0, at), pair.slice(at + 1)];
    });
  }

  /** Sets the value as typing does: past the setters that frameworks lay over the element, then the events. */
  function type(/** @type {any} */ element, /** @type {string} */ value) {
    const field = fields.find(([kind]) => element instanceof kind);
    if (field) field[1].call(element, value);
    else if (element.isContentEditable) element.textContent = value;
    else throw new CommandError("script", "fill: the element is no field");
    element.dispatchEvent(new InputEvent("input", { bubbles: true, composed: true, inputType: "insertText" }));
    element.dispatchEvent(new Event("change", { bubbles: true }));
  }

  /** @param {any} element @param {string} name */
  function key(element, name) {
    const init = { key: "Enter", code: "Enter", keyCode: 13, which: 13, bubbles: true, cancelable: true, composed: true };
    return element.dispatchEvent(new KeyboardEvent(name, init));
  }

  /** A person sees it. @param {any} element */
  const visible = (element) => element.checkVisibility({ visibilityProperty: true });

  /** As a finger does: menus open on the way down, buttons act on the way up. @param {any} element */
  function press(element) {
    const init = { bubbles: true, cancelable: true, composed: true, button: 0, pointerType: "mouse", isPrimary: true };
    for (const name of ["pointerdown", "mousedown", "pointerup", "mouseup"]) {
      const kind = name.startsWith("pointer") ? scope.PointerEvent : scope.MouseEvent;
      element.dispatchEvent(new kind(name, init));
    }
    element.click();
  }

  return Object.freeze({
    all,
    first,
    visible,
    press,
    type,
    /** How many of them a person sees. @param {string} selector */
    shown: (selector) => [...all(selector)].filter(visible).length,
    /** Presses the first that a person sees; whether there is one. @param {string} selector */
    pressShown(selector) {
      const element = [...all(selector)].find(visible);
      if (element) press(element);
      return element !== undefined;
    },
    /** @param {string} selector */
    count: (selector) => all(selector).length,
    /** @param {string} selector @param {string} value */
    fill(selector, value) {
      const element = first(selector);
      element.focus();
      type(element, value);
    },
    /** @param {string} selector */
    click: (selector) => first(selector).click(),
    /** The browser submits a form for a real key only, so a key that nobody handled submits it here. */
    enter(/** @type {string} */ selector) {
      const element = first(selector);
      element.focus();
      const unhandled = key(element, "keydown") && key(element, "keypress");
      key(element, "keyup");
      if (unhandled && element instanceof scope.HTMLInputElement && element.form) {
        scope.HTMLFormElement.prototype.requestSubmit.call(element.form);
      }
    },
    /** @param {string} selector @param {number} limit */
    text(selector, limit) {
      const element = first(selector);
      return String(element.innerText ?? element.textContent ?? "").slice(0, limit);
    },
    location: () => location.href,
    /** Names only: values stay in the page. */
    cookieNames: () => cookies().map(([name]) => name),
    /** @param {string} name @param {boolean} decode */
    cookie(name, decode) {
      const value = cookies().find(([found]) => found === name)?.[1];
      return decode && value !== undefined ? decodeURIComponent(value) : value;
    },
  });
}
