// Evaluated on demand in the bridge's own world, for the diagnostics folder; nothing of it stays in the page.
//
// `outline` draws the page as an indented list of its elements. It holds names, never what anybody wrote: no value of a
// field, no text but the labels of a form's own buttons. `cover` hides what is typed (and foreign frames) while a picture
// is taken, `uncover` shows it again; should nobody come to do that, it happens by itself.
function (step) {
  "use strict";
  const COVER = `:root { --covered: 1 }
    input, textarea, select, [contenteditable] {
      color: transparent !important; -webkit-text-fill-color: transparent !important;
      caret-color: transparent !important; text-shadow: none !important; transition: none !important;
      outline: none !important;
    }
    ::placeholder { color: transparent !important; -webkit-text-fill-color: transparent !important }
    iframe, frame, object, embed { visibility: hidden !important }`;
  const UNCOVER_AFTER = 15000;
  const MOST_ELEMENTS = 3000;
  const MOST_DEPTH = 40;
  const LABEL = 24;
  const NAME = 60;
  const SKIPPED = new Set(["SCRIPT", "STYLE", "LINK", "META", "NOSCRIPT", "TEMPLATE", "HEAD"]);
  const ATTRIBUTES = ["role", "name", "type", "autocomplete", "data-testid", "contenteditable", "hidden"];

  const isCover = (sheet) => sheet.cssRules[0]?.cssText.includes("--covered");
  const uncover = () => {
    document.adoptedStyleSheets = [...document.adoptedStyleSheets].filter((sheet) => !isCover(sheet));
  };
  const cover = () => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(COVER);
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
    setTimeout(uncover, UNCOVER_AFTER);
    // A frame from now on has it.
    return new Promise((done) => {
      requestAnimationFrame(() => requestAnimationFrame(() => done(true)));
      setTimeout(() => done(true), 200);
    });
  };

  const cut = (text, most) => (text.length > most ? `${text.slice(0, most)}…` : text);
  const word = (text) => cut(text.replace(/\s+/g, " ").trim(), NAME);
  // Outside of forms, buttons carry what people wrote: the titles of their conversations.
  const label = (element) => {
    const isButton = element.matches("button, [role=button]") && element.closest("form, [role=form]");
    const text = isButton ? element.textContent.replace(/\s+/g, " ").trim() : "";
    return text ? ` ${JSON.stringify(cut(text, LABEL))}` : "";
  };
  const line = (element) => {
    const id = element.id ? `#${word(element.id)}` : "";
    const classes = [...element.classList].slice(0, 4).map((name) => `.${word(name)}`).join("");
    const named = ATTRIBUTES.filter((name) => element.hasAttribute(name));
    const attributes = named.map((name) => `[${name}=${word(element.getAttribute(name))}]`).join("");
    return `${element.localName}${id}${classes}${attributes}${label(element)}`;
  };
  const outline = () => {
    const lines = [];
    const draw = (element, depth) => {
      if (SKIPPED.has(element.tagName) || lines.length > MOST_ELEMENTS) return;
      lines.push(lines.length === MOST_ELEMENTS ? "…" : `${"  ".repeat(depth)}${line(element)}`);
      if (depth === MOST_DEPTH || element.tagName === "svg") return;
      for (const child of element.children) draw(child, depth + 1);
      for (const child of element.shadowRoot?.children ?? []) draw(child, depth + 1);
    };
    draw(document.documentElement, 0);
    return `${location.origin}${location.pathname}\n\n${lines.join("\n")}\n`;
  };
  return { outline, cover, uncover }[step]();
}
