// @ts-check
// The chat page: shows a conversation, posts turns, shows answers as Markdown while they stream.
import * as api from './api.js';
import { shown as shownMarkdown } from './markdown.js';

/** @template {HTMLElement} T @param {string} id @returns {T} */
const $ = (id) => /** @type {T} */ (document.getElementById(id));
const messages = $('messages');
const text = /** @type {HTMLElement} */ (document.querySelector('#composer .entry'));
const editable = text.isContentEditable;
const picker = /** @type {HTMLSelectElement} */ ($('model'));
const home = document.body.dataset.home ?? '/chat';
/** Milliseconds between two times that a growing answer is shown. */
const pace = Number(document.body.dataset.pace ?? 0);

/** @type {{ id: string, name: string, label: string }[]} */
let models = [];
/** The conversation shown: its id once it exists, and how many turns it has. */
let shown = { id: '', turns: 0 };
/** @type {AbortController | null} */
let running = null;

/** @param {string} tag @param {string} name @param {string} [content] */
function element(tag, name, content = '') {
  const made = document.createElement(tag);
  made.className = name;
  made.textContent = content;
  return made;
}

const written = () => (editable ? text.innerText : /** @type {HTMLTextAreaElement} */ (text).value);

function clear() {
  if (editable) text.replaceChildren();
  else /** @type {HTMLTextAreaElement} */ (text).value = '';
}

/** Shows the answer's words as they grow, not more often than the page's pace. @param {HTMLElement} into */
function growing(into) {
  const show = shownMarkdown(into);
  let words = '';
  let timer = 0;
  const now = () => {
    timer = 0;
    follow(() => show(words));
  };
  return {
    /** @param {string} more */
    add(more) {
      words += more;
      if (pace === 0) now();
      else timer ||= setTimeout(now, pace);
    },
    end() {
      clearTimeout(timer);
      now();
    },
  };
}

/** @param {string} who @param {string} content */
function bubble(who, content) {
  $('empty').hidden = true;
  const item = element('article', `message ${who}`);
  item.setAttribute('aria-label', who === 'you' ? 'You' : 'Answer');
  const body = element('div', 'body', who === 'you' ? content : '');
  if (who !== 'you') shownMarkdown(body)(content);
  item.append(body);
  messages.append(item);
  return { item, body };
}

/** Keeps the end in view, unless the reader has scrolled up. @param {() => void} change */
function follow(change) {
  const near = messages.scrollHeight - messages.scrollTop - messages.clientHeight < 80;
  change();
  if (near) messages.scrollTop = messages.scrollHeight;
}

/** @param {unknown} error */
function complain(error) {
  const known = error instanceof api.Problem;
  $('problem').textContent = error ? (known ? error.message : 'The site cannot be reached.') : '';
  $('problem').hidden = !error;
}

/** @param {boolean} on */
function busy(on) {
  $('stop').hidden = !on;
  $('send').hidden = on;
  messages.setAttribute('aria-busy', String(on));
}

async function showList() {
  const { conversations } = await api.conversations();
  $('list').replaceChildren(
    ...conversations.map((/** @type {{ id: string, title: string }} */ { id, title }) => {
      const link = /** @type {HTMLAnchorElement} */ (element('a', '', title));
      link.href = `/conversation/${id}`;
      if (id === shown.id) link.setAttribute('aria-current', 'page');
      const item = document.createElement('li');
      item.append(link);
      return item;
    }),
  );
}

/** @param {string} id */
async function open(id) {
  const { title, model, turns } = await api.conversation(id);
  shown = { id, turns: turns.length };
  $('title').textContent = title;
  if (models.some(({ name }) => name === model)) picker.value = model;
  for (const { prompt, reply, complete } of turns) {
    bubble('you', prompt.text);
    const { item } = bubble('site', reply);
    if (!complete) item.append(element('p', 'mark', 'Not finished'));
  }
  messages.scrollTop = messages.scrollHeight;
}

/**
 * @param {{ item: HTMLElement, body: HTMLElement }} answer
 * @param {string} said
 * @param {{ id: string, name: string }} model
 * @param {AbortSignal} signal
 */
async function stream(answer, said, model, signal) {
  let thoughts = /** @type {HTMLElement | null} */ (null);
  const words = growing(answer.body);
  for await (const { text, reasoning } of api.turn(shown.id, { text: said, model, parentIdx: shown.turns++ }, signal)) {
    follow(() => {
      if (reasoning && !thoughts) {
        const details = /** @type {HTMLDetailsElement} */ (element('details', 'thoughts'));
        thoughts = element('div', 'body');
        details.open = true;
        details.append(element('summary', '', 'Thinking'), thoughts);
        answer.item.prepend(details);
      }
      thoughts?.append(reasoning ?? '');
    });
    words.add(text ?? '');
  }
  words.end();
}

/** After a failure only the site knows whether it recorded the turn; the next one must follow the last recorded. */
async function recount() {
  if (!shown.id) return;
  const recorded = await api.conversation(shown.id).catch(() => null);
  if (recorded) shown.turns = recorded.turns.length;
}

/** @param {string} said */
async function send(said) {
  const model = models.find(({ name }) => name === picker.value);
  if (!model || running || !said.trim()) return;
  const leaving = (running = new AbortController());
  clear();
  complain(null);
  busy(true);
  bubble('you', said);
  const answer = bubble('site', '');
  answer.item.classList.add('live');
  messages.scrollTop = messages.scrollHeight;
  try {
    if (!shown.id) {
      const { id, title } = await api.create(said, model);
      shown = { id, turns: 0 };
      $('title').textContent = title;
      history.pushState(null, '', `/conversation/${id}`);
      showList().catch(() => {});
    }
    await stream(answer, said, model, leaving.signal);
  } catch (error) {
    answer.item.append(element('p', 'mark', leaving.signal.aborted ? 'Stopped' : 'Not finished'));
    if (!leaving.signal.aborted) complain(error);
    await recount();
  } finally {
    answer.item.classList.remove('live');
    running = null;
    busy(false);
    text.focus();
  }
}

async function start() {
  models = await api.models(document.body.dataset.models ?? 'playground-models');
  picker.replaceChildren(...models.map(({ name, label }) => new Option(label, name)));
  const [, id] = location.pathname.match(/^\/conversation\/([0-9a-f]+)$/) ?? [];
  if (id) await open(id);
  document.body.dataset.state = 'ready';
  await showList();
}

$('composer').addEventListener('submit', (event) => {
  event.preventDefault();
  send(written());
});
text.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  send(written());
});
document.addEventListener('keydown', (event) => event.key === 'Escape' && running?.abort());
$('stop').addEventListener('click', () => running?.abort());
$('new').addEventListener('click', () => location.assign(home));
addEventListener('popstate', () => location.reload());
for (const idea of document.querySelectorAll('.ideas button')) {
  idea.addEventListener('click', () => {
    picker.value = /** @type {HTMLElement} */ (idea).dataset.model ?? picker.value;
    send(idea.textContent ?? '');
  });
}
start().catch(complain);
