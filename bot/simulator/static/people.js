// The list of people whom one can be.
import { act, loadPeople, on, post, state, tell, trying } from "./api.js";
import { ask, h } from "./dom.js";
import { clock, serviceSentence } from "./i18n.js";

const ROLES = { buyer: "Buyer", student: "Student", admin: "Admin" };
const LANGUAGES = [["en", "English"], ["ar", "العربية"], ["ru", "Русский"]];
const list = document.getElementById("people");

function avatar(person) {
  const letter = [...(person.first_name || "?")][0];
  return h("span", { class: `avatar avatar--${state.people.indexOf(person) % 7}`, "aria-hidden": "true" }, letter,
    h("span", { class: "avatar__lang" }, person.language_code));
}
const fullName = (person) => [person.first_name, person.last_name].filter(Boolean).join(" ");

function lastLine(last) {
  if (!last) return "No messages yet";
  const sentence = serviceSentence(last, "en");
  if (sentence) return sentence;
  const kind = { photo: "Photo", file: "File", invoice: "Invoice" }[last.kind];
  return [last.mine ? "You: " : "", kind && !last.title ? kind : kind ? `${kind} · ${last.title}` : last.title].join("");
}

function draw() {
  list.replaceChildren(...state.people.map((person) => h("a", {
    class: "person", href: `/?as=${person.id}`, "data-person": person.id,
    "aria-current": person.id === state.me ? "true" : null,
    onclick: (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey) return; // another tab is another person
      event.preventDefault();
      become(person.id);
    },
  }, avatar(person),
  h("span", { class: "person__name" }, h("bdi", {}, fullName(person)),
    ROLES[person.role] ? h("span", { class: "person__role" }, ROLES[person.role]) : null),
  h("span", { class: "person__time" }, person.last ? clock(person.last.date, "en") : ""),
  h("span", { class: "person__last", dir: "auto" }, person.blocked ? h("b", {}, "Bot blocked") : lastLine(person.last)),
  person.unread && person.id !== state.me
    ? h("span", { class: "person__count", "aria-label": `${person.unread} unread` }, String(person.unread)) : null)));
}

/** Become a person: the address, the chat and the phone follow. */
export function become(id) {
  if (id !== state.me) history.pushState(null, "", `/?as=${id}`);
  state.me = id;
  tell("become");
}

/** Mark the open chat as read, where the window can be seen. */
export async function markRead() {
  if (document.hidden || !state.person?.unread) return;
  state.person.unread = 0;
  await trying(() => act("/read"));
}

async function addPerson() {
  const answer = await ask({
    title: "New person", text: "Someone who has never met the bot.",
    fields: [{ name: "first_name", label: "Name", placeholder: "Alex" }, { name: "language_code", label: "Language", options: LANGUAGES }],
    buttons: [{ text: "Cancel", value: null }, { text: "Create", value: "ok", kind: "main" }],
  });
  if (!answer || !answer.values.first_name.trim()) return;
  const person = await trying(() => post("/personas", { ...answer.values, role: "buyer" }));
  if (!person) return;
  await loadPeople();
  become(person.id);
}

document.getElementById("add-person").addEventListener("click", addPerson);
on("people", draw);
on("me", draw);
