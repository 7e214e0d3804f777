// @ts-check
// Answers as people read them: Markdown, as far as chat models write it, to elements. No HTML is ever parsed.

const FENCE = /^(`{3,}|~{3,})\s*([\w+#.-]*)/;
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/;
const RULE = /^\s*(?:-{3,}|\*{3,}|_{3,})\s*$/;
const TABLE_RULE = /^\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$/;
const INLINE = /(`+)(.+?)\1(?!`)|\*\*(?=\S)(.+?)\*\*|\*(?=\S)([^*]+?)\*|~~(?=\S)(.+?)~~|!\[([^\]]*)\]\((\S+?)\)|\[([^\]]+)\]\((\S+?)\)|\n/gs;

/** @param {string} tag @param {(string | Node)[]} content */
function make(tag, ...content) {
  const made = document.createElement(tag);
  made.append(...content);
  return made;
}

/** Only where a click may lead. @param {string} text */
function address(text) {
  const url = URL.parse(text, location.href);
  return url && ['http:', 'https:', 'mailto:'].includes(url.protocol) ? url.href : undefined;
}

/** @param {string} text @returns {(string | Node)[]} */
function inline(text) {
  /** @type {(string | Node)[]} */
  const parts = [];
  let from = 0;
  for (const found of text.matchAll(INLINE)) {
    const [all, , code, strong, emphasis, struck, alt, image, label, link] = found;
    parts.push(text.slice(from, found.index));
    from = found.index + all.length;
    if (code !== undefined) parts.push(make('code', /^ .*\S.* $/s.test(code) ? code.slice(1, -1) : code));
    else if (strong !== undefined) parts.push(make('strong', ...inline(strong)));
    else if (emphasis !== undefined) parts.push(make('em', ...inline(emphasis)));
    else if (struck !== undefined) parts.push(make('del', ...inline(struck)));
    else if (all === '\n') parts.push(make('br'));
    else parts.push(anchor(all, label ?? alt, link ?? image));
  }
  parts.push(text.slice(from));
  return parts.filter((part) => part !== '');
}

/** Images stay links: the page shows nothing from elsewhere. @param {string} all @param {string} label @param {string} to */
function anchor(all, label, to) {
  const href = address(to);
  if (!href) return all;
  const made = /** @type {HTMLAnchorElement} */ (make('a', ...inline(label || to)));
  made.href = href;
  made.rel = 'noreferrer';
  return made;
}

/** @param {string} line */
const cells = (line) => line.trim().replace(/^\||\|$/g, '').split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|'));

/** @param {string[]} lines */
function table([head, rule, ...body]) {
  const sides = cells(rule).map((cell) => (/^:-+:$/.test(cell) ? 'center' : /-:$/.test(cell) ? 'right' : ''));
  const row = (/** @type {string} */ line, /** @type {string} */ tag) =>
    make('tr', ...cells(line).map((cell, at) => {
      const made = make(tag, ...inline(cell));
      if (sides[at]) made.setAttribute('align', sides[at]);
      return made;
    }));
  return make('table', make('thead', row(head, 'th')), make('tbody', ...body.map((line) => row(line, 'td'))));
}

/** @param {string[]} lines */
function list(lines) {
  const [, , first] = /** @type {RegExpMatchArray} */ (lines[0].match(ITEM));
  const ordered = /\d/.test(first);
  const made = make(ordered ? 'ol' : 'ul');
  if (ordered && Number.parseInt(first, 10) !== 1) made.setAttribute('start', String(Number.parseInt(first, 10)));
  for (let at = 0; at < lines.length; ) {
    const [, lead, mark, words] = /** @type {RegExpMatchArray} */ (lines[at].match(ITEM));
    const inner = [words];
    for (at += 1; at < lines.length && (!ITEM.test(lines[at]) || /** @type {RegExpMatchArray} */ (lines[at].match(ITEM))[1].length > lead.length); at += 1) {
      inner.push(lines[at].replace(new RegExp(`^\\s{0,${lead.length + mark.length + 1}}`), ''));
    }
    const [paragraph, ...rest] = split(inner.join('\n'));
    const plain = paragraph && isParagraph(paragraph);
    made.append(make('li', ...(plain ? inline(paragraph) : []), ...(plain ? rest : [paragraph, ...rest]).filter(Boolean).map(block)));
  }
  return made;
}

/** @param {string} source */
const isParagraph = (source) => block(source).nodeName === 'P';

/** The element of one block. @param {string} source @returns {HTMLElement} */
function block(source) {
  const lines = source.split('\n');
  const [line] = lines;
  const fence = line.match(FENCE);
  if (fence) {
    const closed = lines.length > 1 && lines.at(-1)?.trim() === fence[1];
    const code = make('code', lines.slice(1, closed ? -1 : undefined).join('\n') + (lines.length > 1 ? '\n' : ''));
    if (fence[2]) code.className = `language-${fence[2]}`;
    return make('pre', code);
  }
  const heading = line.match(/^(#{1,6})\s+(.*)$/);
  if (heading) return make(`h${heading[1].length}`, ...inline(heading[2]));
  if (RULE.test(line)) return make('hr');
  if (line.startsWith('>')) return make('blockquote', ...split(lines.map((quoted) => quoted.replace(/^> ?/, '')).join('\n')).map(block));
  if (ITEM.test(line)) return list(lines);
  if (lines.length > 1 && line.includes('|') && TABLE_RULE.test(lines[1])) return table(lines);
  return make('p', ...inline(source));
}

/** Whether a line goes on with the block that is being collected. @param {string[]} held @param {string} line */
function goesOn(held, line) {
  const [first] = held;
  if (ITEM.test(first)) return ITEM.test(line) || /^\s+\S/.test(line);
  if (first.startsWith('>')) return line.startsWith('>');
  if (/^#{1,6}\s/.test(first) || RULE.test(first)) return false;
  return !FENCE.test(line) && !ITEM.test(line) && !/^#{1,6}\s|^>/.test(line) && !RULE.test(line);
}

/** The sources of the blocks. @param {string} text */
function split(text) {
  /** @type {string[]} */
  const blocks = [];
  /** @type {string[]} */
  let held = [];
  let fence = '';
  const flush = () => {
    if (held.length > 0) blocks.push(held.join('\n'));
    held = [];
  };
  for (const line of text.split('\n')) {
    if (fence) {
      held.push(line);
      if (line.trim() === fence) {
        fence = '';
        flush();
      }
    } else if (FENCE.test(line)) {
      flush();
      fence = /** @type {RegExpMatchArray} */ (line.match(FENCE))[1];
      held.push(line);
    } else if (line.trim() === '') flush();
    else {
      if (held.length > 0 && !goesOn(held, line)) flush();
      held.push(line);
    }
  }
  flush();
  return blocks;
}

/**
 * Shows a text that may have grown since the last time: blocks that are the same stay as they are.
 * @param {HTMLElement} into
 */
export function shown(into) {
  /** @type {string[]} */
  let sources = [];
  return (/** @type {string} */ text) => {
    const next = split(text);
    next.forEach((source, at) => {
      if (source === sources[at]) return;
      const made = block(source);
      const old = into.children[at];
      if (old) old.replaceWith(made);
      else into.append(made);
    });
    while (into.children.length > next.length) into.lastElementChild?.remove();
    sources = next;
  };
}
