// @ts-check
// A reply as Markdown, and how much of it can no longer change while it grows.

const BLOCKS = "address,article,aside,blockquote,dd,details,div,dl,dt,fieldset,figcaption,figure,footer,form,h1,h2,h3,h4,h5,h6,header,hr,li,main,nav,ol,p,pre,section,summary,table,ul";
const IS_BLOCK = new Set(BLOCKS.toUpperCase().split(","));
const LANGUAGE = /(?:^|\s)(?:language|lang|highlight-source)-([\w+#.-]+)/;
const NUMBERS = /(?:^|[\s_-])(?:line-?numbers?|linenos?|blob-num|gutter)(?:$|[\s_-])/i;
/** The last line of a paragraph that may yet turn out to begin another block, or a mark that may yet be another. */
const UNDECIDED = [
  /(?:^|\n)(?:[-+*]|\d{1,9}[.)]?|#{1,6}|>.*|\|.*|`{1,3}|~{1,3}|[-=_*]+|\$\$.*)$/,
  /\s(?:[-+*=>#|]+|\d{1,9}[.)])$/,
  /!?\[[^\]]*(?:\](?:\([^)]*)?)?$/,
  /(?:^|[\s([])_[^_]*$/,
  /\\[([][^]*$/,
  /<[a-z/!][^>]*$/i,
  /[*~`]+$/,
];

/** @typedef {{ text: string, list: boolean }} Block */

/**
 * @param {any} scope The global object of our isolated world.
 * @param {string[]} ignore Selectors of what is no part of a reply.
 */
function createMarkdown(scope, ignore) {
  const inline = createInline(scope, ignore);
  /** Blocks that are over, until something in them changes. @type {WeakMap<any, Block[]>} */
  let over = new WeakMap();
  /** What a code block's first line says stays, once it was said. @type {WeakMap<any, string>} */
  const fences = new WeakMap();

  const block = (/** @type {string} */ text) => (text ? [{ text, list: false }] : []);
  const indent = (/** @type {string} */ text, /** @type {number} */ by) => text.replace(/\n(?=[^\n])/g, "\n" + " ".repeat(by));

  /** @param {any} node */
  function isBlock(node) {
    if (!inline.isElement(node)) return false;
    if (IS_BLOCK.has(node.nodeName) || node.matches(".katex-display")) return true;
    return node.nodeName !== "A" && node.firstElementChild !== null && node.querySelector(BLOCKS) !== null;
  }

  /** @param {string} text */
  function decided(text) {
    for (const undecided of UNDECIDED) text = text.replace(undecided, "");
    return text.trimEnd();
  }

  /** @param {any[]} nodes @param {any} parent @param {boolean} open */
  function paragraph(nodes, parent, open) {
    const keep = inline.style(parent).whiteSpace.startsWith("pre") || inline.style(parent).whiteSpace === "break-spaces";
    const text = inline.line(nodes, keep, open);
    const trimmed = keep ? text.replace(/^\n+|\s+$/g, "") : text.trim();
    return block(open ? decided(trimmed) : trimmed);
  }

  /** The blocks in an element: runs of inline nodes are paragraphs. @param {any} parent @param {boolean} open @returns {Block[]} */
  function inside(parent, open) {
    const nodes = inline.children(parent);
    const last = open ? inline.lastThatSays(nodes) : nodes.length - 1;
    /** @type {Block[]} */
    const blocks = [];
    /** @type {any[]} */
    let run = [];
    const flush = (/** @type {boolean} */ grows) => {
      if (run.some(inline.says)) blocks.push(...paragraph(run, parent, grows));
      run = [];
    };
    nodes.slice(0, last + 1).forEach((/** @type {any} */ node, /** @type {number} */ at) => {
      if (!isBlock(node)) {
        run.push(node);
        return;
      }
      flush(false);
      blocks.push(...element(node, open && at === last));
    });
    flush(open);
    return blocks;
  }

  /** @param {any} node @param {boolean} open @returns {Block[]} */
  function element(node, open) {
    if (open) return written(node, true);
    const known = over.get(node);
    if (known) return known;
    const blocks = written(node, false);
    over.set(node, blocks);
    return blocks;
  }

  /** @param {any} node @param {boolean} open @returns {Block[]} */
  function written(node, open) {
    const name = node.nodeName;
    if (node.matches(".katex-display")) return open ? [] : block(inline.formula(node).text);
    if (name === "HR") return open ? [] : block("---");
    if (name === "PRE") return fence(node, open);
    if (name === "UL" || name === "OL") return list(node, open);
    if (name === "TABLE") return table(node, open);
    if (name === "BLOCKQUOTE") return block(join(inside(node, open)).replace(/^(?=.)/gm, "> ").replace(/^$/gm, ">").replace(/^>$/, ""));
    const level = /^H([1-6])$/.exec(name);
    if (!level) return inside(node, open);
    const text = join(inside(node, open)).replace(/\s*\n\s*/g, " ");
    return block(text && `${"#".repeat(Number(level[1]))} ${text}`);
  }

  /** @param {Block[]} blocks */
  const join = (blocks) => blocks.map(({ text }) => text).join("\n\n");

  /** A list follows the words before it without a blank line. @param {Block[]} blocks */
  const joinItem = (blocks) => blocks.map(({ text, list }, at) => (at === 0 ? "" : list ? "\n" : "\n\n") + text).join("");

  /** @param {any} node @param {boolean} open @returns {Block[]} */
  function list(node, open) {
    const items = inline.children(node).filter(inline.isElement);
    const last = items.findLastIndex(inline.says);
    let number = Number.parseInt(node.getAttribute("start") ?? "1", 10) || 0;
    /** @type {string[]} */
    const lines = [];
    for (const [at, item] of items.slice(0, open ? last + 1 : items.length).entries()) {
      const grows = open && at === last;
      if (item.nodeName === "UL" || item.nodeName === "OL") {
        const nested = join(list(item, grows));
        if (nested) lines.push(`  ${indent(nested, 2)}`);
        continue;
      }
      if (item.hasAttribute("value")) number = Number.parseInt(item.getAttribute("value"), 10) || number;
      const mark = node.nodeName === "OL" ? `${number}. ` : "- ";
      number += 1;
      const box = item.querySelector(":scope > input[type=checkbox], :scope > p > input[type=checkbox], :scope > label > input[type=checkbox]");
      const task = box ? (box.checked ? "[x] " : "[ ] ") : "";
      const text = indent(joinItem(inside(item, grows)), mark.length);
      if (text || !grows) lines.push((mark + task + text).trimEnd());
    }
    return lines.length > 0 ? [{ text: lines.join("\n"), list: true }] : [];
  }

  /** The lines of a code block, however the page marks them. @param {any} node @param {string} before */
  function lines(node, before = "") {
    let text = before;
    for (const child of node.childNodes) {
      if (inline.isText(child)) text += child.data;
      else if (!inline.isElement(child) || NUMBERS.test(child.getAttribute("class") ?? "") || inline.unseen(child)) continue;
      else if (child.nodeName === "BR") text += "\n";
      else {
        const own = ["DIV", "P", "LI", "TR", "OL", "UL", "TABLE"].includes(child.nodeName);
        if (own && text && !text.endsWith("\n")) text += "\n";
        text = lines(child, text);
      }
    }
    return text;
  }

  /** @param {any} pre */
  function language(pre) {
    const places = [pre, ...pre.querySelectorAll("code, [class*=language-], [data-language]"), pre.parentElement];
    for (const place of places) {
      const named = place?.dataset.language ?? place?.dataset.lang ?? LANGUAGE.exec(place?.getAttribute("class") ?? "")?.[1];
      if (named && !/^(?:undefined|null|none)$/.test(named)) return named.trim().split(/\s/)[0];
    }
    return "";
  }

  /** @param {any} pre @param {boolean} open */
  function fence(pre, open) {
    const codes = pre.querySelectorAll("code");
    // So far it may be nothing but the bar above the code.
    if (open && codes.length === 0 && pre.querySelector("div, button") !== null) return [];
    const text = lines(codes.length === 1 ? codes[0] : pre);
    const shown = open ? text.replace(/\n+$/, "") : text.replace(/\n$/, "");
    if (open && !shown) return [];
    const longest = Math.max(2, ...(shown.match(/^ {0,3}`{3,}/gm) ?? []).map((/** @type {string} */ run) => run.trim().length));
    const first = fences.get(pre) ?? "`".repeat(longest + 1) + language(pre);
    if (open) fences.set(pre, first);
    const mark = /** @type {RegExpExecArray} */ (/^`+/.exec(first))[0];
    return block(open ? `${first}\n${shown}` : `${first}\n${shown}${shown ? "\n" : ""}${mark}`);
  }

  /** @param {any} cell */
  const cellText = (cell) => join(inside(cell, false)).replace(/\s*\n\s*/g, " ").replaceAll("|", "\\|");

  /** @param {any} node @param {boolean} open */
  function table(node, open) {
    const rows = [...node.querySelectorAll("tr")].filter((row) => row.closest("table") === node && !inline.unseen(row));
    // The last row may get more cells and words; before there is a second one, that is the head.
    const whole = open ? rows.slice(0, -1) : rows;
    const [head, ...body] = whole.map((row) => inline.children(row).filter(inline.isElement));
    if (!head) return [];
    const align = (/** @type {any} */ cell) => {
      const side = cell.getAttribute("align") ?? cell.style.textAlign;
      return side === "center" ? ":---:" : side === "right" ? "---:" : side === "left" ? ":---" : "---";
    };
    const row = (/** @type {string[]} */ cells) => `| ${cells.join(" | ")} |`;
    const padded = (/** @type {any[]} */ cells) => Array.from(head, (_, at) => (cells[at] ? cellText(cells[at]) : ""));
    return block([row(head.map(cellText)), row(head.map(align)), ...body.map((cells) => row(padded(cells)))].join("\n"));
  }

  return Object.freeze({
    /** The whole reply. @param {any} root */
    whole: (root) => join(inside(root, false)),
    /** What of it stays as it is when the page writes on at its end. @param {any} root */
    stable: (root) => join(inside(root, true)),
    /** Something has changed there. @param {any} node */
    changed(node) {
      for (let at = node; at; at = at.parentNode) over.delete(at);
    },
  });
}
