// @ts-check
// Inline Markdown of a reply: text, emphasis, code, links, images, formulas. What is not shown is left out.
//
// Text is not escaped: it was written as Markdown before the page rendered it, and reads the same again.
// `open` asks for what cannot change any more while the node is still written to: no closing marks.

const UNSEEN = new Set(["BUTTON", "SCRIPT", "STYLE", "NOSCRIPT", "TEMPLATE", "SVG", "CANVAS", "INPUT", "SELECT", "TEXTAREA", "IFRAME", "AUDIO", "VIDEO", "OBJECT", "DIALOG"]);
const MARKS = Object.freeze(/** @type {Record<string, string>} */ ({ STRONG: "**", B: "**", EM: "*", I: "*", DEL: "~~", S: "~~", STRIKE: "~~" }));
const CODE = new Set(["CODE", "KBD", "SAMP", "TT"]);
/** From this weight on, type is bold. */
const BOLD = 600;
const FORMULA = ".katex, .katex-display, mjx-container, math";

/**
 * @param {any} scope The global object of our isolated world.
 * @param {string[]} ignore Selectors of what is no part of a reply.
 */
function createInline(scope, ignore) {
  const ignored = ignore.join(",");
  const style = (/** @type {any} */ element) => scope.getComputedStyle(element);
  const isElement = (/** @type {any} */ node) => node.nodeType === 1;
  const isText = (/** @type {any} */ node) => node.nodeType === 3;

  /** A person does not see it, or it is a control of the page. @param {any} element */
  function unseen(element) {
    if (UNSEEN.has(element.nodeName.toUpperCase()) || element.hidden) return true;
    if (element.getAttribute("role") === "button" || (ignored && element.matches(ignored))) return true;
    // An icon, or the anchor beside a heading.
    if (element.getAttribute("aria-hidden") === "true" && ["A", "I"].includes(element.nodeName)) return true;
    const { display, visibility, position, clip, clipPath } = style(element);
    if (display === "none" || visibility === "hidden") return true;
    return position === "absolute" && (clip !== "auto" || clipPath.startsWith("inset(50%"));
  }

  const kept = (/** @type {any} */ node) => isText(node) || (isElement(node) && !unseen(node));
  const children = (/** @type {any} */ node) => [...node.childNodes].filter(kept);
  const says = (/** @type {any} */ node) =>
    isText(node) ? node.data.trim() !== ""
      : node.nodeName === "IMG" || node.nodeName === "BR" || node.nodeName === "HR" || node.textContent.trim() !== "" || node.querySelector("img") !== null;

  /** The place of the last node that says something: behind it nothing is written yet. @param {any[]} nodes */
  const lastThatSays = (nodes) => nodes.findLastIndex(says);

  /** @param {string} text @param {string} mark @param {boolean} open */
  function wrap(text, mark, open) {
    const [, lead, core, trail] = /** @type {RegExpMatchArray} */ (text.match(/^(\s*)([^]*?)(\s*)$/));
    if (!core) return open ? "" : text;
    return open ? lead + mark + core : lead + mark + core + mark + trail;
  }

  /** @param {any} element @param {boolean} open */
  function code(element, open) {
    const text = element.textContent.replace(/\s+/g, " ");
    // How many marks there must be is known when all of it is.
    if (open || !text) return "";
    const run = Math.max(0, ...(text.match(/`+/g) ?? []).map((/** @type {string} */ ticks) => ticks.length));
    const pad = /^`|`$/.test(text) ? " " : "";
    const fence = "`".repeat(run + 1);
    return fence + pad + text + pad + fence;
  }

  /** @param {any} element @param {boolean} open */
  function link(element, open) {
    const text = line(children(element), false, open);
    const written = element.getAttribute("href") ?? "";
    const href = String(element.href ?? "");
    const bare = [written, href, href.replace(/\/$/, ""), href.replace(/^mailto:/, "")].includes(text.trim());
    if (!/^(?:https?|mailto|tel):/.test(href) || written.startsWith("#") || bare || !text.trim()) return text;
    const [, lead, core, trail] = /** @type {RegExpMatchArray} */ (text.match(/^(\s*)([^]*?)(\s*)$/));
    return open ? `${lead}[${core}` : `${lead}[${core}](${href})${trail}`;
  }

  /** @param {any} element */
  function image(element) {
    const alt = (element.getAttribute("alt") ?? "").replace(/\s+/g, " ").trim();
    return /^https?:/.test(element.src) ? `![${alt}](${element.src})` : alt;
  }

  /** The formula as it was written, where the page keeps it. @param {any} element */
  function formula(element) {
    const written = element.querySelector('annotation[encoding="application/x-tex"]');
    const math = element.matches("math") ? element : element.querySelector("math");
    const text = (written ?? math ?? element).textContent.trim();
    const display = element.matches(".katex-display, mjx-container[display=true], math[display=block]") ||
      math?.getAttribute("display") === "block";
    return { text: display ? `$$${text}$$` : `$${text}$`, display };
  }

  /** Some pages render emphasis as a span of another style. @param {any} span @param {string} text @param {boolean} open */
  function styled(span, text, open) {
    const own = style(span);
    const around = style(span.parentElement);
    if (Number(own.fontWeight) >= BOLD && Number(around.fontWeight) < BOLD) text = wrap(text, MARKS.STRONG, open);
    return own.fontStyle === "italic" && around.fontStyle !== "italic" ? wrap(text, MARKS.EM, open) : text;
  }

  /** @param {any} node @param {boolean} keep White space counts. @param {boolean} open */
  function one(node, keep, open) {
    if (isText(node)) return keep ? node.data : node.data.replace(/[\t\n\f\r ]+/g, " ");
    const name = node.nodeName;
    if (name === "BR") return "\n";
    if (name === "IMG") return open ? "" : image(node);
    if (node.matches(FORMULA)) return open ? "" : formula(node).text;
    if (CODE.has(name)) return code(node, open);
    if (name === "A") return link(node, open);
    const inner = line(children(node), keep, open);
    if (name === "SPAN") return styled(node, inner, open);
    return Object.hasOwn(MARKS, name) ? wrap(inner, MARKS[name], open) : inner;
  }

  /** @param {any[]} nodes @param {boolean} keep @param {boolean} open @returns {string} */
  function line(nodes, keep, open) {
    const last = open ? lastThatSays(nodes) : nodes.length - 1;
    let text = "";
    for (const [at, node] of nodes.slice(0, last + 1).entries()) {
      const more = one(node, keep, open && at === last);
      text += !keep && /[ \n]$/.test(text) ? more.replace(/^ +/, "") : more;
    }
    return keep ? text : text.replace(/ +\n/g, "\n");
  }

  return Object.freeze({ children, says, lastThatSays, line, formula, style, unseen, isElement, isText });
}
