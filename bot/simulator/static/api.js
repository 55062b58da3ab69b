// The control API and the shared state of the page.
import { toast } from "./dom.js";

/** Who one is, what the bot is, the theme; `on` and `tell` connect the parts of the page. */
export const state = {
  me: null, people: [], info: null, theme: "light",
  get person() { return this.people.find((person) => person.id === this.me) || null; },
};

const listeners = new Map();
/** Hear an event of the page: "people", "me", "become", "view", "message", "deleted", "typing", "theme". */
export function on(name, act) {
  if (!listeners.has(name)) listeners.set(name, []);
  listeners.get(name).push(act);
}
/** Tell an event to all parts of the page. */
export function tell(name, data) {
  for (const act of listeners.get(name) || []) act(data);
}

async function request(method, path, body) {
  const options = { method, headers: {} };
  if (body instanceof FormData) options.body = body;
  else if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers["Content-Type"] = "application/json";
  }
  let answer;
  try {
    answer = await fetch(`/control${path}`, options);
  } catch {
    throw new Error("The simulator does not answer. Is it still running?");
  }
  const data = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(data.error || data.detail || `Error ${answer.status}`);
  return data;
}

/** GET from the control API. */
export const get = (path) => request("GET", path);
/** POST to the control API. */
export const post = (path, body = {}) => request("POST", path, body);
/** POST as the chosen person. */
export const act = (path, body = {}) => post(`/personas/${state.me}${path}`, body);
/** Run something and show its error as a toast; answers undefined then. */
export async function trying(work) {
  try {
    return await work();
  } catch (error) {
    toast(error.message);
    return undefined;
  }
}

let loading = null;
/** Load the people again; several calls at once are one request. */
export function loadPeople() {
  loading ||= get("/personas").then((people) => {
    loading = null;
    state.people = people;
    tell("people");
  }, (error) => { loading = null; throw error; });
  return loading;
}
