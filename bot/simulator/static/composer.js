// Below the chat: START, the text field, the menu button, commands, files, the reply keyboard.
import { act, state, trying } from "./api.js";
import { h, icon } from "./dom.js";
import { t } from "./i18n.js";
import { openWebApp } from "./phone.js";

const composer = document.getElementById("composer");
let drawn = "";
let panel = "";
let keyboardSeen = "";
let replying = null;
let offered = null;
let asking = 0;
const drafts = new Map();

/** Send a text as whom one is. */
export async function sendText(text) {
  const reply = replying ?? state.person.keyboard.force_reply_to;
  replying = null;
  await trying(() => act("/send", { text, reply_to: reply?.message_id ?? reply ?? null }));
  drawComposer(true);
}

/** Answer a message: the next text is a reply to it. */
export function replyTo(message) {
  replying = message;
  drawComposer(true);
  composer.querySelector("textarea")?.focus();
}

async function sendFiles(files) {
  for (const file of files) {
    const form = new FormData();
    form.append("file", file);
    form.append("kind", /^image\/(png|jpeg|webp|gif)$/.test(file.type) ? "photo" : "document");
    const text = composer.querySelector("textarea");
    if (text?.value.trim()) { form.append("caption", text.value.trim()); text.value = ""; drafts.delete(state.me); }
    if (replying) form.append("reply_to", replying.message_id);
    replying = null;
    await trying(() => act("/files", form));
  }
  drawComposer(true);
}

function pressKey(button) {
  if (button.kind === "web_app") {
    trying(async () => openWebApp({ ...await act("/open", { url: button.value, theme: state.theme, source: "keyboard" }), button_text: button.text }));
  } else sendText(button.text);
}

function keyboardPanel(person) {
  return h("div", { class: "panel", "data-panel": "keyboard" }, person.keyboard.rows.map((row) => h("div", { class: "keys__row" },
    row.map((button) => h("button", { class: "key", onclick: () => pressKey(button) }, h("bdi", {}, button.text))))));
}

function commandPanel(person) {
  return h("div", { class: "panel", "data-panel": "commands" }, person.commands.map((command) => h("button", {
    class: "cmd", onclick: () => { panel = ""; sendText(`/${command.command}`); },
  }, h("b", {}, `/${command.command}`), h("span", { dir: "auto" }, command.description))));
}

// "@the_bot netflix": what the bot offers is shown above the field, and a tap sends it.
function askInline(value) {
  clearTimeout(asking);
  const words = value.match(/^@\w+\s(.*)/s);
  if (!words) { if (offered) { offered = null; drawComposer(true); } return; }
  asking = setTimeout(() => trying(async () => { offered = await act("/inline", { text: words[1] }); drawComposer(true); }), 300);
}

async function choose(result) {
  const { query_id } = offered;
  offered = null;
  drafts.delete(state.me);
  await trying(() => act("/inline/choose", { query_id, result_id: result.id }));
  drawComposer(true);
}

function inlinePanel() {
  return h("div", { class: "panel", "data-panel": "inline" }, offered.results.map((result) => h("button", {
    class: "cmd cmd--found", onclick: () => choose(result),
  }, h("b", { dir: "auto" }, result.title), h("span", { dir: "auto" }, result.description))));
}

function toggle(name) {
  panel = panel === name ? "" : name;
  drawComposer(true);
}

function menuButton(person) {
  const menu = person.menu_button;
  if (menu.kind === "web_app") {
    return h("button", { class: "menu-button", id: "menu-button", onclick: () => trying(async () => openWebApp(await act("/menu-button", { theme: state.theme }))) },
      icon("app"), h("span", {}, menu.text));
  }
  if (!person.commands.length) return null;
  return h("button", { class: "menu-button", id: "menu-button", "aria-expanded": String(panel === "commands"), onclick: () => toggle("commands") }, icon("menu"), h("span", {}, t("menu")));
}

function field(person) {
  const text = h("textarea", { rows: "1", placeholder: person.keyboard.placeholder || t("message"), "aria-label": t("message"), dir: "auto",
    oninput: () => { drafts.set(state.me, text.value); askInline(text.value); },
    onkeydown: (event) => { if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); submit(); } },
    onpaste: (event) => { if (event.clipboardData.files.length) { event.preventDefault(); sendFiles(event.clipboardData.files); } } });
  text.value = drafts.get(state.me) || "";
  const submit = () => {
    const value = text.value.trim();
    if (!value) return;
    text.value = "";
    drafts.delete(state.me);
    sendText(value);
  };
  const picker = h("input", { type: "file", multiple: true, hidden: true, onchange: () => sendFiles(picker.files) });
  const webMenu = person.menu_button.kind === "web_app";
  return h("div", { class: "bar" },
    h("div", { class: "field" }, menuButton(person), text, picker,
      person.commands.length && webMenu ? h("button", { class: "round", "aria-label": t("commands"), onclick: () => toggle("commands") }, icon("slash")) : null,
      person.keyboard.rows.length ? h("button", { class: "round", "aria-label": t("keyboard"), onclick: () => toggle("keyboard") }, icon("keyboard")) : null,
      h("button", { class: "round", "aria-label": t("attach"), onclick: () => picker.click() }, icon("clip"))),
    h("button", { class: "send", "aria-label": t("send"), onclick: submit }, icon("send")));
}

/** Draw the composer of whom one is, where something in it changed or `force` is given. */
export function drawComposer(force = false) {
  const person = state.person;
  if (!person) return;
  const keyboard = JSON.stringify([person.id, person.keyboard.rows]);
  if (keyboard !== keyboardSeen) {
    keyboardSeen = keyboard;
    panel = person.keyboard.rows.length ? "keyboard" : "";
    replying = replying && replying.chat_id === person.id ? replying : null;
  }
  const { id, blocked, empty, keyboard: keys, menu_button: menu, commands } = person;
  const now = JSON.stringify([id, blocked, empty, keys, menu, commands]);
  if (now === drawn && !force) return;
  drawn = now;
  const focused = document.activeElement?.matches?.(".composer textarea");
  const parts = [];
  if (blocked) parts.push(h("button", { class: "start", id: "start", onclick: () => sendText("/start") }, t("restart")));
  else if (empty) parts.push(h("button", { class: "start", id: "start", onclick: () => sendText("/start") }, t("start")));
  else {
    if (replying) {
      parts.push(h("div", { class: "replying" }, h("div", { class: "quote" }, h("b", {}, replying.sender), h("span", { dir: "auto" }, replying.text || t("file"))),
        h("button", { class: "round", "aria-label": t("cancel"), onclick: () => { replying = null; drawComposer(true); } }, icon("close"))));
    }
    parts.push(field(person));
    if (panel === "keyboard" && person.keyboard.rows.length) parts.push(keyboardPanel(person));
    if (offered?.results.length) parts.unshift(inlinePanel());
    if (panel === "commands" && person.commands.length) parts.unshift(commandPanel(person));
  }
  composer.replaceChildren(h("div", { class: "composer__in" }, ...parts));
  if (focused) composer.querySelector("textarea")?.focus();
}
