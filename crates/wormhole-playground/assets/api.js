// @ts-check
// The site's own API, as its chat page uses it.

const BASE = '/internal/experts/assistant';

/** An error that can be shown to a person. */
export class Problem extends Error {}

/** @returns {Record<string, string>} */
function csrf() {
  const pair = document.cookie.split('; ').find((cookie) => cookie.startsWith('_csrf='));
  return { 'X-CSRF-Token': decodeURIComponent(pair?.slice('_csrf='.length) ?? '') };
}

/**
 * @param {string} path
 * @param {RequestInit} [init]
 */
async function call(path, init = {}) {
  const response = await fetch(BASE + path, { credentials: 'same-origin', ...init });
  if (response.status === 401) {
    location.assign(location.pathname);
    throw new Problem('Your session has ended. Please log in again.');
  }
  if (response.status === 403) throw new Problem('This page is out of date. Please reload it.');
  if (response.status === 429) {
    const wait = response.headers.get('retry-after');
    throw new Problem(wait ? `Too many messages. Try again in ${wait} s.` : 'Too many messages. Try again soon.');
  }
  if (!response.ok) throw new Problem(`The site answered with an error (${response.status}).`);
  return response;
}

/**
 * @param {string} path
 * @param {unknown} body
 * @param {AbortSignal} [signal]
 */
function post(path, body, signal) {
  const headers = { 'Content-Type': 'application/json', Accept: 'text/event-stream', ...csrf() };
  return call(path, { method: 'POST', headers, body: JSON.stringify(body), signal });
}

/**
 * The models that can be used, one per name, in either era's shape.
 * @param {string} path
 * @returns {Promise<{ id: string, name: string, label: string }[]>}
 */
export async function models(path) {
  const records = await (await call(`/${path}`)).json();
  if (!Array.isArray(records)) throw new Problem('The model list has a shape this page does not know.');
  const usable = records.filter((record) => (record.status ?? 'Ok') === 'Ok');
  usable.sort((a, b) => Number(Boolean(a.parentId)) - Number(Boolean(b.parentId)));
  const byName = new Map();
  for (const record of usable) {
    const name = record.endpointString ?? record.name;
    if (!byName.has(name)) byName.set(name, { id: record.id, name, label: record.displayName ?? name });
  }
  return [...byName.values()];
}

export const conversations = async () => (await call('/conversations/paginated?page=1&pageSize=30')).json();

/** @param {string} id */
export const conversation = async (id) => (await call(`/conversations/${encodeURIComponent(id)}`)).json();

/**
 * @param {string} text
 * @param {{ id: string, name: string }} model
 */
export async function create(text, model) {
  const body = {
    prompt: { text, images: [] },
    model: model.name,
    modelId: model.id,
    challengeId: '',
    initialTurnMode: 'Normal',
    initialTurnType: 'Text',
    isMysteryModel: false,
  };
  return (await post('/conversations', body)).json();
}

/**
 * Posts a turn and yields its words as they come.
 * @param {string} id
 * @param {{ text: string, model: { id: string, name: string }, parentIdx: number }} turn
 * @param {AbortSignal} signal
 * @returns {AsyncGenerator<{ text?: string, reasoning?: string }>}
 */
export async function* turn(id, { text, model, parentIdx }, signal) {
  const common = { model: model.name, modelId: model.id, turnType: 'Text', turnMode: 'Normal', isMysteryModel: false };
  const prompt = { ...common, text, images: [], files: [], modelWasSwitched: false, systemMessage: '' };
  const body = { prompt, ...common, systemMessage: '', parentIdx };
  const response = await post(`/conversations/${id}/turn-streaming`, body, signal);
  if (!response.headers.get('content-type')?.startsWith('text/event-stream') || !response.body) {
    throw new Problem('The site answered with something else than a stream.');
  }
  for await (const data of events(response.body)) {
    if (data === '[DONE]') return;
    const event = JSON.parse(data);
    if (event.type === 'done') return;
    const delta = event.choices?.[0]?.delta;
    if (delta) yield { text: delta.content, reasoning: delta.reasoning_content };
    else if (event.type === 'chunk') yield { text: event.content };
    else if (event.type === 'reasoning') yield { reasoning: event.content };
    else throw new Problem('The answer has a shape this page does not know.');
  }
  throw new Problem('The answer broke off.');
}

/**
 * The data of server-sent events, however the network cut them.
 * @param {ReadableStream<Uint8Array>} body
 */
async function* events(body) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      rest += decoder.decode(value, { stream: true });
      const lines = rest.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line.startsWith('data:')) yield line.slice('data:'.length).trim();
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
