// Run in a real browser, after the scripts under test: what of the fixtures does not come out as it should.

"use strict";

/* global createMarkdown, shared */

/** Puts a tree together as a page does that is written to: node by node, texts a few characters at a time. */
function* growth(from, into) {
  for (const node of from.childNodes) {
    if (node.nodeType !== Node.TEXT_NODE) {
      const copy = node.cloneNode(false);
      into.append(copy);
      yield copy;
      yield* growth(node, copy);
      continue;
    }
    const text = into.appendChild(new Text(""));
    for (const letters of node.data.match(/[^]{1,3}/gu) ?? []) {
      text.data += letters;
      yield text;
    }
  }
}

/** A page's own render of a source that grows, letter by letter. */
function* typed(source, into, show) {
  for (let end = 1; end <= source.length; end += 1) {
    show(source.slice(0, end));
    yield into;
  }
}

/**
 * What the watch passes on at each step must be how the whole begins, and the whole must be right; so must what it would
 * pass on if the page paused there.
 */
function follow(steps, root, markdown, strict) {
  let passed = "", certain = "";
  const grown = [], paused = [];
  for (const node of steps) {
    markdown.changed(node);
    for (const child of root.querySelectorAll("*")) markdown.changed(child);
    const now = markdown.stable(root);
    const sure = strict ? now : shared(now, certain);
    certain = now;
    if (sure.startsWith(passed)) passed = sure;
    else if (strict) return { problem: `took back ${JSON.stringify(passed)} for ${JSON.stringify(sure)}` };
    grown.push(passed.length);
    paused.push(now);
  }
  const whole = markdown.whole(root);
  if (!whole.startsWith(passed)) return { whole, problem: `passed on ${JSON.stringify(passed)}` };
  const early = paused.find((text) => !whole.startsWith(text));
  if (early !== undefined) return { whole, problem: `passed on at a pause ${JSON.stringify(early)}` };
  return { whole, steps: new Set(grown).size };
}

function stage(html, policy) {
  document.body.replaceChildren();
  const source = document.createElement("div");
  source.innerHTML = policy.createHTML(html);
  return { source, root: document.body.appendChild(document.createElement("div")) };
}

function check(cases, sources, practice) {
  const policy = trustedTypes.createPolicy("fixtures", { createHTML: (html) => html });
  const wrong = [];
  const expect = (name, found, wanted) => {
    if (found.problem || found.whole !== wanted) wrong.push({ name, wanted, ...found });
  };
  for (const { name, html, markdown, ignore = [], grows = true } of cases) {
    const { source, root } = stage(html, policy);
    const converter = createMarkdown(globalThis, ignore);
    root.append(...source.cloneNode(true).childNodes);
    expect(name, { whole: converter.whole(root) }, markdown);
    root.replaceChildren();
    if (grows) expect(`${name}, growing`, follow(growth(source, root), root, createMarkdown(globalThis, ignore), true), markdown);
  }
  for (const source of sources) {
    const { root } = stage("", policy);
    const found = follow(typed(source, root, practice(root)), root, createMarkdown(globalThis, []), false);
    expect(`typed: ${source.slice(0, 30)}`, found, source);
  }
  return wrong;
}
